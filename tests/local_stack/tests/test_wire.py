"""The wire, used by real clients over real sockets."""

import socket
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from wsgiref.types import StartResponse, WSGIEnvironment

import httpx
import pytest
from werkzeug.wrappers import Request

from local_stack.wire import (
    Action,
    Answer,
    Call,
    Close,
    CloseIdle,
    Drip,
    EndlessHeaders,
    Fault,
    Hang,
    LoopbackServer,
    Phase,
    Reset,
    Truncate,
    Wire,
)

pytestmark = pytest.mark.timeout(20)


class Counter:
    """An app with an effect: it counts, and answers with its count."""

    def __init__(self) -> None:
        self.count = 0
        self._lock = threading.Lock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/broken":
            raise RuntimeError("the app is broken")
        with self._lock:
            self.count += 1
            body = f"count {self.count}".encode()
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [body]


def by_path(request: Request) -> tuple[str, str]:
    return "counter", request.path.strip("/")


class Place:
    """A counter behind a wire, and one client of it."""

    def __init__(self, counter: Counter, wire: Wire, url: str, client: httpx.Client) -> None:
        self.counter = counter
        self.wire = wire
        self.url = url
        self.client = client

    def get(self, operation: str = "add") -> httpx.Response:
        return self.client.get(f"/{operation}")


@pytest.fixture
def place() -> Iterator[Place]:
    counter = Counter()
    wire = Wire(counter, by_path)
    with (
        LoopbackServer(wire) as server,
        httpx.Client(base_url=server.url, timeout=5.0, trust_env=False) as client,
    ):
        yield Place(counter, wire, server.url, client)


def test_a_keep_alive_connection_is_reused(place: Place) -> None:
    for _ in range(3):
        place.client.post("/add", content=b"x" * 10_000)

    assert len({call.connection for call in place.wire.calls}) == 1


def test_a_call_is_recorded_as_it_arrived(place: Place) -> None:
    place.client.post("/add%2Fone?pretty=true&empty=", content=b"body", headers={"X-Word": "yes"})

    (call,) = place.wire.calls
    assert (call.number, call.service, call.operation) == (1, "counter", "add/one")
    assert (call.method, call.path) == ("POST", "/add%2Fone")
    assert call.query == {"pretty": "true", "empty": ""}
    assert (call.headers["x-word"], call.body, call.status) == ("yes", b"body", 200)


def test_an_exception_in_the_app_is_answered_with_500(place: Place) -> None:
    assert place.get("broken").status_code == 500


def test_half_a_request_has_no_effect(place: Place) -> None:
    head = b"POST /add HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n"
    server = place.client.base_url.host, place.client.base_url.port or 0
    with socket.create_connection(server, timeout=5) as dying:
        dying.sendall(head + b"half")
        dying.shutdown(socket.SHUT_WR)

        assert dying.recv(1) == b""

    assert place.counter.count == 0


def test_a_fault_before_the_effect_prevents_it(place: Place) -> None:
    place.wire.inject(Fault(action=Answer(503, {"Retry-After": "1"}, "busy")))
    response = place.get()

    assert (response.status_code, response.headers["Retry-After"]) == (503, "1")
    assert response.text == "busy"
    assert place.counter.count == 0
    assert place.wire.calls[0].status == 503


def test_a_fault_after_the_effect_replaces_only_the_answer(place: Place) -> None:
    place.wire.inject(Fault(action=Answer.json(500, {"word": "no"}), phase="after"))
    response = place.get()

    assert (response.status_code, response.json()) == (500, {"word": "no"})
    assert place.counter.count == 1


def test_a_reset_before_the_effect_prevents_it(place: Place) -> None:
    place.wire.inject(Fault(action=Reset()))
    with pytest.raises(httpx.ReadError, match="reset"):
        place.get()

    assert place.counter.count == 0
    assert place.wire.calls[0].status is None


def test_a_reset_after_the_effect_loses_only_the_answer(place: Place) -> None:
    place.wire.inject(Fault(action=Reset(), phase="after"))
    with pytest.raises(httpx.ReadError, match="reset"):
        place.get()

    assert place.counter.count == 1
    assert place.wire.calls[0].status is None


@pytest.mark.parametrize("phase", ["before", "after"])
def test_a_closed_connection_gives_no_answer(place: Place, phase: Phase) -> None:
    place.wire.inject(Fault(action=Close(), phase=phase))
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        place.get()

    assert place.counter.count == {"before": 0, "after": 1}[phase]


def test_a_hung_call_gets_no_answer_and_then_a_reset(place: Place) -> None:
    place.wire.inject(Fault(action=Hang(60), times=1))
    with pytest.raises(httpx.ReadTimeout):
        place.client.get("/add", timeout=0.05)
    place.wire.inject(Fault(action=Hang(0.05)))
    with pytest.raises(httpx.ReadError, match="reset"):
        place.get()

    assert place.counter.count == 0


def test_a_hung_call_ends_when_the_server_stops() -> None:
    wire = Wire(Counter(), by_path)
    wire.inject(Fault(action=Hang(60)))
    with ThreadPoolExecutor() as threads:
        with LoopbackServer(wire) as server, wire.hold() as gate:
            call = threads.submit(httpx.get, f"{server.url}/add", timeout=60, trust_env=False)
            gate.wait_for(1)
        with pytest.raises(httpx.TransportError):
            call.result(timeout=5)


def test_an_idle_connection_ends_when_the_server_stops() -> None:
    with LoopbackServer(Counter()) as server:
        idle = socket.create_connection(("127.0.0.1", server.port), timeout=5)
        idle.sendall(b"GET /add HTTP/1.1\r\n\r\n")
        assert b"count 1" in idle.recv(1000)
    with idle:
        assert idle.recv(1) == b""


def test_a_slow_body_does_not_reach_the_read_timeout(place: Place) -> None:
    place.wire.inject(Fault(action=Drip(bytes_per_second=100)))

    assert place.client.get("/add", timeout=0.05).text == "count 1"


def test_endless_headers_never_become_an_answer(place: Place) -> None:
    place.wire.inject(Fault(action=EndlessHeaders(lines_per_second=100_000)))
    with pytest.raises(httpx.RemoteProtocolError):
        place.get()

    assert place.wire.calls[0].status is None


def test_a_truncated_body_is_shorter_than_its_length(place: Place) -> None:
    place.wire.inject(Fault(action=Truncate(at=3)))
    with pytest.raises(httpx.RemoteProtocolError, match="received 3 bytes, expected 7"):
        place.get()

    assert place.counter.count == 1


def test_a_client_notices_an_idle_connection_that_was_closed(place: Place) -> None:
    place.wire.inject(Fault(action=CloseIdle()))
    assert place.get().text == "count 1"
    assert place.get().text == "count 2"

    first, second = place.wire.calls
    assert first.connection != second.connection


def test_a_request_on_a_forgotten_idle_connection_is_reset(place: Place) -> None:
    place.wire.inject(Fault(action=CloseIdle(noticed=False)))
    assert place.get().text == "count 1"
    with pytest.raises(httpx.TransportError):
        place.get()

    assert place.get().text == "count 2"
    assert place.wire.count() == 2


@pytest.mark.parametrize(
    "action",
    [Reset(), Close(), Hang(0), Drip(10_000), Truncate(2), EndlessHeaders(100_000), CloseIdle()],
    ids=lambda action: type(action).__name__,
)
def test_the_call_after_a_fault_is_answered(place: Place, action: Action) -> None:
    place.wire.inject(Fault(action=action))
    with suppress(httpx.TransportError):
        place.get()

    assert place.get().status_code == 200


def test_a_fault_affects_only_the_selected_calls(place: Place) -> None:
    place.wire.inject(Fault(action=Answer(418), operation="take", times=None))
    place.wire.inject(Fault(action=Answer(419), service="other", times=None))
    place.wire.inject(Fault(action=Answer(420), when=lambda call: "x" in call.query, times=None))

    assert place.get("add").status_code == 200
    assert place.get("take").status_code == 418
    assert place.get("add?x=1").status_code == 420


def test_a_fault_applies_the_given_number_of_times(place: Place) -> None:
    fault = place.wire.inject(Fault(action=Answer(503), times=2, skip=1))

    assert [place.get().status_code for _ in range(5)] == [200, 503, 503, 200, 200]
    assert fault.hits == 2


def test_a_fault_applies_until_it_is_removed(place: Place) -> None:
    with place.wire.inject(Fault(action=Answer(503), times=None)) as fault:
        assert {place.get().status_code for _ in range(3)} == {503}

    assert place.get().status_code == 200
    assert fault.hits == 3


def test_a_gate_releases_calls_in_the_order_of_their_arrival(place: Place) -> None:
    with ThreadPoolExecutor() as threads, place.wire.hold(operation="add") as gate:
        first = threads.submit(place.get)
        gate.wait_for(1)
        second = threads.submit(place.get)
        gate.wait_for(2)
        assert place.counter.count == 0

        gate.release(1)
        assert first.result(timeout=5).text == "count 1"
        assert not second.done()

        gate.release()
        assert second.result(timeout=5).text == "count 2"


def test_a_gate_after_the_effect_holds_only_the_answer(place: Place) -> None:
    with ThreadPoolExecutor() as threads:
        with place.wire.hold(phase="after") as gate:
            answer = threads.submit(place.get)
            (held,) = gate.wait_for(1)
            assert (place.counter.count, held.status) == (1, 200)
            assert not answer.done()

        assert answer.result(timeout=5).text == "count 1"


def test_the_end_of_a_gate_releases_all_calls(place: Place) -> None:
    with ThreadPoolExecutor() as threads:
        with place.wire.hold() as gate:
            answers = [threads.submit(place.get) for _ in range(4)]
            gate.wait_for(4)

        assert {answer.result(timeout=5).status_code for answer in answers} == {200}


def test_a_fault_injected_while_a_call_is_held_affects_it(place: Place) -> None:
    with ThreadPoolExecutor() as threads, place.wire.hold() as gate:
        answer = threads.submit(place.get)
        gate.wait_for(1)
        place.wire.inject(Fault(action=Answer(503)))
        gate.release()

        assert answer.result(timeout=5).status_code == 503


def test_a_listener_is_called_before_and_after_the_effect(place: Place) -> None:
    heard: list[tuple[str, Phase, int | None, int]] = []

    def listen(call: Call, phase: Phase) -> None:
        heard.append((call.operation, phase, call.status, place.counter.count))

    with place.wire.listen(listen):
        place.get()
    place.get()

    assert heard == [("add", "before", None, 0), ("add", "after", 200, 1)]


def test_a_stopped_server_leaves_no_thread_and_no_descriptor() -> None:
    def descriptors() -> int:
        return sum(1 for _ in Path("/proc/self/fd").iterdir())

    def serve() -> None:
        with LoopbackServer(Counter()) as server, httpx.Client(trust_env=False) as client:
            client.get(f"{server.url}/add")

    serve()
    threads, files = set(threading.enumerate()), descriptors()
    for _ in range(5):
        serve()
    # The thread of a connection that was just closed may have its last lines to run.
    for thread in set(threading.enumerate()) - threads:
        thread.join(timeout=5)

    assert set(threading.enumerate()) <= threads
    assert descriptors() <= files
