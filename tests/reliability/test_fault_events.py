"""Events: odd ids, wrong shapes, batches and several targets: F40 to F43 and F59."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from local_stack.aws import aws_error
from reliability.campaign import (
    UNCHANGED,
    Campaign,
    concerns,
    event,
    log_lines,
    record,
    requested,
)
from reliability.steps import LONG_AGO, PUBLISH

pytestmark = pytest.mark.timeout(60)
cases = pytest.mark.parametrize
one_of_several_fails = cases(
    ("bad", "error"),
    [
        ({"groupId": "../.."}, "InvalidEventError"),
        ({"restoreId": LONG_AGO}, "RestoreJobNotFoundError"),
    ],
    ids=["invalid", "unknown"],
)

GOOD: dict[str, Any] = {
    "groupId": "6a1f3c9e5b7d204e8c61f0a3",
    "clusterName": "orders-flex",
    "restoreId": LONG_AGO,
}

SWEEP: dict[str, Any] = {"action": "sweep"}
DETAIL: dict[str, Any] = {"detail-type": "Atlas Restore Watch Requested"}
RULE: dict[str, Any] = {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}


@pytest.mark.fault("F40")
@cases(
    ("field", "value"),
    [
        ("groupId", "../../../groups"),
        ("groupId", "\uff41" * 24),
        ("restoreId", "a" * 24 + "\n"),
        ("restoreId", "%2f%2e%2e"),
        ("clusterName", "a\r\nHost: evil.example"),
        ("clusterName", "a" * 10_000),
        ("clusterName", "a\x00b"),
    ],
    ids=["path", "full-width", "newline", "escaped", "crlf", "10-kb", "null-byte"],
)
def test_an_odd_id_is_refused_before_any_io(campaign: Campaign, field: str, value: str) -> None:
    answer = campaign.invoke_with({**GOOD, field: value})

    assert answer.error_type == "InvalidEventError"
    assert (answer.error_message or "").startswith(f"{field}: expected ")
    assert len(answer.error_message or "") < 200
    assert campaign.calls() == []
    assert value not in str(answer.payload)
    assert value not in campaign.stack.logs()


@pytest.mark.fault("F40")
@cases(
    ("field", "value"),
    [
        ("action", "a" * 10_000),
        ("action", "sweep\r\nHost: evil.example"),
        ("scheduledTime", "2026-11-25T12:00:00Z\r\nHost: evil.example"),
        ("scheduledTime", "9" * 10_000),
        ("scheduledTime", "0001-01-01T00:00:00+23:59"),
    ],
    ids=["10-kb", "crlf", "crlf-after-a-moment", "10-kb-of-digits", "before-all-years"],
)
def test_an_odd_value_of_a_sweep_is_refused_before_any_io(
    campaign: Campaign, field: str, value: str
) -> None:
    answer = campaign.invoke_with({"action": "sweep", field: value})

    assert answer.error_type == "InvalidEventError"
    assert (answer.error_message or "").startswith(f"{field}: expected ")
    assert len(answer.error_message or "") < 200
    assert campaign.calls() == []
    assert value not in str(answer.payload)
    assert value not in campaign.stack.logs()


@pytest.mark.fault("F40")
def test_the_longest_name_of_a_cluster_is_accepted(campaign: Campaign) -> None:
    job = campaign.job(cluster="a" * 64)

    assert campaign.invoke(job).result["changed"]


NOT_AN_EVENT: dict[str, tuple[Any, str]] = {
    "null": (None, "event"),
    "list": ([], "event"),
    "empty": ({}, "groupId"),
    "both-groups": ({**GOOD, "projectId": "0" * 24}, "projectId"),
    "kind-unknown": ({**GOOD, "kind": "serverless"}, "kind"),
    "detail-of-another-type": ({"detail-type": "Another", "detail": GOOD}, "detail-type"),
    "targets-empty": ({"targets": []}, "targets"),
    "targets-101": ({"targets": [GOOD] * 101}, "targets"),
    "targets-in-detail": (requested({**GOOD, "kind": 1}), "detail.targets[0].kind"),
    "action-unknown": ({"action": "dance"}, "action"),
    "action-in-capitals": ({"action": "SWEEP"}, "action"),
    "action-null": ({"action": None}, "action"),
    "action-list": ({"action": ["sweep"]}, "action"),
    "action-in-detail": (DETAIL | {"detail": SWEEP}, "detail.action"),
    "action-in-target": ({"targets": [SWEEP]}, "targets[0].groupId"),
    "sweep-with-a-job": (SWEEP | GOOD, "groupId"),
    "sweep-with-targets": (SWEEP | {"targets": [GOOD]}, "targets"),
    "tick-null": (SWEEP | {"scheduledTime": None}, "scheduledTime"),
    "tick-number": (SWEEP | {"scheduledTime": 1_795_000_000}, "scheduledTime"),
    "tick-word": (SWEEP | {"scheduledTime": "now"}, "scheduledTime"),
    "tick-not-filled-in": (
        SWEEP | {"scheduledTime": "<aws.scheduler.scheduled-time>"},
        "scheduledTime",
    ),
    "tick-without-zone": (SWEEP | {"scheduledTime": "2026-11-25T12:00:00"}, "scheduledTime"),
    "tick-in-the-future": (SWEEP | {"scheduledTime": "9000-01-01T00:00:00Z"}, "scheduledTime"),
    "rule-without-time": (RULE, "time"),
    "rule-time-word": (RULE | {"time": "now"}, "time"),
    "rule-time-without-zone": (RULE | {"time": "2026-11-25T12:00:00"}, "time"),
    "rule-time-in-the-future": (RULE | {"time": "9000-01-01T00:00:00Z"}, "time"),
    "rule-of-another-source": (RULE | {"source": "mine"}, "detail-type"),
    "record-without-id": ({"Records": [{"eventSource": "aws:sqs", "body": "{}"}]}, "Records[0]"),
}


@pytest.mark.fault("F41")
@cases(("given", "field"), list(NOT_AN_EVENT.values()), ids=list(NOT_AN_EVENT))
def test_an_event_that_names_no_job_is_refused_with_the_name_of_its_field(
    campaign: Campaign, given: Any, field: str
) -> None:
    answer = campaign.invoke_with(given)

    assert answer.error_type == "InvalidEventError"
    assert (answer.error_message or "").startswith(f"{field}: ")
    assert campaign.calls() == []


POISON: dict[str, str] = {
    "not-json": "{",
    "no-job": "{}",
    "deep": "[" * 60_000,
    "unknown-job": json.dumps(GOOD),
    "action": json.dumps({"action": "sweep"}),
    "one-of-its-targets": json.dumps({"targets": [{}]}),
}


@pytest.mark.fault("F42")
@cases("body", list(POISON.values()), ids=list(POISON))
def test_a_poison_record_is_reported_alone(campaign: Campaign, body: str) -> None:
    job = campaign.recorded_job()
    good = event(job)
    records = [record("before", good), record("poison", body), record("after", good)]
    answer = campaign.invoke_with({"Records": records}).result

    assert answer == {"batchItemFailures": [{"itemIdentifier": "poison"}]}
    assert campaign.recheck(job) == UNCHANGED


@pytest.mark.fault("F42")
@cases("place", [0, 9], ids=["first", "last"])
def test_nine_of_ten_records_succeed_when_one_is_a_poison_record(
    campaign: Campaign, place: int
) -> None:
    jobs = [campaign.job() for _ in range(9)]
    records = [record(job.restore_id, event(job)) for job in jobs]
    records.insert(place, record("poison", "{"))
    answer = campaign.invoke_with({"Records": records}).result

    assert answer == {"batchItemFailures": [{"itemIdentifier": "poison"}]}
    assert [campaign.published(job) for job in jobs] == [["PENDING"]] * 9


@pytest.mark.fault("F42")
def test_a_record_that_failed_succeeds_when_it_is_delivered_again(campaign: Campaign) -> None:
    first, second = campaign.job(), campaign.job()
    records = [record(job.restore_id, event(job)) for job in (first, second)]
    of_first = replace(PUBLISH, when=concerns(first))
    campaign.inject(of_first, aws_error("sns", "AuthorizationError", status=403))
    answer = campaign.invoke_with({"Records": records}).result
    assert answer == {"batchItemFailures": [{"itemIdentifier": first.restore_id}]}
    assert (campaign.published(first), campaign.published(second)) == ([], ["PENDING"])

    answer = campaign.invoke_with({"Records": records[:1]}).result
    assert answer == {"batchItemFailures": []}
    assert (campaign.published(first), campaign.published(second)) == (["PENDING"], ["PENDING"])


@pytest.mark.fault("F43")
@cases("place", [0, 2])
@one_of_several_fails
def test_one_target_that_fails_does_not_affect_the_others(
    campaign: Campaign, place: int, bad: Mapping[str, str], error: str
) -> None:
    jobs = [campaign.job(), campaign.job()]
    targets = [event(job) for job in jobs]
    targets.insert(place, {**event(jobs[0]), **bad})
    result = campaign.invoke_with({"targets": targets}).result

    assert [one["job"]["restoreId"] for one in result["results"]] == [
        job.restore_id for job in jobs
    ]
    (failure,) = result["failures"]
    assert failure["error"] == error
    assert failure["message"]
    assert "../.." not in str(result)
    assert [campaign.published(job) for job in jobs] == [["PENDING"]] * 2


@pytest.mark.fault("F43")
def test_an_invocation_of_several_targets_fails_only_if_all_of_them_failed(
    campaign: Campaign,
) -> None:
    good, bad = event(campaign.job()), {**GOOD, "groupId": campaign.group}
    unknown = campaign.invoke_with({"targets": [bad, bad]})
    mixed = campaign.invoke_with({"targets": [bad, good]})

    # A schedule retries an error, and never a result.
    assert unknown.error_type == "RestoreJobNotFoundError"
    assert [one["error"] for one in mixed.result["failures"]] == ["RestoreJobNotFoundError"]


@pytest.mark.fault("F59")
@cases("place", [0, 1, 2])
@one_of_several_fails
def test_an_eventbridge_event_fails_if_one_of_its_targets_fails(
    campaign: Campaign, place: int, bad: Mapping[str, str], error: str
) -> None:
    jobs = [campaign.job(), campaign.job()]
    targets = [event(job) for job in jobs]
    targets.insert(place, {**event(jobs[0]), **bad})
    campaign.stack.logs()
    assert campaign.invoke_with(requested(*targets)).error_type == error
    assert [campaign.published(job) for job in jobs] == [["PENDING"]] * 2
    lines = log_lines(campaign.stack)
    assert [line["error"] for line in lines if "FailedChecks" in line] == [error]
    assert [one["SuccessfulChecks"] for one in lines if "SuccessfulChecks" in one] == [[2.0]]

    # AWS retries the event, and the targets that succeeded are not published again.
    assert campaign.invoke_with(requested(*targets)).error_type == error
    assert [campaign.published(job) for job in jobs] == [["PENDING"]] * 2


@pytest.mark.fault("F59")
def test_an_eventbridge_event_succeeds_once_all_of_its_targets_succeed(
    campaign: Campaign,
) -> None:
    jobs = [campaign.job() for _ in range(3)]
    given = requested(*(event(job) for job in jobs))
    of_second = replace(PUBLISH, when=concerns(jobs[1]))
    campaign.inject(of_second, aws_error("sns", "AuthorizationError", status=403))
    assert campaign.invoke_with(given).error_type == "NotificationPendingError"
    assert [campaign.published(job) for job in jobs] == [["PENDING"], [], ["PENDING"]]

    answer = campaign.invoke_with(given).result
    assert (len(answer["results"]), answer["failures"]) == (3, [])
    assert [campaign.published(job) for job in jobs] == [["PENDING"]] * 3
