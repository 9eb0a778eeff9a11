"""One exchange ends in a whole answer, as it would be without an envelope, or in an error."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier

import httpcore
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from restore_watch.atlas.exchange import exchange
from restore_watch.atlas.transport.bounds import bounded, current_bounds
from restore_watch.atlas.transport.connections import ERRORS_OF_HTTPX
from restore_watch.atlas.transport.envelopes import ENVELOPE, OpenedEnvelopes, open_envelope
from restore_watch.errors import AtlasUnavailableError
from strategies import json_values
from unit.scripted_atlas import JOB_URL, Clock, Reply, ScriptedAtlas, answer

MARK = "~|~"


class CutOff(httpx.SyncByteStream):
    """A body that breaks off after its first part."""

    def __init__(self) -> None:
        self.is_closed = False

    def __iter__(self) -> Iterator[bytes]:
        yield b'{"id": '
        raise httpx.RemoteProtocolError(f"peer closed after {MARK}")

    def close(self) -> None:
        self.is_closed = True


def request() -> httpx.Request:
    return httpx.Request("GET", JOB_URL)


def says(error: type[httpx.TransportError], text: str) -> Reply:
    def fail(_: httpx.Request) -> httpx.Response:
        raise error(text)

    return fail


@pytest.mark.parametrize(
    ("error", "said", "quoted"),
    [
        (httpx.ConnectTimeout, f"failed with {MARK}", ": ConnectTimeout: failed with [redacted]"),
        (httpx.ReadError, f"failed with {MARK}", ": ReadError: failed with [redacted]"),
        (httpx.PoolTimeout, "", ": PoolTimeout: no reason given"),
        (httpx.RemoteProtocolError, "illegal line", " in HTTP: RemoteProtocolError"),
    ],
    ids=["no connection", "broken", "no text", "not HTTP"],
)
def test_a_network_error_is_described_without_the_secrets(
    atlas: ScriptedAtlas, clock: Clock, error: type[httpx.TransportError], said: str, quoted: str
) -> None:
    atlas.job_replies += [says(error, said)] * 2  # a kept connection is replaced once

    with pytest.raises(AtlasUnavailableError) as refused:
        exchange(atlas.client(), request(), clock.deadline(), secrets=[MARK])

    assert str(refused.value) == f"Atlas did not answer{quoted}"
    assert refused.value.reason is None
    assert refused.value.__cause__ is None


def test_an_incomplete_answer_raises_an_error_and_is_closed(
    atlas: ScriptedAtlas, clock: Clock
) -> None:
    body = CutOff()
    atlas.job_replies.append(lambda _: httpx.Response(200, stream=body))

    with pytest.raises(AtlasUnavailableError) as refused:
        exchange(atlas.client(), request(), clock.deadline())

    assert MARK not in str(refused.value)
    assert body.is_closed


def test_each_error_of_a_connection_is_the_one_of_httpx_by_its_name() -> None:
    """Also if a later httpcore has one more. Those of a proxy are left out: there is none."""
    families = (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError)
    raised = {error for family in families for error in family.__subclasses__()}

    assert ERRORS_OF_HTTPX.keys() == raised | {httpcore.UnsupportedProtocol}
    for error, translated in ERRORS_OF_HTTPX.items():
        assert translated.__name__ == error.__name__


# Envelopes


JOB = {"id": "69f88a400000000000000b01", "status": "RUNNING"}
REFUSAL = {"errorCode": "RESOURCE_NOT_FOUND", "detail": "No."}

# Each row: what is enveloped, the status, and the body if there is one.
ENVELOPES: list[tuple[object, int, object]] = [
    ({"status": 200, "content": JOB}, 200, JOB),
    ({"status": 200, "envelope": JOB}, 200, JOB),
    *(
        ({"status": status, "content": REFUSAL}, status, REFUSAL)
        for status in (400, 401, 403, 404, 410, 429, 500, 503)
    ),
    *(({"status": 401, **odd}, 401, None) for odd in ({"content": None}, {}, {"content": "No."})),
]


@pytest.mark.parametrize(("answered", "status", "content"), ENVELOPES, ids=str)
def test_an_enveloped_answer_has_its_true_status_and_body(
    answered: object, status: int, content: object
) -> None:
    body = b"" if content is None else json.dumps(content).encode()

    assert open_envelope(200, json.dumps(answered).encode()) == (status, body)


@pytest.mark.parametrize(
    ("http_status", "seen"), [(200, 401), (201, 201), (207, 207), (503, 503)], ids=str
)
def test_an_envelope_is_opened_only_in_http_200(http_status: int, seen: int) -> None:
    enveloped = answer(http_status, {"status": 401, "content": REFUSAL})
    transport = OpenedEnvelopes(httpx.MockTransport(enveloped))

    with httpx.Client(transport=transport) as http:
        response = http.get(JOB_URL, extensions={ENVELOPE: True})

    assert response.status_code == seen


NOT_ENVELOPES: list[object] = [
    JOB,
    JOB | {"content": {"id": "x"}},
    {"id": "69f88a400000000000000b01", "deliveryType": "automated"},
    {"error": 404} | REFUSAL,
    *({"status": odd, "content": {}} for odd in (True, 200.0, "200", 199, 600)),
    {"status": 200, "content": None},
    [{"status": 200, "content": {}}],
    None,
]


@pytest.mark.parametrize(
    "body", [*(json.dumps(one).encode() for one in NOT_ENVELOPES), b"<html>"], ids=repr
)
def test_an_answer_that_is_not_an_envelope_stays_as_it_is(body: bytes) -> None:
    assert open_envelope(200, body) == (200, body)


@given(
    st.binary()
    | json_values().map(lambda value: json.dumps(value).encode())
    | st.builds(
        lambda status, content: json.dumps({"status": status, "content": content}).encode(),
        st.integers(0, 999),
        json_values(),
    )
)
def test_opening_any_answer_raises_no_error(body: bytes) -> None:
    status, content = open_envelope(200, body)

    assert 200 <= status <= 599
    assert content in {body, b""} or json.dumps(json.loads(content)).encode() == content


# Slots: a few exchanges at a time use the same few connections, whichever threads they are in


def test_the_slot_that_was_given_back_last_is_taken_first() -> None:
    """Also after a failure."""
    with bounded(1), bounded(1):
        last = current_bounds().slot
    for _ in range(2):
        with bounded(1):
            first = current_bounds().slot
            with bounded(1):
                assert current_bounds().slot == last
            assert current_bounds().slot == first != last
        with suppress(LookupError), bounded(1):
            assert current_bounds().slot == first
            raise LookupError


def test_exchanges_at_once_have_slots_of_their_own() -> None:
    together = Barrier(8)

    def work() -> int:
        with bounded(1):
            together.wait(timeout=5)
            number = current_bounds().slot
            together.wait(timeout=5)
        return number

    with ThreadPoolExecutor(8) as threads:
        first, second = (
            {one.result() for one in [threads.submit(work) for _ in range(8)]} for _ in range(2)
        )
    assert len(first) == 8
    assert first == second
