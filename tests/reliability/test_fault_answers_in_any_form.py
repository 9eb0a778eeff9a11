"""Answers of Atlas in odd, broken and endless forms: F16, F17 and F48."""

import gzip
import json
import tracemalloc
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local_stack.atlas import Kind
from local_stack.faults import Ask
from local_stack.loopback import HungUp, Line, head_of
from local_stack.wire import (
    Answer,
    Selection,
)
from reliability.campaign import UNCHANGED, Campaign, Stored, target
from reliability.steps import ATLAS, DEDICATED, JSON, TOKEN
from restore_watch.errors import (
    AtlasError,
    AtlasUnavailableError,
    RestoreJobNotFoundError,
    UnexpectedAtlasResponseError,
)
from restore_watch.model.restore_job import RestoreKind

pytestmark = pytest.mark.timeout(60)
cases = pytest.mark.parametrize


@dataclass(frozen=True)
class Flood:
    """Bytes without end, in the body or in the headers, until the client hangs up."""

    megabytes: int
    of: str = "body"

    def play(self, line: Line, _ask: Ask, /) -> Answer:
        size = self.megabytes * 1_000_000
        chunk = b"\n" * 50_000
        head = head_of("200 OK", {**JSON, "Content-Length": str(size)}.items())
        if self.of == "chunked body":
            head = head_of("200 OK", {**JSON, "Transfer-Encoding": "chunked"}.items())
            chunk = b"%x\r\n%b\r\n" % (len(chunk), chunk)
        if self.of == "headers":
            head, chunk = b"HTTP/1.1 200 OK\r\n", b"X-More: yes\r\n" * 4_000
        line.send(head)
        for _ in range(size // 50_000):
            line.send(chunk)
        raise HungUp


def peak_memory(action: Callable[[], object]) -> int:
    """The highest use of memory in bytes while it ran, that of the servers here included."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        action()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return peak - before


def endpoint(kind: Kind) -> Selection:
    return DEDICATED if kind == "dedicated" else ATLAS


OPTIONAL_FLEX = (
    "deliveryType",
    "expirationDate",
    "instanceName",
    "projectId",
    "restoreFinishedDate",
    "restoreScheduledDate",
    "snapshotFinishedDate",
    "snapshotId",
    "snapshotUrl",
    "targetDeploymentItemName",
    "targetProjectId",
)

OPTIONAL_DEDICATED = (
    "cancelled",
    "components",
    "deliveryUrl",
    "desiredTimestamp",
    "expired",
    "expiresAt",
    "failed",
    "links",
    "oplogInc",
    "oplogTs",
    "pointInTimeUTCSeconds",
    "privateDownloadDeliveryUrls",
    "snapshotId",
    "targetClusterName",
    "targetDeploymentItemName",
    "targetGroupId",
    "timestamp",
)

EXTRA = {"links": [{"href": "x", "rel": "self"}], "newInAtlas": {"deep": [None, {"er": 1.5}]}}


@pytest.mark.fault("F16")
@cases(
    ("kind", "said", "unsaid"),
    [
        ("flex", dict.fromkeys(OPTIONAL_FLEX), ()),
        ("flex", {}, OPTIONAL_FLEX),
        ("flex", EXTRA, ()),
        ("dedicated", {}, ()),
        ("dedicated", dict.fromkeys(OPTIONAL_DEDICATED), ()),
        ("dedicated", {}, OPTIONAL_DEDICATED),
        ("dedicated", EXTRA, ()),
    ],
    ids=[
        "flex-nulls",
        "flex-missing",
        "flex-extra",
        "dedicated-as-recorded",
        "dedicated-nulls",
        "dedicated-missing",
        "dedicated-extra",
    ],
)
def test_nulls_missing_and_extra_fields_are_read(
    campaign: Campaign, kind: Kind, said: Mapping[str, Any], unsaid: Iterable[str]
) -> None:
    job = campaign.finished_job(kind)
    job.set(**said)
    job.drop(*unsaid)

    assert campaign.check(job).job.status == "COMPLETED"
    assert campaign.published(job) == ["COMPLETED"]
    assert campaign.stored(job) == Stored("COMPLETED", 1, 1)


@pytest.mark.fault("F16")
@cases(
    "body",
    [
        b'{"error": 404, "errorCode": null, "parameters": null, "detail": null, "reason": null}',
        b"[]",
        b"",
        b"<html>not found</html>",
    ],
    ids=["nulls", "list", "empty", "html"],
)
def test_a_404_is_recognised_with_any_body(campaign: Campaign, body: bytes) -> None:
    job = campaign.recorded_job()
    campaign.pass_time(120)
    with campaign.inject(ATLAS, Answer(404, JSON, body), times=None):
        campaign.refused(RestoreJobNotFoundError, target(job, RestoreKind.FLEX))
    assert campaign.naps == []

    assert campaign.recheck(target(job, RestoreKind.FLEX)) == UNCHANGED


def wrong(**fields: Any) -> bytes:
    """A job's answer with a field of a wrong type; the id is filled in by the test."""
    usual = {"id": "ID", "status": "COMPLETED", "deliveryType": "automated", "cancelled": False}
    return json.dumps({**usual, **fields}).encode()


NO_JOB: dict[str, bytes] = {
    "truncated": b'{"id": "ID", "status": "COMPL',
    "html": b"<!doctype html><html>Please sign in</html>",
    "empty": b"",
    "not-utf8": b'{"id": "ID", "status": "COMPLETED\xff", "deliveryType": "automated\xff"}',
    "list": b"[]",
    "deep-and-closed": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "other-job": wrong(id="5f0000000000000000000fff"),
    "id-null": wrong(id=None),
    "error-with-200": b'{"error": 500, "errorCode": "UNEXPECTED_ERROR", "detail": "no"}',
}

NO_FLEX_JOB = {
    "status-null": wrong(status=None),
    "status-object": wrong(status={"a": 1}),
}

NO_DEDICATED_JOB = {
    "delivery-missing": b'{"id": "ID"}',
    "flag-text": wrong(cancelled="false"),
    "flag-number": wrong(failed=0),
    "date-number": wrong(finishedAt=1.5),
    "date-far": wrong(finishedAt="9999-12-31T23:59:59-23:59"),
    "date-of-words": wrong(finishedAt="yesterday"),
    "date-of-no-day": wrong(finishedAt="2026-02-30T00:00:00Z"),
    "components-number": wrong(deliveryType="download", components=[5]),
    "url-too-deep": b'{"id": "ID", "deliveryType": "download", "deliveryUrl": %b"x"%b}'
    % (b"[" * 4_000, b"]" * 4_000),
}


@pytest.mark.fault("F17")
@cases(
    ("kind", "body"),
    [
        pytest.param(kind, body, id=f"{kind}-{name}")
        for kind, bodies in (
            ("flex", NO_JOB | NO_FLEX_JOB),
            ("dedicated", NO_DEDICATED_JOB),
        )
        for name, body in bodies.items()
    ],
)
def test_an_answer_that_is_not_a_job_changes_nothing(
    campaign: Campaign, kind: Kind, body: bytes
) -> None:
    job = campaign.recorded_job(kind)
    one = target(job, RestoreKind(kind))
    said = Answer(200, JSON, body.replace(b"ID", job.restore_id.encode()))
    campaign.inject(endpoint(kind), said)
    error = campaign.refused(UnexpectedAtlasResponseError, one)
    assert len(str(error)) < 500
    assert campaign.calls() == ["secret", "token", kind, "recall"]
    assert campaign.naps == []

    assert campaign.recheck(one) == UNCHANGED


@pytest.mark.fault("F17")
@cases(
    ("of", "error"),
    [
        ("body", UnexpectedAtlasResponseError),
        ("chunked body", UnexpectedAtlasResponseError),
        # h11 bounds the headers, and httpx reports that as a broken exchange.
        ("headers", AtlasUnavailableError),
    ],
)
def test_an_answer_of_20_mb_is_cut_off_and_does_not_fill_the_memory(
    campaign: Campaign, of: str, error: type[AtlasError]
) -> None:
    job, checker = campaign.job(), campaign.environment()
    campaign.check(job, checker)
    job.run_to_end()
    campaign.inject(ATLAS, Flood(20, of), times=None)
    grown = peak_memory(lambda: campaign.refused(error, job, checker))
    campaign.heal()

    assert grown < 4_000_000
    assert campaign.stored(job) == Stored("PENDING", 1, 1)
    campaign.check(job, checker)
    assert campaign.published(job) == ["PENDING", "COMPLETED"]


BOMB = gzip.compress(bytes(30_000_000))

GARBAGE = b"\x1f\x8bno gzip at all"


@pytest.mark.fault("F17")
@cases("body", [BOMB, GARBAGE], ids=["bomb", "garbage"])
@cases("step", [TOKEN, ATLAS], ids=["token", "challenge"])
def test_a_compressed_answer_is_not_decompressed(
    campaign: Campaign, step: Selection, body: bytes
) -> None:
    job = campaign.recorded_job()
    headers = {**JSON, "Content-Encoding": "gzip"}
    if step is TOKEN:
        answer = Answer(200, headers, body)
    else:
        campaign.use("api_key")
        challenge = 'Digest realm="r", nonce="n", qop="auth", algorithm=MD5'
        answer = Answer(401, {**headers, "Www-Authenticate": challenge}, body)
    campaign.inject(step, answer, times=None)

    def refused() -> None:
        with pytest.raises(AtlasError):
            campaign.check(job)

    grown = peak_memory(refused)
    campaign.heal()

    assert grown < 4_000_000
    assert campaign.recheck(job) == UNCHANGED


@pytest.mark.fault("F48")
@cases(
    ("said", "read"),
    [
        ("2026-10-05T14:05:05+02:00", "2026-10-05T12:05:05Z"),
        ("2026-10-05T12:05:05", "2026-10-05T12:05:05Z"),
        ("2026-10-05T12:05:05.123456789Z", "2026-10-05T12:05:05.123456Z"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
    ],
    ids=[
        "east",
        "no-zone",
        "nanoseconds",
        "far-future",
        "far-past",
    ],
)
def test_dates_are_converted_to_utc(campaign: Campaign, said: str, read: str) -> None:
    job = campaign.finished_job()
    job.set(restoreFinishedDate=said)
    campaign.check(job)

    (message,) = campaign.messages(job)
    assert message.event["data"]["restoreFinishedDate"] == read
    assert (campaign.item(job) or {})["restoreFinishedDate"] == read
    assert message.event["data"]["durationSeconds"] >= 0
    assert message.event["data"]["detectionLatencySeconds"] >= 0


@pytest.mark.fault("F48")
@cases("kind", ["flex", "dedicated"])
@cases("hours", [-1, 1], ids=["before-it-was-scheduled", "in-the-future"])
def test_no_figure_is_negative_when_the_finish_date_is_odd(
    campaign: Campaign, kind: Kind, hours: int
) -> None:
    job = campaign.finished_job(kind)
    finished = (datetime.now(UTC) + timedelta(hours=hours)).replace(microsecond=0)
    job.set(
        **{"restoreFinishedDate" if kind == "flex" else "finishedAt": finished.isoformat()},
        **{"snapshotFinishedDate" if kind == "flex" else "timestamp": "2999-01-01T00:00:00Z"},
    )
    campaign.check(job)

    (message,) = campaign.messages(job)
    data = message.event["data"]
    assert data["snapshotAgeSeconds"] == 0
    if hours < 0:
        assert data["durationSeconds"] == 0
        assert 3600 <= data["detectionLatencySeconds"] < 3700
    else:
        assert 3590 <= data["durationSeconds"] <= 3602
        assert data["detectionLatencySeconds"] == 0
