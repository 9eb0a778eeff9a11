"""What Atlas may say of a restore, in whatever form and order: F11 to F23."""

import gzip
import json
import tracemalloc
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from local_stack.atlas import Kind, Role
from local_stack.faults import Ask
from local_stack.loopback import HungUp, Line, head_of
from local_stack.refusal import atlas_error
from local_stack.stack import CREDENTIALS
from local_stack.wire import Answer, Selection
from reliability.campaign import (
    ATLAS,
    DEDICATED,
    TENANT,
    TOKEN,
    UNCHANGED,
    Campaign,
    Headed,
    Stored,
    event,
    target,
)
from restore_watch.errors import (
    AtlasError,
    AtlasUnauthorizedError,
    AtlasUnavailableError,
    EndpointRetiredError,
    RestoreJobNotFoundError,
    UnexpectedAtlasResponseError,
)
from restore_watch.restore_job import RestoreKind, RestoreStatus, RestoreTarget

pytestmark = pytest.mark.timeout(60)
cases = pytest.mark.parametrize

LONG_AGO = "5f0000000000000000000b01"
"""A job's id tells when it was made."""

JSON = {"Content-Type": "application/json"}


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
    """The most that was taken while it ran, in bytes; what the servers here took included."""
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


# Statuses and their order


@pytest.mark.fault("F11")
@cases(
    ("kind", "timeline", "before", "after"),
    [
        ("flex", ["PENDING", "COMPLETED"], "PENDING", "COMPLETED"),
        ("flex", ["PENDING", "QUEUED", "RUNNING", "FAILED"], "PENDING", "FAILED"),
        ("dedicated", ["running", "finished"], "RUNNING", "COMPLETED"),
        ("dedicated", ["running", "failed"], "RUNNING", "FAILED"),
        ("dedicated", ["running", "cancelled"], "RUNNING", "CANCELLED"),
    ],
    ids=["flex", "flex-fails", "dedicated", "dedicated-fails", "dedicated-cancelled"],
)
def test_statuses_skipped_between_checks_give_one_message(
    campaign: Campaign, kind: Kind, timeline: list[str], before: str, after: str
) -> None:
    job = campaign.job(kind, timeline=timeline)
    campaign.check(job)
    campaign.pass_time(61)
    job.run_to_end()
    campaign.pass_time(7)
    result = campaign.check(job)
    assert (result.previous_status, result.job.status, result.sequence) == (before, after, 2)

    _, message = campaign.messages(job)
    data = message.event["data"]
    assert (data["previousStatus"], data["status"], data["sequence"]) == (before, after, 2)
    assert data["durationSeconds"] in {60, 61, 62}
    assert 7 <= data["detectionLatencySeconds"] < 10
    assert data["succeeded"] is (after == "COMPLETED")
    assert campaign.published(job) == [before, after]


@pytest.mark.fault("F11")
@cases("kind", ["flex", "dedicated"])
def test_an_end_at_first_sight_is_one_message(campaign: Campaign, kind: Kind) -> None:
    job = campaign.finished_job(kind)
    assert campaign.check(job).previous_status is None

    (message,) = campaign.messages(job)
    assert message.event["data"]["previousStatus"] is None
    assert "previousStatus" not in message.attributes


@pytest.mark.fault("F12")
@cases("delivery_type", ["automated", "pointInTime"])
def test_an_automated_restore_that_expires_later_is_silent(
    campaign: Campaign, delivery_type: str
) -> None:
    timeline = ["running", "finished", "expired"]
    job = campaign.job("dedicated", delivery_type=delivery_type, timeline=timeline)
    watch = campaign.environment()
    job.advance()
    campaign.check(job, watch)
    job.advance()
    job.drop("finishedAt")
    campaign.stack.forget_calls()
    result = campaign.check(job, watch)

    assert (result.changed, result.contradiction, result.job.status) == (False, None, "COMPLETED")
    assert campaign.calls() == ["dedicated", "record"]
    assert campaign.published(job) == ["COMPLETED"]
    assert campaign.stored(job) == Stored("COMPLETED", 1, 1)


@pytest.mark.fault("F13")
def test_a_download_that_was_ready_and_lapsed_is_told_both_times(campaign: Campaign) -> None:
    timeline = ["running", "download-ready", "expired"]
    job = campaign.job("dedicated", delivery_type="download", timeline=timeline)
    campaign.check(job)
    job.advance()
    ready = campaign.check(job)
    assert (ready.job.download_available, ready.job.succeeded) == (True, True)

    job.advance()
    lapsed = campaign.check(job)
    assert (lapsed.job.download_available, lapsed.job.succeeded) == (False, False)
    assert campaign.published(job) == ["RUNNING", "COMPLETED", "EXPIRED"]
    assert campaign.stored(job) == Stored("EXPIRED", 3, 3)


@pytest.mark.fault("F13")
def test_a_download_nobody_saw_ready_is_told_as_lapsed(campaign: Campaign) -> None:
    timeline = ["running", "download-ready", "expired"]
    job = campaign.job("dedicated", delivery_type="download", timeline=timeline)
    campaign.check(job)
    job.run_to_end()
    campaign.check(job)

    assert campaign.published(job) == ["RUNNING", "EXPIRED"]


@pytest.mark.fault("F14")
@cases(
    ("kind", "timeline", "contradicts"),
    [
        ("flex", ["FAILED", "COMPLETED"], {}),
        ("dedicated", ["failed"], {"failed": False}),
        ("dedicated", ["cancelled"], {"cancelled": False, "failed": False}),
    ],
    ids=["flex", "dedicated-failed", "dedicated-cancelled"],
)
def test_an_end_that_atlas_takes_back_stays(
    campaign: Campaign, kind: Kind, timeline: list[str], contradicts: Mapping[str, bool]
) -> None:
    job = campaign.job(kind, timeline=timeline)
    end = campaign.check(job).job.status
    job.run_to_end()
    job.set(**contradicts)
    result = campaign.check(job)

    assert (result.changed, result.job.status) == (False, end)
    assert result.contradiction is RestoreStatus.COMPLETED
    assert campaign.published(job) == [end]
    assert campaign.stored(job) == Stored(end, 1, 1)


@pytest.mark.fault("F14")
def test_a_contradiction_is_logged_and_counted_once(campaign: Campaign) -> None:
    job = campaign.job(timeline=["FAILED", "COMPLETED"])
    campaign.invoke(job)
    job.advance()
    campaign.stack.logs()
    for _ in range(3):
        campaign.invoke(job)
    lines = [json.loads(line) for line in campaign.stack.logs().splitlines()]

    (warning,) = [line for line in lines if line.get("level") == "WARNING"]
    assert (warning["recorded"], warning["contradiction"]) == ("FAILED", "COMPLETED")
    assert [line["Contradictions"] for line in lines if "Contradictions" in line] == [[1.0]]


@pytest.mark.fault("F15")
def test_a_word_nobody_knows_is_published_once_and_followed_on(campaign: Campaign) -> None:
    job = campaign.job(timeline=["RUNNING", "PAUSED", "COMPLETED"])
    campaign.check(job)
    job.advance()
    for changed in (True, False):
        result = campaign.check(job)
        assert (result.changed, result.job.status) == (changed, "UNKNOWN")
        assert (result.job.terminal, result.job.atlas_status) == (False, "PAUSED")

    job.advance()
    assert campaign.check(job).previous_status == "UNKNOWN"
    assert campaign.published(job) == ["RUNNING", "UNKNOWN:PAUSED", "COMPLETED"]
    assert campaign.stored(job) == Stored("COMPLETED", 3, 3)


@pytest.mark.fault("F15")
def test_a_word_nobody_knows_with_a_finish_date_is_an_end(campaign: Campaign) -> None:
    job = campaign.job(timeline=["CLOSED"])
    campaign.check(job)
    assert "expiresAt" not in (campaign.item(job) or {})

    job.set(restoreFinishedDate="2026-10-05T12:05:05Z")
    result = campaign.check(job)
    assert (result.changed, result.job.terminal, result.job.succeeded) == (False, True, None)
    item = campaign.item(job) or {}
    assert item["terminal"] is True
    assert item["restoreFinishedDate"] == "2026-10-05T12:05:05Z"
    assert "expiresAt" in item
    assert "openShard" not in item
    assert campaign.published(job) == ["UNKNOWN:CLOSED"]


# Forms

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
FINISHED = {"finishedAt": "2026-10-05T12:05:05Z"}
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
def test_nulls_gaps_and_extras_are_read(
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
        b'{"error": 404, "badRequestDetail": {"fields": null}}',
        b"[]",
        b"null",
        b"",
        b"<html>not found</html>",
    ],
    ids=["nulls", "no-code", "list", "null", "empty", "html"],
)
def test_a_404_in_any_form_is_a_404(campaign: Campaign, body: bytes) -> None:
    job = campaign.watched_job()
    campaign.pass_time(120)
    with campaign.inject(ATLAS, Answer(404, JSON, body), times=None):
        campaign.refused(RestoreJobNotFoundError, target(job, RestoreKind.FLEX))
    assert campaign.naps == []

    assert campaign.recheck(target(job, RestoreKind.FLEX)) == UNCHANGED


@pytest.mark.fault("F16", "F28")
@cases("body", ["coded", "uncoded", "empty"])
def test_a_challenge_is_answered_whatever_its_body(campaign: Campaign, body: Any) -> None:
    campaign.use("api_key")
    campaign.atlas.behaviour.challenge_body = body
    job = campaign.finished_job()
    campaign.check(job)

    assert campaign.calls() == ["secret", "flex", "flex", "record", "publish", "acknowledge"]
    assert campaign.published(job) == ["COMPLETED"]


def wrong(**fields: Any) -> bytes:
    """A job's answer with a field of a wrong type; the id is filled in by the test."""
    usual = {"id": "ID", "status": "COMPLETED", "deliveryType": "automated", "cancelled": False}
    return json.dumps({**usual, **fields}).encode()


NO_JOB: dict[str, bytes] = {
    "truncated": b'{"id": "ID", "status": "COMPL',
    "html": b"<!doctype html><html>Please sign in</html>",
    "empty": b"",
    "bom": b'\xef\xbb\xbf{"id": "ID", "status": "COMPLETED", "deliveryType": "automated"}',
    "not-utf8": b'{"id": "ID", "status": "COMPLETED\xff", "deliveryType": "automated\xff"}',
    "utf16": '{"id": "ID", "status": "COMPLETED"}'.encode("utf-16"),
    "list": b"[]",
    "null": b"null",
    "number": b"17",
    "nan": b"NaN",
    "empty-object": b"{}",
    "deep": b"[" * 100_000,
    "deep-and-closed": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "long-number": b'{"id": ' + b"1" * 5_000 + b"}",
    "other-job": wrong(id="5f0000000000000000000fff"),
    "id-null": wrong(id=None),
    "id-number": wrong(id=1),
    "id-missing": b'{"status": "COMPLETED", "deliveryType": "automated"}',
    "error-with-200": b'{"error": 500, "errorCode": "UNEXPECTED_ERROR", "detail": "no"}',
}
NO_FLEX_JOB = {
    "status-null": wrong(status=None),
    "status-number": wrong(status=1),
    "status-object": wrong(status={"a": 1}),
    "date-number": wrong(restoreFinishedDate=17),
    "date-list": wrong(restoreFinishedDate=[]),
    "date-word": wrong(restoreFinishedDate="yesterday"),
    "date-far": wrong(restoreFinishedDate="9999-12-31T23:59:59-23:59"),
    "target-number": wrong(targetDeploymentItemName=5),
}
NO_DEDICATED_JOB = {
    "delivery-missing": b'{"id": "ID"}',
    "delivery-null": wrong(deliveryType=None),
    "flag-text": wrong(cancelled="false"),
    "flag-number": wrong(failed=0),
    "date-number": wrong(finishedAt=1.5),
    "date-object": wrong(finishedAt={}),
    "components-object": wrong(components={}),
    "components-words": wrong(components=["x"]),
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
            ("dedicated", NO_JOB | NO_DEDICATED_JOB),
        )
        for name, body in bodies.items()
    ],
)
def test_an_answer_that_is_no_job_changes_nothing(
    campaign: Campaign, kind: Kind, body: bytes
) -> None:
    job = campaign.watched_job(kind)
    one = target(job, RestoreKind(kind))
    said = Answer(200, JSON, body.replace(b"ID", job.restore_id.encode()))
    campaign.inject(endpoint(kind), said)
    error = campaign.refused(UnexpectedAtlasResponseError, one)
    assert len(str(error)) < 500
    assert campaign.calls() == ["secret", "token", kind]
    assert campaign.naps == []

    assert campaign.recheck(one) == UNCHANGED


@pytest.mark.fault("F17")
@cases(
    ("of", "error"),
    [
        ("body", UnexpectedAtlasResponseError),
        ("chunked body", UnexpectedAtlasResponseError),
        # Headers are bounded by h11 itself, which httpx tells as a broken exchange.
        ("headers", AtlasUnavailableError),
    ],
)
def test_an_answer_of_20_mb_is_cut_off_and_does_not_fill_the_memory(
    campaign: Campaign, of: str, error: type[AtlasError]
) -> None:
    job, watch = campaign.job(), campaign.environment()
    campaign.check(job, watch)
    job.run_to_end()
    campaign.inject(ATLAS, Flood(20, of), times=None)
    grown = peak_memory(lambda: campaign.refused(error, job, watch))
    campaign.heal()

    assert grown < 4_000_000
    assert campaign.stored(job) == Stored("PENDING", 1, 1)
    campaign.check(job, watch)
    assert campaign.published(job) == ["PENDING", "COMPLETED"]


BOMB = gzip.compress(bytes(30_000_000))
GARBAGE = b"\x1f\x8bno gzip at all"


@pytest.mark.fault("F17")
@cases("body", [BOMB, GARBAGE], ids=["bomb", "garbage"])
@cases("step", [TOKEN, ATLAS], ids=["token", "challenge"])
def test_a_compressed_answer_nobody_asked_for_fills_no_memory(
    campaign: Campaign, step: Selection, body: bytes
) -> None:
    job = campaign.watched_job()
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


# Which endpoint answers

UNKNOWN_JOB = atlas_error(404, "RESOURCE_NOT_FOUND", "There is no such restore job.")


@pytest.mark.fault("F18")
@cases("role", list(Role), ids=["least-role", "backup-manager"])
@cases("kind", [None, RestoreKind.FLEX], ids=["auto", "flex"])
def test_a_job_made_a_moment_ago_is_asked_for_again(
    campaign: Campaign, kind: RestoreKind | None, role: Role
) -> None:
    campaign.atlas.grant(CREDENTIALS["service_account"]["client_id"], role)
    job = campaign.job()
    campaign.inject(ATLAS, UNKNOWN_JOB, times=2)
    result = campaign.check(target(job, kind))

    assert result.changed
    assert campaign.count(ATLAS) == 3
    assert len(campaign.naps) == 2
    assert sum(campaign.naps) < 5
    assert campaign.published(job) == ["PENDING"]


@pytest.mark.fault("F18")
def test_a_dedicated_job_made_a_moment_ago_is_asked_for_again(campaign: Campaign) -> None:
    job = campaign.job("dedicated")
    campaign.inject(DEDICATED, UNKNOWN_JOB, times=2)
    campaign.check(job)

    assert campaign.count(DEDICATED) == 3
    assert campaign.published(job) == ["RUNNING"]


@pytest.mark.fault("F18", "F19")
def test_the_grace_of_a_new_job_is_short(campaign: Campaign) -> None:
    job = campaign.job()
    with campaign.inject(ATLAS, UNKNOWN_JOB, times=None):
        campaign.refused(RestoreJobNotFoundError, target(job, RestoreKind.FLEX))
        assert campaign.count(ATLAS) == 4
        assert sum(campaign.naps) < 5

        campaign.pass_time(120)
        campaign.refused(RestoreJobNotFoundError, target(job, RestoreKind.FLEX))
        assert campaign.count(ATLAS) == 5

    campaign.check(job)
    assert campaign.published(job) == ["PENDING"]


@pytest.mark.fault("F19")
@cases("role", list(Role), ids=["least-role", "backup-manager"])
@cases("unknown", ["restoreId", "clusterName", "groupId"])
def test_a_job_that_no_kind_knows_is_not_found(
    campaign: Campaign, unknown: str, role: Role
) -> None:
    campaign.atlas.grant(CREDENTIALS["service_account"]["client_id"], role)
    job = campaign.job(restore_id=LONG_AGO)
    other = {"restoreId": LONG_AGO[:-1] + "2", "clusterName": "nowhere", "groupId": "0" * 24}
    missing = RestoreTarget.model_validate(event(job) | {unknown: other[unknown]})
    error = campaign.refused(RestoreJobNotFoundError, missing)

    assert error.error_code == {
        "restoreId": "RESOURCE_NOT_FOUND",
        "clusterName": "CLUSTER_NOT_FOUND",
        "groupId": "GROUP_NOT_FOUND",
    }.get(unknown)
    assert campaign.naps == []
    assert campaign.count(ATLAS) == 1
    assert campaign.stack.item(missing.group_id, missing.cluster_name, missing.restore_id) is None


@pytest.mark.fault("F20")
@cases("status", [404, 405, 406, 410])
def test_the_retired_tenant_endpoint_is_followed_by_flex(campaign: Campaign, status: Any) -> None:
    campaign.atlas.behaviour.tenant_endpoint = status
    job = campaign.finished_job()
    result = campaign.check(target(job, RestoreKind.TENANT))

    assert result.job.kind is RestoreKind.FLEX
    assert campaign.calls()[2:4] == ["tenant", "flex"]
    assert campaign.published(job) == ["COMPLETED"]


@pytest.mark.fault("F20")
def test_a_cluster_that_flex_answers_for_is_first_sought_there_from_then_on(
    campaign: Campaign,
) -> None:
    job, watch = campaign.job("tenant"), campaign.environment()
    wanted = target(job, RestoreKind.TENANT)
    campaign.check(wanted, watch)
    campaign.stack.forget_calls()
    campaign.check(wanted, watch)
    assert campaign.calls() == ["flex", "record"]

    # Should Flex not know a job, the endpoint that was named is asked after all.
    campaign.atlas.behaviour.tenant_endpoint = None
    campaign.inject(ATLAS, UNKNOWN_JOB)
    campaign.stack.forget_calls()
    assert not campaign.check(wanted, watch).changed
    assert campaign.calls() == ["flex", "tenant", "record"]


@pytest.mark.fault("F19", "F20")
def test_a_job_that_neither_knows_costs_no_other_of_its_cluster_a_call(campaign: Campaign) -> None:
    job, watch = campaign.job("tenant"), campaign.environment()
    wanted = target(job, RestoreKind.TENANT)
    campaign.check(wanted, watch)
    missing = wanted.model_copy(update={"restore_id": LONG_AGO})
    campaign.stack.forget_calls()
    for _ in range(2):
        campaign.refused(RestoreJobNotFoundError, missing, watch)
        assert not campaign.check(wanted, watch).changed

    assert campaign.calls() == ["flex", "tenant", "flex", "record"] * 2


@pytest.mark.fault("F20")
def test_a_tenant_endpoint_that_still_answers_is_taken_at_its_word(campaign: Campaign) -> None:
    campaign.atlas.behaviour.tenant_endpoint = None
    job = campaign.finished_job("tenant")

    assert campaign.check(target(job, RestoreKind.TENANT)).job.kind is RestoreKind.TENANT
    assert campaign.count(TENANT) == 1
    assert campaign.count(ATLAS) == 0


@pytest.mark.fault("F20")
def test_the_retirement_of_the_tenant_endpoint_is_a_warning(campaign: Campaign) -> None:
    job = campaign.finished_job()
    assert campaign.stack.invoke(event(job, kind="tenant")).result["changed"]
    lines = [json.loads(line) for line in campaign.stack.logs().splitlines()]

    (warning,) = [line for line in lines if line.get("level") == "WARNING"]
    assert warning["restore_id"] == job.restore_id
    assert "tenant" in warning["message"]


@pytest.mark.fault("F19", "F20")
@cases("status", [404, 405, 406, 410])
def test_a_tenant_job_that_flex_does_not_know_is_not_found(campaign: Campaign, status: Any) -> None:
    campaign.atlas.behaviour.tenant_endpoint = status
    job = campaign.job(restore_id=LONG_AGO)
    campaign.inject(ATLAS, UNKNOWN_JOB, times=None)
    campaign.refused(RestoreJobNotFoundError, target(job, RestoreKind.TENANT))

    assert campaign.calls() == ["secret", "token", "tenant", "flex"]
    assert campaign.stored(job) is None


@pytest.mark.fault("F20")
def test_an_endpoint_without_a_successor_that_answers_is_told_as_retired(
    campaign: Campaign,
) -> None:
    job = campaign.job()
    campaign.inject(ATLAS, atlas_error(410, "VERSION_GONE", "Gone too."), times=None)
    campaign.refused(EndpointRetiredError, target(job, RestoreKind.TENANT))

    assert campaign.calls() == ["secret", "token", "tenant", "flex"]
    assert campaign.stored(job) is None


@pytest.mark.fault("F21")
@cases("code", ["CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API", "FEATURE_UNSUPPORTED"])
def test_a_dedicated_cluster_is_learnt_and_remembered(campaign: Campaign, code: str) -> None:
    job, watch = campaign.job("dedicated"), campaign.environment()
    campaign.inject(ATLAS, atlas_error(400, code, "This is no Flex cluster."))
    campaign.check(job, watch)
    assert campaign.calls()[2:4] == ["flex", "dedicated"]

    job.run_to_end()
    campaign.stack.forget_calls()
    campaign.check(job, watch)
    assert campaign.calls() == ["dedicated", "record", "publish", "acknowledge"]
    assert campaign.published(job) == ["RUNNING", "COMPLETED"]


@pytest.mark.fault("F21")
def test_the_kind_of_a_cluster_is_remembered_though_its_job_is_unknown(campaign: Campaign) -> None:
    job, watch = campaign.job("dedicated"), campaign.environment()
    unknown = RestoreTarget.model_validate(event(job) | {"restoreId": LONG_AGO})
    campaign.refused(RestoreJobNotFoundError, unknown, watch)
    campaign.stack.forget_calls()
    campaign.check(job, watch)

    assert campaign.calls()[0] == "dedicated"


@pytest.mark.fault("F21", "F26")
def test_a_dedicated_cluster_that_no_role_allows_to_ask_for_is_told_so(campaign: Campaign) -> None:
    campaign.atlas.grant(CREDENTIALS["service_account"]["client_id"], Role.READ_ONLY)
    job = campaign.job("dedicated")
    error = campaign.refused(AtlasUnauthorizedError, job)

    assert Role.BACKUP_MANAGER in str(error)
    assert campaign.stored(job) is None

    campaign.atlas.grant(CREDENTIALS["service_account"]["client_id"], Role.BACKUP_MANAGER)
    campaign.check(job)
    assert campaign.published(job) == ["RUNNING"]


@pytest.mark.fault("F21", "F18")
def test_a_job_made_a_moment_ago_is_asked_for_again_though_the_other_kind_is_refused(
    campaign: Campaign,
) -> None:
    job = campaign.job()
    campaign.inject(ATLAS, UNKNOWN_JOB)
    campaign.inject(DEDICATED, atlas_error(400, "SOME_NEW_CODE", "For no reason."))
    campaign.check(job)

    assert campaign.calls()[2:5] == ["flex", "dedicated", "flex"]
    assert campaign.published(job) == ["PENDING"]


@pytest.mark.fault("F22")
def test_a_learnt_kind_that_is_refused_for_an_unknown_reason_is_found_out_anew(
    campaign: Campaign,
) -> None:
    watch = campaign.environment()
    old = campaign.finished_job("dedicated")
    campaign.check(old, watch)
    campaign.atlas.add_cluster(campaign.group, old.cluster, "flex")
    new = campaign.finished_job("flex", cluster=old.cluster)
    campaign.inject(DEDICATED, atlas_error(400, "SOME_NEW_CODE", "A new word."))
    campaign.stack.forget_calls()
    campaign.check(new, watch)
    assert campaign.calls()[:2] == ["dedicated", "flex"]

    campaign.stack.forget_calls()
    assert campaign.recheck(new, watch)[0] is False
    assert campaign.calls() == ["flex", "record"]


@pytest.mark.fault("F22")
@cases(("before", "after"), [("flex", "dedicated"), ("dedicated", "flex")])
def test_a_cluster_that_changes_its_kind_is_asked_anew_and_remembered(
    campaign: Campaign, before: Kind, after: Kind
) -> None:
    watch = campaign.environment()
    old = campaign.finished_job(before)
    campaign.check(old, watch)
    campaign.atlas.add_cluster(campaign.group, old.cluster, after)
    new = campaign.finished_job(after, cluster=old.cluster)
    campaign.stack.forget_calls()
    campaign.check(new, watch)
    assert campaign.calls() == [before, after, "record", "publish", "acknowledge"]

    campaign.stack.forget_calls()
    campaign.check(new, watch)
    assert campaign.calls() == [after, "record"]
    assert campaign.published(new) == ["COMPLETED"]


@pytest.mark.fault("F23")
@cases(
    "headers",
    [
        {"Sunset": "Sun, 1 Mar 2026 00:00:00 GMT", "Deprecation": "Mon, 5 Aug 2024 00:00:00 GMT"},
        {"Deprecation": "@1688169599"},
        {"Sunset": "2026-03-01"},
        {"Sunset": "soon"},
        {"Deprecation": "true"},
        {"Sunset": "x" * 5_000},
    ],
    ids=["as-recorded", "structured", "iso", "word", "boolean", "long"],
)
def test_an_announced_sunset_is_a_warning_and_a_metric(
    campaign: Campaign, headers: Mapping[str, str]
) -> None:
    job = campaign.finished_job()
    campaign.inject(ATLAS, Headed(headers))
    campaign.stack.logs()
    result = campaign.invoke(job).result
    lines = [json.loads(line) for line in campaign.stack.logs().splitlines()]

    assert result["changed"]
    assert [line["AtlasSunsets"] for line in lines if "AtlasSunsets" in line] == [[1.0]]
    (warning,) = [line for line in lines if line.get("level") == "WARNING"]
    assert len(warning["sunset"]) <= 303
    assert campaign.published(job) == ["COMPLETED"]
