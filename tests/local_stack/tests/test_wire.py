"""The wire records calls, and its faults strike where, when and as often as they are injected."""

import re
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from wsgiref.types import StartResponse, WSGIEnvironment

import httpx
import pytest
from werkzeug.wrappers import Request

from local_stack.faults import Lost
from local_stack.wire import (
    Answer,
    Close,
    CloseIdle,
    Delay,
    EndlessHeaders,
    Fault,
    Hang,
    LoopbackServer,
    Reset,
    Truncate,
    Verbatim,
    Wire,
)

pytestmark = pytest.mark.timeout(20)


class Counter:
    """An app with an effect: it counts, and answers with its count."""

    def __init__(self) -> None:
        self.count = 0
        self._lock = threading.Lock()

    def __call__(self, _environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        with self._lock:
            self.count += 1
            body = f"count {self.count}".encode()
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [body]


def by_path(request: Request) -> tuple[str, str]:
    return "counter", request.path.strip("/")


@dataclass(frozen=True)
class Place:
    """A counter behind a wire, and one client of it."""

    counter: Counter
    wire: Wire
    client: httpx.Client

    def get(self, path: str = "add", timeout: float = 5.0) -> str:
        """The answer of the app, the status of another one, or what the client raises."""
        try:
            answer = self.client.get(f"/{path}", timeout=timeout)
        except httpx.TransportError as error:
            return str(error)
        return answer.text if answer.is_success else str(answer.status_code)


@pytest.fixture
def place() -> Iterator[Place]:
    counter = Counter()
    wire = Wire(counter, by_path)
    with (
        LoopbackServer(wire) as server,
        httpx.Client(base_url=server.url, trust_env=False) as client,
    ):
        yield Place(counter, wire, client)


RESET, CLOSED = "reset by peer", "without sending a response"


@pytest.mark.parametrize(
    ("fault", "seen", "effects", "status"),
    [
        (Fault(action=Answer(503)), "503", 0, 503),
        (Fault(action=Answer(503), phase="after"), "503", 1, 503),
        (Fault(action=Reset()), RESET, 0, None),
        (Fault(action=Reset(), phase="after"), RESET, 1, None),
        (Fault(action=Close()), CLOSED, 0, None),
        (Fault(action=Close(), phase="after"), CLOSED, 1, None),
        (Fault(action=Lost()), CLOSED, 1, None),
        (Fault(action=Lost(Answer(500))), "500", 1, 500),
        (Fault(action=Hang(0.05)), RESET, 0, None),
        (Fault(action=Hang(60)), "timed out", 0, None),
        (Fault(action=Delay(0.05)), "count 1", 1, 200),
        (Fault(action=Delay(60)), "timed out", 1, None),
        (Fault(action=Truncate(at=3)), "received 3 bytes, expected 7", 1, 200),
        (Fault(action=EndlessHeaders(100_000)), "too long|too many|more than", 0, None),
        (Fault(action=Verbatim(b"nonsense\r\n\r\n")), "illegal", 0, None),
    ],
    ids=lambda value: f"{value.action} {value.phase}" if isinstance(value, Fault) else "",
)
def test_a_fault_strikes_one_call_before_or_after_its_effect(
    place: Place, fault: Fault, seen: str, effects: int, status: int | None
) -> None:
    place.wire.inject(fault)

    # Beside a load, an answer takes longer.
    assert re.search(seen, place.get(timeout=0.25 if seen == "timed out" else 10))
    assert place.counter.count == effects
    assert place.wire.calls[0].status == status
    assert place.get() == f"count {effects + 1}"


@pytest.mark.parametrize("noticed", [True, False])
def test_an_idle_connection_ends_with_or_without_notice(place: Place, *, noticed: bool) -> None:
    place.wire.inject(Fault(action=CloseIdle(noticed)))

    assert place.get() == "count 1"
    assert noticed or re.search(f"{RESET}|{CLOSED}", place.get())
    assert place.get() == "count 2"


def test_a_fault_strikes_the_selected_calls_as_often_as_it_says(place: Place) -> None:
    place.wire.inject(Fault(action=Answer(418), operation="take", times=None))
    place.wire.inject(Fault(action=Answer(419), service="other", times=None))
    place.wire.inject(Fault(action=Answer(420), when=lambda call: "x" in call.query, times=None))
    some = place.wire.inject(Fault(action=Answer(503), operation="some", times=2, skip=1))
    with place.wire.inject(Fault(action=Answer(504), operation="block", times=None)):
        assert place.get("block") == "504"

    assert [place.get(path) for path in ("add", "take", "add?x=1", "block")] == [
        *("count 1", "418", "420", "count 2")
    ]
    assert [place.get("some") for _ in range(4)] == ["count 3", "503", "503", "count 4"]
    assert some.hits == 2
    place.wire.heal()
    assert place.get("take") == "count 5"


def test_a_gate_releases_calls_in_the_order_of_their_arrival(place: Place) -> None:
    with ThreadPoolExecutor() as threads, place.wire.hold(operation="add") as gate:
        first = threads.submit(place.get)
        gate.wait_for(1)
        second = threads.submit(place.get)
        gate.wait_for(2)
        assert place.counter.count == 0

        gate.release(1)
        assert first.result(timeout=5) == "count 1"
        assert not second.done()

        # What is injected while a call is held strikes it.
        place.wire.inject(Fault(action=Answer(503)))
        gate.release()
        assert second.result(timeout=5) == "503"
