"""What comes in, and what the runtime, the clock and other versions do to a check: F40 to F52."""

import io
import json
import re
import secrets
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aws_lambda_powertools import Logger
from boto3.dynamodb.types import TypeSerializer

from local_stack.atlas import Kind
from local_stack.aws import aws_error
from local_stack.runtime import LambdaRuntime
from local_stack.wire import Answer, Selection
from reliability.campaign import (
    ACKNOWLEDGE,
    ATLAS,
    PLENTY,
    PUBLISH,
    SECRET,
    TOKEN,
    UNCHANGED,
    Campaign,
    Headed,
    Stored,
    event,
)
from restore_watch.application import Application
from restore_watch.deadline import Deadline
from restore_watch.errors import (
    ConfigurationError,
    NotificationPendingError,
    RestoreWatchError,
    TableUnavailableError,
    UnexpectedAtlasResponseError,
)
from restore_watch.settings import Settings
from restore_watch.telemetry import Telemetry

pytestmark = pytest.mark.timeout(60)
cases = pytest.mark.parametrize

LONG_AGO = "5f0000000000000000000b01"
GOOD: dict[str, Any] = {
    "groupId": "6a1f3c9e5b7d204e8c61f0a3",
    "clusterName": "orders-flex",
    "restoreId": LONG_AGO,
}
REQUESTED = "Atlas Restore Watch Requested"


# Events

ODD_TEXT: dict[str, Any] = {
    "parent": "../../../groups",
    "encoded-slash": "%2f%2e%2e",
    "slash": "a/b",
    "query": "a?x=y",
    "fragment": "a#b",
    "crlf": "a\r\nHost: evil.example",
    "newline-at-the-end": "abcdefabcdefabcdefabcdef\n",
    "null-byte": "a\x00b",
    "unicode": "pr\u00f6d",
    "fullwidth": "\uff41" * 24,
    "10-kb": "a" * 10_000,
    "empty": "",
    "space": " ",
    "null": None,
    "number": 17,
    "boolean": True,
    "list": ["a"],
    "object": {"a": "b"},
}
ODD_IDS = {
    "capitals": "ABCDEFABCDEFABCDEFABCDEF",
    "short": "a" * 23,
    "long": "a" * 25,
    "no-hex": "g" * 24,
}
ODD_NAMES = {"65-characters": "a" * 65, "hyphen-first": "-a", "underscore": "a_b", "dot": "."}


@pytest.mark.fault("F40")
@cases(
    ("field", "value"),
    [
        pytest.param(field, value, id=f"{field}-{name}")
        for field, odd in (
            ("groupId", ODD_TEXT | ODD_IDS),
            ("restoreId", ODD_TEXT | ODD_IDS),
            ("clusterName", ODD_TEXT | ODD_NAMES),
        )
        for name, value in odd.items()
    ],
)
def test_an_odd_id_is_refused_before_any_io(campaign: Campaign, field: str, value: Any) -> None:
    answer = campaign.stack.invoke({**GOOD, field: value})

    assert answer.error_type == "InvalidEventError"
    assert (answer.error_message or "").startswith(f"{field}: expected ")
    assert len(answer.error_message or "") < 200
    assert campaign.calls() == []
    if isinstance(value, str) and len(value) > 2:
        assert value not in str(answer.payload)
        assert value not in campaign.stack.logs()


@pytest.mark.fault("F40")
def test_the_longest_name_of_a_cluster_is_accepted(campaign: Campaign) -> None:
    job = campaign.job(cluster="a" * 64)

    assert campaign.invoke(job).result["changed"]


NO_EVENT: dict[str, tuple[Any, str]] = {
    "null": (None, "event"),
    "list": ([], "event"),
    "text": ("groupId", "event"),
    "number": (17, "event"),
    "boolean": (True, "event"),
    "empty": ({}, "groupId"),
    "no-group": ({**GOOD, "groupId": None}, "groupId"),
    "both-groups": ({**GOOD, "projectId": "0" * 24}, "projectId"),
    "both-restores": ({**GOOD, "restoreJobId": "0" * 24}, "restoreJobId"),
    "other-spelling-wrong": (
        {"projectId": "x", "clusterName": "a", "restoreId": LONG_AGO},
        "projectId",
    ),
    "kind-unknown": ({**GOOD, "kind": "serverless"}, "kind"),
    "kind-capitals": ({**GOOD, "kind": "FLEX"}, "kind"),
    "kind-empty": ({**GOOD, "kind": ""}, "kind"),
    "kind-list": ({**GOOD, "kind": ["flex"]}, "kind"),
    "kind-object": ({**GOOD, "kind": {}}, "kind"),
    "kind-number": ({**GOOD, "kind": 1}, "kind"),
    "envelope-text": ({**GOOD, "envelope": "true"}, "envelope"),
    "pretty-number": ({**GOOD, "pretty": 1}, "pretty"),
    "detail-type-other": ({"detail-type": "Scheduled Event", "detail": GOOD}, "detail-type"),
    "detail-type-missing": ({"detail": GOOD}, "detail-type"),
    "detail-type-list": ({"detail-type": [REQUESTED], "detail": GOOD}, "detail-type"),
    "detail-missing": ({"detail-type": REQUESTED}, "detail"),
    "detail-text": ({"detail-type": REQUESTED, "detail": json.dumps(GOOD)}, "detail"),
    "detail-empty": ({"detail-type": REQUESTED, "detail": {}}, "detail.groupId"),
    "targets-null": ({"targets": None}, "targets"),
    "targets-empty": ({"targets": []}, "targets"),
    "targets-object": ({"targets": GOOD}, "targets"),
    "targets-text": ({"targets": "all"}, "targets"),
    "targets-101": ({"targets": [GOOD] * 101}, "targets"),
    "targets-wrong": ({"targets": [{}]}, "targets[0].groupId"),
    "targets-list": ({"targets": [[]]}, "targets[0]"),
    "targets-in-detail": (
        {"detail-type": REQUESTED, "detail": {"targets": [{**GOOD, "kind": 1}]}},
        "detail.targets[0].kind",
    ),
    "records-null": ({"Records": None}, "Records"),
    "records-empty": ({"Records": []}, "Records"),
    "records-text": ({"Records": "x"}, "Records"),
    "record-text": ({"Records": ["x"]}, "Records[0]"),
    "record-of-sns": ({"Records": [{"EventSource": "aws:sns", "Sns": {}}]}, "Records[0]"),
    "record-without-id": ({"Records": [{"eventSource": "aws:sqs", "body": "{}"}]}, "Records[0]"),
}


@pytest.mark.fault("F41")
@cases(("given", "field"), list(NO_EVENT.values()), ids=list(NO_EVENT))
def test_an_event_that_names_no_job_is_refused_with_its_field(
    campaign: Campaign, given: Any, field: str
) -> None:
    answer = campaign.stack.invoke(given)

    assert answer.error_type == "InvalidEventError"
    assert (answer.error_message or "").startswith(f"{field}: ")
    assert campaign.calls() == []


POISON: dict[str, str] = {
    "not-json": "{",
    "empty": "",
    "list": "[]",
    "no-job": "{}",
    "deep": "[" * 60_000,
    "long-number": "1" * 5_000,
    "unknown-job": json.dumps(GOOD),
    "one-of-its-targets": json.dumps({"targets": [{}]}),
}


def record(name: str, body: str) -> dict[str, str]:
    return {"messageId": name, "eventSource": "aws:sqs", "body": body}


@pytest.mark.fault("F42")
@cases("body", list(POISON.values()), ids=list(POISON))
def test_a_poison_record_is_reported_alone(campaign: Campaign, body: str) -> None:
    job = campaign.watched_job()
    good = json.dumps(event(job))
    records = [record("before", good), record("poison", body), record("after", good)]
    answer = campaign.stack.invoke({"Records": records}).result

    assert answer == {"batchItemFailures": [{"itemIdentifier": "poison"}]}
    assert campaign.recheck(job) == UNCHANGED


@pytest.mark.fault("F42")
@cases("place", [0, 9], ids=["first", "last"])
def test_one_poison_record_of_ten_leaves_nine_done(campaign: Campaign, place: int) -> None:
    jobs = [campaign.job() for _ in range(9)]
    records = [record(job.restore_id, json.dumps(event(job))) for job in jobs]
    records.insert(place, record("poison", "{"))
    answer = campaign.stack.invoke({"Records": records}).result

    assert answer == {"batchItemFailures": [{"itemIdentifier": "poison"}]}
    assert [campaign.published(job) for job in jobs] == [["PENDING"]] * 9


@pytest.mark.fault("F42")
def test_a_record_that_failed_is_done_when_it_comes_again(campaign: Campaign) -> None:
    first, second = campaign.job(), campaign.job()
    records = [record(job.restore_id, json.dumps(event(job))) for job in (first, second)]
    # Refused for its first publication only, which is that of the first record.
    campaign.inject(PUBLISH, aws_error("sns", "AuthorizationError", status=403))
    answer = campaign.stack.invoke({"Records": records}).result
    assert answer == {"batchItemFailures": [{"itemIdentifier": first.restore_id}]}
    assert (campaign.published(first), campaign.published(second)) == ([], ["PENDING"])

    answer = campaign.stack.invoke({"Records": records[:1]}).result
    assert answer == {"batchItemFailures": []}
    assert (campaign.published(first), campaign.published(second)) == (["PENDING"], ["PENDING"])


@pytest.mark.fault("F43")
@cases("place", [0, 1, 2])
@cases(
    ("bad", "error"),
    [
        ({"groupId": "../.."}, "InvalidEventError"),
        ({"restoreId": LONG_AGO}, "RestoreJobNotFoundError"),
    ],
    ids=["invalid", "unknown"],
)
def test_one_target_that_fails_leaves_the_others_alone(
    campaign: Campaign, place: int, bad: Mapping[str, str], error: str
) -> None:
    jobs = [campaign.job(), campaign.job()]
    targets = [event(job) for job in jobs]
    targets.insert(place, {**event(jobs[0]), **bad})
    result = campaign.stack.invoke({"targets": targets}).result

    assert [one["job"]["restoreId"] for one in result["results"]] == [
        job.restore_id for job in jobs
    ]
    (failure,) = result["failures"]
    assert failure["error"] == error
    assert failure["message"]
    assert "../.." not in str(result)
    assert [campaign.published(job) for job in jobs] == [["PENDING"]] * 2


@pytest.mark.fault("F43")
def test_an_invocation_fails_only_when_every_target_did(campaign: Campaign) -> None:
    good, bad = event(campaign.job()), {**GOOD, "groupId": campaign.group}
    unknown = campaign.stack.invoke({"targets": [bad, bad]})
    mixed = campaign.stack.invoke({"targets": [bad, good]})

    # An error is what the schedule's retries act on; a result is never retried.
    assert unknown.error_type == "RestoreJobNotFoundError"
    assert [one["error"] for one in mixed.result["failures"]] == ["RestoreJobNotFoundError"]


# Kills


@pytest.mark.fault("F45")
@cases("step", [SECRET, TOKEN, ATLAS], ids=["secret", "token", "job"])
def test_a_kill_before_anything_was_stored_leaves_nothing(
    campaign: Campaign, step: Selection
) -> None:
    job = campaign.job()
    campaign.stack.new_environments()
    with campaign.killed(step, "before"):
        assert campaign.invoke(job).crashed
    assert campaign.stored(job) is None

    assert campaign.invoke(job).result["changed"]
    assert campaign.published(job) == ["PENDING"]


# Clocks


@pytest.mark.fault("F46")
def test_an_environment_frozen_for_fifty_minutes_uses_nothing_old(campaign: Campaign) -> None:
    job, watch = campaign.job(), campaign.environment()
    campaign.check(job, watch)
    campaign.pass_time(3000)
    job.run_to_end()
    campaign.stack.forget_calls()
    campaign.check(job, watch)
    assert campaign.calls() == ["secret", "token", "flex", "record", "publish", "acknowledge"]

    campaign.pass_time(3601)
    campaign.stack.forget_calls()
    campaign.check(job, watch)
    assert campaign.calls() == ["secret", "token", "flex", "record"]
    assert campaign.published(job) == ["PENDING", "COMPLETED"]


@pytest.mark.fault("F46")
@cases("hours", [-24, -2, 2, 24], ids=str)
def test_a_skewed_clock_costs_no_more_than_one_retry_a_check(
    campaign: Campaign, hours: int
) -> None:
    campaign.clock.advance(hours * 3600)
    job, watch = campaign.job(timeline=["PENDING", "RUNNING", "COMPLETED"]), campaign.environment()
    campaign.check(job, watch)
    for _ in range(2):
        campaign.pass_time(3000)
        campaign.atlas.expire_tokens()
        job.advance()
        campaign.stack.forget_calls()
        campaign.check(job, watch)
        assert campaign.count(TOKEN) == 1
        assert campaign.count(ATLAS) <= 2

    data = [message.event["data"] for message in campaign.messages(job)]
    assert [one["sequence"] for one in data] == [1, 2, 3]
    assert data[-1]["durationSeconds"] in {5999, 6000, 6001}
    assert data[-1]["detectionLatencySeconds"] >= 0


@pytest.mark.fault("F46")
def test_a_clock_that_steps_back_does_not_disturb_the_order(campaign: Campaign) -> None:
    job, watch = campaign.job(timeline=["PENDING", "RUNNING", "COMPLETED"]), campaign.environment()
    campaign.check(job, watch)
    for _ in range(2):
        campaign.clock.advance(-3600)
        job.advance()
        campaign.check(job, watch)
    history = (campaign.item(job) or {})["history"]
    observed = [entry["observedAt"] for entry in history]
    assert observed == sorted(observed, reverse=True)
    assert [entry["status"] for entry in history] == ["PENDING", "RUNNING", "COMPLETED"]

    data = [message.event["data"] for message in campaign.messages(job)]
    assert [one["sequence"] for one in data] == [1, 2, 3]
    assert all((one["detectionLatencySeconds"] or 0) >= 0 for one in data)
    assert campaign.stored(job) == Stored("COMPLETED", 3, 3)


@pytest.mark.fault("F46")
def test_a_secret_whose_age_no_clock_tells_is_read_again(campaign: Campaign) -> None:
    job, watch = campaign.watched_job(), campaign.environment()
    campaign.check(job, watch)
    campaign.clock.advance(-1)
    campaign.stack.forget_calls()
    campaign.check(job, watch)

    assert campaign.calls() == ["secret", "flex", "record"]


@pytest.mark.fault("F46", "F1")
@cases("seconds", [0.1, 5, 30, 59, 61, 3600], ids=str)
def test_a_clock_that_steps_back_after_a_crash_delays_by_less_than_a_second(
    campaign: Campaign, seconds: float
) -> None:
    job, watch = campaign.finished_job(), campaign.environment()
    campaign.inject(PUBLISH, Answer(400))
    campaign.refused(NotificationPendingError, job)
    campaign.clock.advance(-seconds)
    campaign.check(job, watch)

    assert sum(campaign.naps) < 1
    assert campaign.published(job) == ["COMPLETED"]
    assert campaign.stored(job) == Stored("COMPLETED", 1, 1)


# Settings

NEEDED = (
    "ATLAS_SECRET_ID",
    "TABLE_NAME",
    "TOPIC_ARN",
    "POWERTOOLS_SERVICE_NAME",
    "POWERTOOLS_METRICS_NAMESPACE",
    "POWERTOOLS_LOG_LEVEL",
)


@pytest.mark.fault("F47")
@cases("name", NEEDED)
@cases("value", [None, "", "  "], ids=["missing", "empty", "blank"])
def test_a_missing_environment_variable_is_named(
    campaign: Campaign, name: str, value: str | None
) -> None:
    variables = {**campaign.stack.environment, name: value or ""}
    if value is None:
        del variables[name]
    with pytest.raises(ConfigurationError) as caught:
        Settings.from_environment(variables)

    assert name in str(caught.value)
    assert "\n" not in str(caught.value)
    assert [other for other in NEEDED if other in str(caught.value)] == [name]


@pytest.mark.fault("F47")
def test_every_missing_environment_variable_is_named_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        Settings.from_environment({})

    assert [name for name in NEEDED if name in str(caught.value)] == list(NEEDED)


@pytest.mark.fault("F47")
@cases("value", ["topic", "arn:aws:sqs:us-east-1:012345678901:queue", "arn:aws:sns:us-east-1::x"])
def test_a_topic_that_is_none_is_told(campaign: Campaign, value: str) -> None:
    with pytest.raises(ConfigurationError, match="TOPIC_ARN"):
        Settings.from_environment({**campaign.stack.environment, "TOPIC_ARN": value})


@pytest.mark.fault("F47")
@cases(
    ("name", "value", "said"),
    [
        ("TABLE_NAME", "", "environment variables missing or empty: TABLE_NAME"),
        (
            "POWERTOOLS_LOG_LEVEL",
            "LOUD",
            "POWERTOOLS_LOG_LEVEL: expected one of DEBUG, INFO, WARNING, ERROR, CRITICAL",
        ),
    ],
    ids=["missing", "wrong"],
)
def test_a_function_set_up_wrong_fails_while_it_starts_with_one_clear_line(
    campaign: Campaign, name: str, value: str, said: str
) -> None:
    right = campaign.stack.pool.runtimes[0].environment
    wrong = replace(right, variables={**right.variables, name: value})
    with LambdaRuntime(wrong) as runtime:
        answer = runtime.invoke(GOOD)
        logs = runtime.logs()

    assert answer.error_type == "ConfigurationError"
    assert answer.error_message == said
    lines = [line for line in logs.splitlines() if "ConfigurationError: " in line]
    assert len(lines) == 1
    assert campaign.calls() == []


# Dates and texts


@pytest.mark.fault("F48")
@cases(
    ("said", "read"),
    [
        ("2026-10-05T12:05:05Z", "2026-10-05T12:05:05Z"),
        ("2026-10-05T12:05:05+00:00", "2026-10-05T12:05:05Z"),
        ("2026-10-05T14:05:05+02:00", "2026-10-05T12:05:05Z"),
        ("2026-10-05T06:35:05-05:30", "2026-10-05T12:05:05Z"),
        ("2026-10-05T12:05:05", "2026-10-05T12:05:05Z"),
        ("2026-10-05 12:05:05Z", "2026-10-05T12:05:05Z"),
        ("2026-10-05T12:05:05.5Z", "2026-10-05T12:05:05.500000Z"),
        ("2026-10-05T12:05:05.123456789Z", "2026-10-05T12:05:05.123456Z"),
        ("2026-10-05t12:05:05z", "2026-10-05T12:05:05Z"),
        ("2026-10-06T00:05:05+12:00", "2026-10-05T12:05:05Z"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
    ],
    ids=[
        "as-recorded",
        "offset-zero",
        "east",
        "west",
        "no-zone",
        "space",
        "fraction",
        "nanoseconds",
        "lower-case",
        "day-before",
        "far-future",
        "far-past",
    ],
)
def test_dates_are_normalised_to_utc(campaign: Campaign, said: str, read: str) -> None:
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
def test_a_finish_at_an_odd_time_gives_no_negative_figures(
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


@pytest.mark.fault("F48")
@cases("said", ["", "yesterday", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "24:00"])
def test_a_date_that_is_none_is_an_unexpected_answer(campaign: Campaign, said: str) -> None:
    job = campaign.finished_job()
    job.set(restoreFinishedDate=said)
    campaign.refused(UnexpectedAtlasResponseError, job)

    assert campaign.stored(job) is None


LONG = {
    "ascii": "x" * 100_000,
    "emoji": "\U0001f4a5" * 10_000,
    "controls": "".join(map(chr, range(32))) * 100,
    "crlf": "a\r\nb\r\n" * 1000,
    "empty": "",
    "quotes": '"\\' * 1000,
    "markup": "<script>&amp;" * 1000,
    "right-to-left": "\u202eabc\u0000" * 100,
}


@pytest.mark.fault("F49")
@cases("text", list(LONG.values()), ids=list(LONG))
def test_odd_texts_leave_message_and_item_valid(campaign: Campaign, text: str) -> None:
    job = campaign.job(cluster="c" * 64, timeline=["RUNNING", text, "COMPLETED"])
    job.set(
        deliveryType=text,
        snapshotId=text,
        targetDeploymentItemName=text,
        targetProjectId=text,
    )
    for advance in (False, True, True):
        if advance:
            job.advance()
        campaign.check(job)

    messages = campaign.messages(job)
    assert [message.event["data"]["status"] for message in messages] == [
        "RUNNING",
        "UNKNOWN",
        "COMPLETED",
    ]
    for message in messages:
        assert re.fullmatch(r"[\x20-\x7e]{1,99}", message.subject or "")
        assert len(json.dumps(message.event)) < 20_000
        assert len(message.attributes) <= 10
        for value in message.attributes.values():
            assert re.fullmatch(r"[\x20-\x7e]+", value)
    item = json.dumps(campaign.item(job), default=str, ensure_ascii=False)
    assert len(item.encode()) < 40_000
    assert campaign.stored(job) == Stored("COMPLETED", 3, 3)


@pytest.mark.fault("F49", "F17")
@cases("field", ["status", "deliveryType", "targetDeploymentItemName"])
def test_a_text_that_no_encoding_can_hold_ends_in_a_result_or_a_typed_error(
    campaign: Campaign, field: str
) -> None:
    job = campaign.finished_job()
    job.set(**{field: "A\ud800"})
    answer = campaign.invoke(job)

    assert answer.error_type in {None, "UnexpectedAtlasResponseError"}
    assert (answer.error_type is None) is (campaign.stored(job) is not None)


# The item


@pytest.mark.fault("F50")
@cases("kind", ["flex", "dedicated"])
@cases(
    ("step", "error"),
    [(PUBLISH, NotificationPendingError), (ACKNOWLEDGE, TableUnavailableError)],
    ids=["publication", "acknowledgement"],
)
def test_an_item_expires_only_when_nothing_is_open_or_pending(
    campaign: Campaign, kind: Kind, step: Selection, error: type[RestoreWatchError]
) -> None:
    job = campaign.job(kind)
    seen: set[tuple[bool, bool, bool]] = set()
    steps = [False, *([True] * (3 if kind == "flex" else 1))]
    for advance in steps:
        if advance:
            job.advance()
        for failing in (True, False):
            if failing:
                campaign.inject(step, Answer(400))
                campaign.refused(error, job)
            else:
                campaign.check(job)
            item = campaign.item(job) or {}
            open_or_pending = not item["terminal"] or item["publishedSequence"] < item["sequence"]
            assert ("expiresAt" in item) is not open_or_pending
            assert ("openShard" in item) is open_or_pending
            seen.add((item["terminal"], failing, "expiresAt" in item))

    assert (True, True, False) in seen
    assert (True, False, True) in seen


@pytest.mark.fault("F50")
def test_an_end_that_is_followed_by_another_stops_expiring_meanwhile(campaign: Campaign) -> None:
    timeline = ["download-ready", "expired"]
    job = campaign.job("dedicated", delivery_type="download", timeline=timeline)
    campaign.check(job)
    assert "expiresAt" in (campaign.item(job) or {})

    job.advance()
    campaign.inject(PUBLISH, Answer(400))
    campaign.refused(NotificationPendingError, job)
    item = campaign.item(job) or {}
    assert "expiresAt" not in item
    assert "openShard" in item

    campaign.check(job)
    item = campaign.item(job) or {}
    assert item["expiresAt"] > datetime.now(UTC).timestamp() + 300 * 86_400
    assert "openShard" not in item


def rewrite(campaign: Campaign, job: Any, expression: str, **values: Any) -> None:
    """What another version would have written."""
    campaign.aws.client("dynamodb").update_item(
        TableName=campaign.stack.table_name,
        Key={
            "cluster": {"S": f"{job.group_id}/{job.cluster}"},
            "restoreId": {"S": job.restore_id},
        },
        UpdateExpression=expression,
        ExpressionAttributeNames={f"#{name}": name for name in re.findall(r"#(\w+)", expression)},
        **({"ExpressionAttributeValues": values} if values else {}),
    )


@pytest.mark.fault("F51")
def test_what_a_newer_version_added_is_kept(campaign: Campaign) -> None:
    job = campaign.job(timeline=["PENDING", "COMPLETED"])
    campaign.check(job)
    rewrite(
        campaign,
        job,
        "SET #novel = :novel, #history[0].#novel = :novel, #taskTokens = :tokens",
        **{
            ":novel": {"M": {"deep": {"L": [{"NULL": True}, {"N": "1.5"}]}}},
            ":tokens": {"SS": ["a", "b"]},
        },
    )
    assert not campaign.check(job).changed

    job.advance()
    assert campaign.check(job).changed
    item = campaign.item(job) or {}
    assert item["novel"] == item["history"][0]["novel"]
    assert item["taskTokens"] == {"a", "b"}
    assert campaign.published(job) == ["PENDING", "COMPLETED"]
    assert campaign.stored(job) == Stored("COMPLETED", 2, 2)


@pytest.mark.fault("F51")
@cases(
    "expression",
    [
        "REMOVE #durationSeconds, #snapshotAgeSeconds, #terminal, #downloadAvailable, #atlasStatus",
        "REMOVE #deliveryType, #snapshotId, #expirationDate, #targetProjectId, #openShard",
        "REMOVE #history[0].#terminal, #history[0].#downloadAvailable, #history[0].#atlasStatus",
        "REMOVE #publishedSequence",
        "REMOVE #history, #sequence, #publishedSequence, #observedAt, #firstObservedAt",
    ],
    ids=["derived", "optional", "history-entries", "outbox-mark", "outbox"],
)
def test_what_an_older_version_had_not_is_no_hindrance(campaign: Campaign, expression: str) -> None:
    job = campaign.job(timeline=["PENDING", "COMPLETED"])
    campaign.check(job)
    rewrite(campaign, job, expression)
    campaign.check(job)
    job.advance()
    for _ in range(2):
        campaign.check(job)

    assert campaign.published(job)[-1] == "COMPLETED"
    stored = campaign.stored(job)
    assert stored is not None
    assert (stored.status, stored.published) == ("COMPLETED", stored.sequence)


@pytest.mark.fault("F51")
def test_a_status_of_a_newer_version_is_followed_on(campaign: Campaign) -> None:
    job = campaign.job(timeline=["PENDING", "COMPLETED"])
    campaign.check(job)
    rewrite(
        campaign,
        job,
        "SET #status = :paused, #history[0].#status = :paused",
        **{":paused": {"S": "PAUSED"}},
    )
    job.advance()
    for _ in range(2):
        campaign.check(job)

    assert campaign.published(job) == ["PENDING", "COMPLETED"]
    assert campaign.stored(job) == Stored("COMPLETED", 2, 2)


@pytest.mark.fault("F51")
@cases(
    ("damage", "repair", "value"),
    [
        ("SET #kind = :value", "SET #kind = :value", {"S": "collection"}),
        ("SET #history[0] = :value", "SET #history = :value", {"S": "PENDING"}),
        ("SET #history[0].#observedAt = :value", "SET #history = :value", {"S": "noon"}),
        ("REMOVE #history[0].#status", "SET #history = :value", None),
        ("SET #publishedSequence = :value", "SET #publishedSequence = :value", {"S": "all"}),
        ("SET #history = :value", "SET #history = :value", {"NULL": True}),
        ("SET #history = :value", "SET #history = :value", {"N": "1"}),
        ("SET #history = :value", "SET #history = :value", {"S": "PENDING"}),
        ("SET #history = :value", "SET #history = :value", {"M": {"PENDING": {"N": "1"}}}),
        (
            "SET #history[0].#observedAt = :value",
            "SET #history = :value",
            {"S": "9999-12-31T23:59:59Z"},
        ),
    ],
    ids=[
        *["kind", "entry", "moment", "entry-without-status", "mark"],
        *["no-history", "number-of-history", "text-of-history", "map-of-history", "last-moment"],
    ],
)
def test_an_item_nobody_can_read_is_left_alone_until_somebody_mends_it(
    campaign: Campaign, damage: str, repair: str, value: dict[str, str] | None
) -> None:
    job = campaign.job()
    campaign.check(job)
    before = campaign.item(job) or {}
    rewrite(campaign, job, damage, **({":value": value} if value else {}))
    error = campaign.refused(TableUnavailableError, job)
    assert "form that this version cannot read" in str(error)
    assert campaign.count(PUBLISH) == 1

    (name,) = re.findall(r"^SET #(\w+)", repair)
    rewrite(campaign, job, repair, **{":value": TypeSerializer().serialize(before[name])})
    job.run_to_end()
    campaign.check(job)
    assert campaign.published(job) == ["PENDING", "COMPLETED"]


@pytest.mark.fault("F51")
@cases(
    ("written", "told"),
    [
        ("2026-05-04T14:00:00+02:00", "2026-05-04T12:00:00.000000Z"),
        ("2026-05-04T12:00:00", "2026-05-04T12:00:00.000000Z"),
    ],
    ids=["zone", "no-zone"],
)
def test_a_moment_in_another_form_is_told_in_utc(
    campaign: Campaign, written: str, told: str
) -> None:
    job = campaign.job()
    campaign.check(job)
    rewrite(
        campaign,
        job,
        "SET #history[0].#observedAt = :moment, #publishedSequence = :none",
        **{":moment": {"S": written}, ":none": {"N": "0"}},
    )
    campaign.check(job)
    message = campaign.messages(job)[-1]

    assert message.event["time"] == message.event["data"]["observedAt"] == told
    assert campaign.stored(job) == Stored("PENDING", 1, 1)


# Telemetry


class Broken(io.StringIO):
    """An output that takes nothing any more."""

    def write(self, _: str, /) -> int:
        raise OSError(28, "no space left on the device")


@pytest.fixture
def variables(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    """What Powertools reads by itself."""
    for name, value in campaign.stack.environment.items():
        if name.startswith("POWERTOOLS_"):
            monkeypatch.setenv(name, value)


@contextmanager
def observed(campaign: Campaign, output: io.StringIO) -> Iterator[Application]:
    """The application, telling what it sees to this output."""
    telemetry = Telemetry(Logger(service=secrets.token_hex(4), stream=output))
    hooks = campaign.hasty.http.event_hooks
    campaign.hasty.http.event_hooks = {"response": [telemetry.atlas_answered]}
    try:
        yield Application(campaign.environment(), telemetry)
    finally:
        campaign.hasty.http.event_hooks = hooks


@pytest.mark.fault("F52")
@pytest.mark.usefixtures("variables")
@cases("broken", ["logger", "metrics", "both"])
def test_a_check_does_not_fail_for_what_it_cannot_tell(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    job = campaign.finished_job()
    campaign.inject(ATLAS, Headed({"Sunset": "soon"}))
    with (
        observed(campaign, io.StringIO() if broken == "metrics" else Broken()) as application,
        monkeypatch.context() as outputs,
    ):
        outputs.setattr(sys, "stderr", io.StringIO())
        if broken != "logger":
            outputs.setattr(sys, "stdout", Broken())
        result = application.answer(event(job), Deadline.after(PLENTY))

    assert result["changed"]
    assert campaign.published(job) == ["COMPLETED"]
    assert campaign.stored(job) == Stored("COMPLETED", 1, 1)


@pytest.mark.fault("F52")
@pytest.mark.usefixtures("variables")
def test_an_error_keeps_its_type_when_it_cannot_be_told(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = campaign.job()
    campaign.inject(ATLAS, Answer.json(200, {}))
    with observed(campaign, Broken()) as application, monkeypatch.context() as outputs:
        outputs.setattr(sys, "stderr", io.StringIO())
        outputs.setattr(sys, "stdout", Broken())
        with pytest.raises(UnexpectedAtlasResponseError):
            application.answer(event(job, kind="flex"), Deadline.after(PLENTY))

    assert campaign.check(job).changed
