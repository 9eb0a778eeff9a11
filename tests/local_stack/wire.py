"""Records every call; can break, hold or watch any call."""

import io
import itertools
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Literal, Self
from urllib.parse import parse_qsl, urlsplit
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from werkzeug.datastructures import Headers
from werkzeug.test import run_wsgi_app
from werkzeug.wrappers import Request

from local_stack.faults import (
    Action,
    Answer,
    Close,
    CloseIdle,
    Delay,
    Drip,
    EndlessHeaders,
    Hang,
    Reset,
    Truncate,
    Verbatim,
)
from local_stack.loopback import LINE, HungUp, Line, LoopbackServer

__all__ = [
    "Action",
    "Answer",
    "Call",
    "Close",
    "CloseIdle",
    "Delay",
    "Drip",
    "EndlessHeaders",
    "Fault",
    "Gate",
    "Hang",
    "Injected",
    "LoopbackServer",
    "Naming",
    "Phase",
    "Reset",
    "Truncate",
    "Verbatim",
    "Wire",
]

type Phase = Literal["before", "after"]
"""Before the app sees the call, or after its effect and before its answer is sent."""

type Naming = Callable[[Request], tuple[str, str]]
"""Returns the service and the operation of a request."""

type Predicate = Callable[[Call], bool]
type Listener = Callable[[Call, Phase], None]


@dataclass(frozen=True, eq=False)
class Call:
    """One request as it arrived. `status` is that of its answer, None without an answer."""

    number: int
    service: str
    operation: str
    method: str
    path: str
    query: Mapping[str, str]
    headers: Headers = field(repr=False)
    body: bytes = field(repr=False)
    connection: int
    arrived: float = field(default_factory=time.monotonic)
    status: int | None = None


@dataclass(frozen=True)
class Selection:
    """Selects calls. A field that is not set matches every call."""

    service: str | None = None
    operation: str | None = None
    when: Predicate | None = None

    def covers(self, call: Call) -> bool:
        return (
            self.service in {None, call.service}
            and self.operation in {None, call.operation}
            and (self.when is None or self.when(call))
        )


@dataclass(frozen=True, kw_only=True)
class Fault(Selection):
    """What goes wrong, at which calls, how often. The first `skip` matching calls are exempt."""

    action: Action
    phase: Phase = "before"
    times: int | None = 1
    skip: int = 0


class Attached:
    """Something attached to a wire until it is removed or its block ends."""

    def __init__(self, remove: Callable[[], None]) -> None:
        self.remove = remove

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


class Injected(Attached):
    """An injected fault, and how often it struck."""

    def __init__(self, fault: Fault, remove: Callable[[Self], None]) -> None:
        super().__init__(lambda: remove(self))
        self.fault = fault
        self.hits = 0
        self._seen = 0

    def strikes(self, call: Call, phase: Phase) -> bool:
        """Count this call and return True if the fault strikes it. The wire's lock is held."""
        if self.fault.phase != phase or not self.fault.covers(call):
            return False
        self._seen += 1
        if self._seen <= self.fault.skip or (
            self.fault.times is not None and self.hits >= self.fault.times
        ):
            return False
        self.hits += 1
        return True


class Gate:
    """Holds the calls that reach it, in the order of their arrival, until it releases them."""

    def __init__(self, selection: Selection, phase: Phase) -> None:
        self._selection = selection
        self._phase = phase
        self._changed = threading.Condition()
        self._held: list[Call] = []
        self._open = False

    @property
    def held(self) -> tuple[Call, ...]:
        with self._changed:
            return tuple(self._held)

    def wait_for(self, count: int, timeout: float = 60.0) -> tuple[Call, ...]:
        """Wait until `count` calls are held, and return them."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._held) >= count, timeout):
                raise TimeoutError(
                    f"{len(self._held)} of {count} calls were held after {timeout} s"
                )
            return tuple(self._held)

    def release(self, k: int | None = None) -> tuple[Call, ...]:
        """Release the first `k` held calls, or all held now; later ones are held again."""
        with self._changed:
            released = tuple(self._held[:k])
            del self._held[:k]
            self._changed.notify_all()
            return released

    def open(self) -> None:
        """Release all calls and hold none from now on."""
        with self._changed:
            self._open = True
            self.release()

    def pass_through(self, call: Call, phase: Phase) -> None:
        """Return when the call may go on: at once if it is not selected."""
        if phase != self._phase or not self._selection.covers(call):
            return
        with self._changed:
            if self._open:
                return
            self._held.append(call)
            self._changed.notify_all()
            self._changed.wait_for(lambda: all(held.number != call.number for held in self._held))


class Wire:
    """WSGI middleware: records a call, calls listeners, holds it at gates, then applies a fault."""

    def __init__(self, app: WSGIApplication, naming: Naming) -> None:
        self._app = app
        self._naming = naming
        self._lock = threading.RLock()
        self._numbers = itertools.count(1)
        self._calls: dict[int, Call] = {}
        self._faults: list[Injected] = []
        self._gates: list[Gate] = []
        self._listeners: list[Listener] = []

    @property
    def calls(self) -> tuple[Call, ...]:
        """Every call since the last `clear`, in the order of arrival."""
        with self._lock:
            return tuple(self._calls.values())

    def count(self, service: str | None = None, operation: str | None = None) -> int:
        selection = Selection(service, operation)
        return sum(selection.covers(call) for call in self.calls)

    def clear(self) -> None:
        """Forget the calls; faults, gates and listeners stay."""
        with self._lock:
            self._calls.clear()

    def inject(self, fault: Fault) -> Injected:
        """Inject a fault. Of several that match a call, only the first injected one strikes."""
        injected = Injected(fault, self._remove)
        with self._lock:
            self._faults.append(injected)
        return injected

    def heal(self) -> None:
        """Remove every fault."""
        with self._lock:
            self._faults.clear()

    @contextmanager
    def hold(
        self,
        service: str | None = None,
        operation: str | None = None,
        *,
        phase: Phase = "before",
        when: Predicate | None = None,
    ) -> Iterator[Gate]:
        """Within the block, the selected calls stop here; its end releases all."""
        gate = Gate(Selection(service, operation, when), phase)
        with self._lock:
            self._gates.append(gate)
        try:
            yield gate
        finally:
            with self._lock:
                self._gates.remove(gate)
            gate.open()

    def listen(self, callback: Listener) -> Attached:
        """Call `callback` in each call's own thread, which goes on only when it returns."""
        with self._lock:
            self._listeners.append(callback)
        return Attached(lambda: self._listeners.remove(callback))

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        call = self._record(environ)
        self._announce(call, "before")
        try:
            answer = self._settle(call, environ)
        except HungUp as end:
            self._answered(call, end.status)
            raise
        self._answered(call, answer.status)
        start_response(answer.status_line, list(answer.headers))
        return [answer.body]

    def _settle(self, call: Call, environ: WSGIEnvironment) -> Answer:
        line: Line = environ[LINE]
        ask = cache(lambda: self._ask(call, environ))
        action = self._struck(call, "before")
        if action is not None:
            return action.play(line, ask)
        action = self._struck(replace(call, status=ask().status), "after")
        return ask() if action is None else action.play(line, ask)

    def _ask(self, call: Call, environ: WSGIEnvironment) -> Answer:
        chunks, status, headers = run_wsgi_app(self._app, environ, buffered=True)
        answer = Answer(int(status.split()[0]), headers, b"".join(chunks))
        self._announce(replace(call, status=answer.status), "after")
        return answer

    def _record(self, environ: WSGIEnvironment) -> Call:
        request = Request(environ)
        body = request.get_data()
        environ["wsgi.input"] = io.BytesIO(body)
        service, operation = self._naming(request)
        target = urlsplit(str(environ.get("RAW_URI", request.full_path)))
        with self._lock:
            number = next(self._numbers)
            self._calls[number] = call = Call(
                number=number,
                service=service,
                operation=operation,
                method=request.method,
                path=target.path,
                query=dict(parse_qsl(target.query, keep_blank_values=True)),
                headers=Headers(request.headers),
                body=body,
                connection=environ[LINE].number,
            )
        return call

    def _answered(self, call: Call, status: int | None) -> None:
        with self._lock:
            if call.number in self._calls:
                self._calls[call.number] = replace(call, status=status)

    def _announce(self, call: Call, phase: Phase) -> None:
        with self._lock:
            listeners, gates = list(self._listeners), list(self._gates)
        for listener in listeners:
            listener(call, phase)
        for gate in gates:
            gate.pass_through(call, phase)

    def _struck(self, call: Call, phase: Phase) -> Action | None:
        with self._lock:
            return next(
                (one.fault.action for one in self._faults if one.strikes(call, phase)), None
            )

    def _remove(self, injected: Injected) -> None:
        with self._lock:
            if injected in self._faults:
                self._faults.remove(injected)
