"""What can happen to a call instead of its answer, done to one real connection."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Protocol, Self

from local_stack.loopback import HungUp, Line, head_of

type Ask = Callable[[], Answer]
"""Returns the app's own answer. The app takes effect at the first call."""


@dataclass(frozen=True)
class Answer:
    """An HTTP answer. As a fault's action it replaces the app's own."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def __init__(
        self,
        status: int,
        headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
        body: str | bytes = b"",
    ) -> None:
        pairs = headers.items() if isinstance(headers, Mapping) else headers
        object.__setattr__(self, "status", status)
        object.__setattr__(self, "headers", tuple(pairs))
        object.__setattr__(self, "body", body.encode() if isinstance(body, str) else body)

    @classmethod
    def json(
        cls,
        status: int,
        value: Any,
        headers: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> Self:
        return cls(status, {"Content-Type": content_type, **(headers or {})}, json.dumps(value))

    @property
    def status_line(self) -> str:
        try:
            return f"{self.status} {HTTPStatus(self.status).phrase}"
        except ValueError:
            return f"{self.status} Unnamed"

    @property
    def head(self) -> bytes:
        """The raw head. It announces the length of the whole body."""
        pairs = [(name, value) for name, value in self.headers if name.lower() != "content-length"]
        return head_of(self.status_line, [*pairs, ("Content-Length", str(len(self.body)))])

    @property
    def whole(self) -> bytes:
        """The raw head and body."""
        return self.head + self.body

    def play(self, _line: Line, _ask: Ask, /) -> Self:
        return self


class Action(Protocol):
    """Returns an Answer to be sent normally, or raises HungUp when the connection is over."""

    def play(self, line: Line, ask: Ask, /) -> Answer: ...


@dataclass(frozen=True)
class Reset:
    """The connection ends with RST."""

    def play(self, line: Line, _ask: Ask, /) -> Answer:
        line.reset()
        raise HungUp


@dataclass(frozen=True)
class Close:
    """The connection ends with FIN, without an answer."""

    def play(self, line: Line, _ask: Ask, /) -> Answer:
        line.close()
        raise HungUp


@dataclass(frozen=True)
class Lost:
    """The effect happens, and its answer is lost: another one comes instead, or FIN."""

    answer: Answer | None = None

    def play(self, line: Line, ask: Ask, /) -> Answer:
        ask()
        return self.answer or Close().play(line, ask)


@dataclass(eq=False)
class Hang:
    """
    No answer for some time, then RST. Ends early when the server stops.

    `is_over`: a call has hung for the whole time. What ends before that has not waited for it.
    """

    seconds: float
    is_over: bool = False

    def play(self, line: Line, _ask: Ask, /) -> Answer:
        self.is_over |= line.wait(self.seconds)
        line.reset()
        raise HungUp


@dataclass(frozen=True)
class Delay:
    """The answer comes late. The effect happens at once, when the call arrives."""

    seconds: float

    def play(self, line: Line, ask: Ask, /) -> Answer:
        answer = ask()
        line.wait(self.seconds)
        return answer


@dataclass(frozen=True)
class Drip:
    """The head at once, then the body byte by byte. The app's own, unless an answer is given."""

    bytes_per_second: float
    answer: Answer | None = None

    def play(self, line: Line, ask: Ask, /) -> Answer:
        answer = self.answer or ask()
        line.send(answer.head)
        for left, byte in zip(reversed(range(len(answer.body))), answer.body, strict=True):
            if not line.wait(1 / self.bytes_per_second):
                break
            # The FIN comes with the last byte, so that the client does not use the line again.
            send = line.send if left else line.send_last
            send(bytes([byte]))
        raise HungUp(answer.status)


@dataclass(frozen=True)
class EndlessHeaders:
    """A head without end, until the client hangs up or the server stops."""

    lines_per_second: float = 1000.0

    def play(self, line: Line, _ask: Ask, /) -> Answer:
        line.send(b"HTTP/1.1 200 OK\r\n")
        while line.wait(1 / self.lines_per_second):
            line.send(b"X-More: " + b"." * 72 + b"\r\n")
        raise HungUp


@dataclass(frozen=True)
class Truncate:
    """The head announces the whole body; only `at` bytes of it follow, then the line closes."""

    at: int
    answer: Answer | None = None

    def play(self, line: Line, ask: Ask, /) -> Answer:
        answer = self.answer or ask()
        line.send(answer.head + answer.body[: self.at])
        raise HungUp(answer.status)


@dataclass(frozen=True)
class Reworded:
    """The app's own answer, with another text wherever it has this one."""

    old: bytes
    new: bytes

    def play(self, _line: Line, ask: Ask, /) -> Answer:
        answer = ask()
        headers = [pair for pair in answer.headers if pair[0].lower() != "content-length"]
        return Answer(answer.status, headers, answer.body.replace(self.old, self.new))


@dataclass(frozen=True)
class Behind:
    """The app's own answer and, in the same packet, another one that nobody asked for."""

    other: Answer

    def play(self, _line: Line, ask: Ask, /) -> Answer:
        answer = ask()
        headers = [pair for pair in answer.headers if pair[0].lower() != "content-length"]
        length = ("Content-Length", str(len(answer.body)))
        return Answer(answer.status, [*headers, length], answer.body + self.other.whole)


@dataclass(frozen=True)
class Verbatim:
    """These bytes instead of an answer, HTTP or not; then the line closes."""

    data: bytes

    def play(self, line: Line, _ask: Ask, /) -> Answer:
        line.send_last(self.data)
        raise HungUp


@dataclass(frozen=True)
class CloseIdle:
    """
    The normal answer; then the idle connection ends, as happens while an environment sleeps.

    With `noticed`, a client that looks before it sends finds the server's FIN. Without it, as when
    a gateway forgot the connection, RST answers the next request.
    """

    noticed: bool = True

    def play(self, line: Line, ask: Ask, /) -> Answer:
        answer = ask()
        if self.noticed:
            line.send_last(answer.whole)
            raise HungUp(answer.status)
        line.send(answer.whole)
        if line.wait_for_client():
            line.reset()
        raise HungUp(answer.status)
