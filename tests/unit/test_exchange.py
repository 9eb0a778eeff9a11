"""One exchange ends in a whole answer or in a typed error."""

from collections.abc import Iterator

import httpx
import pytest

from foundation.errors import TimeBudgetExceededError
from restore_watch.atlas.exchange import LEAST_EXCHANGE, exchange
from restore_watch.errors import AtlasUnavailableError
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


@pytest.mark.parametrize("status", [200, 302, 401, 429, 503])
def test_an_answer_with_any_status_is_returned_unchanged(
    atlas: ScriptedAtlas, clock: Clock, status: int
) -> None:
    atlas.job_replies.append(answer(status, b"body", Retry_After="7"))

    got = exchange(atlas.client(), request(), clock.deadline())

    assert (got.status, got.body, got.headers["retry-after"]) == (status, b"body", "7")


def test_a_body_is_not_decompressed(atlas: ScriptedAtlas, clock: Clock) -> None:
    atlas.job_replies.append(answer(200, b"not compressed", Content_Encoding="gzip"))

    assert exchange(atlas.client(), request(), clock.deadline()).body == b"not compressed"


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


def test_no_request_is_sent_with_too_little_time_left(atlas: ScriptedAtlas, clock: Clock) -> None:
    with pytest.raises(TimeBudgetExceededError, match="ask Atlas"):
        exchange(atlas.client(), request(), clock.deadline(LEAST_EXCHANGE - 0.01))

    assert not atlas.job_requests
