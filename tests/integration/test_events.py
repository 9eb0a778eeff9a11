"""Every shape of event with which the function is invoked, and its result."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pytest

from integration.checking import (
    LONG_AGO,
    ROOT,
    check,
    received,
    target,
)
from local_stack.atlas import EmulatedRestore, Kind
from local_stack.stack import LocalStack

SAMPLES = sorted(
    path for path in (ROOT / "events").glob("*.json") if not path.name.endswith(".schema.json")
)
NOTHING_OPEN = {
    "open": 0,
    "found": 0,
    "checked": 0,
    "changed": 0,
    "published": 0,
    "notReached": 0,
    "failures": [],
}
KINDS: dict[str, Kind] = {kind: kind for kind in ("dedicated", "tenant", "collection")}


def targets_in(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every target of an event, in any wrapping."""
    if isinstance(value, str) and value.startswith("{"):
        value = json.loads(value)
    if isinstance(value, list):
        for item in value:
            yield from targets_in(item)
    elif isinstance(value, dict) and "clusterName" in value:
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from targets_in(item)


def start(stack: LocalStack, wanted: dict[str, Any]) -> EmulatedRestore:
    """Start the job that a target names, of the kind it names, else Flex. Its data may be right."""
    at = wanted.get("validatedAt")
    return stack.atlas.start_restore(
        wanted.get("groupId") or wanted["projectId"],
        wanted["clusterName"],
        KINDS.get(wanted.get("kind", "auto"), "flex"),
        restore_id=wanted.get("restoreId") or wanted.get("restoreJobId"),
        at=datetime.fromisoformat(at) - timedelta(hours=1) if at else None,
        timeline=["COMPLETED"] if at else None,
    )


def record(number: int, body: Any) -> dict[str, Any]:
    text = body if isinstance(body, str) else json.dumps(body)
    return {
        "messageId": f"00000000-0000-0000-0000-{number:012}",
        "receiptHandle": "handle",
        "body": text,
        "attributes": {"ApproximateReceiveCount": "1"},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:requests",
        "awsRegion": "us-east-1",
    }


def requested(detail: Any) -> dict[str, Any]:
    return {
        "version": "0",
        "id": "5f0c8a52-9b7e-4d13-a6c4-2e81d7f3b09a",
        "detail-type": "Atlas Restore Watch Requested",
        "source": "tests",
        "account": "123456789012",
        "time": "2026-10-05T12:05:12Z",
        "region": "us-east-1",
        "resources": [],
        "detail": detail,
    }


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_each_sample_event_gets_the_documented_form_of_result(
    stack: LocalStack, path: Path
) -> None:
    event = json.loads(path.read_text())
    restores = {one.restore_id: one for one in (start(stack, one) for one in targets_in(event))}
    answer = stack.invoke(event).result

    match event:
        case {"Records": _}:
            assert answer == {"batchItemFailures": []}
        case {"targets": wanted}:
            assert answer["failures"] == []
            assert [result["job"]["restoreId"] for result in answer["results"]] == [
                one.get("restoreId") or one["restoreJobId"] for one in wanted
            ]
        case {"scheduledTime": _} | {"detail-type": "Scheduled Event"}:
            assert answer == {"skipped": True}  # its tick is long past
        case {"action": "sweep"}:
            assert answer == NOTHING_OPEN
        case {"action": "test-notification"}:
            (message,) = stack.received()
            assert answer == {"messageId": message.message_id}
        case {"taskToken": _}:
            assert answer.keys() == {"job", "status", "waitUntil"}
            assert answer["job"]["restoreId"] == event["restoreId"]
        case {"action": "newest-restore"}:
            assert answer["restoreId"] in restores
            return  # it stores and publishes nothing
        case {"action": "diagnose"}:
            assert {"settings", "secret", "schedule"} <= {one["check"] for one in answer["checks"]}
        case {"action": "record-validation"}:
            # The job was not known, so it was checked first.
            assert (answer["changed"], answer["sequence"]) == (True, 2)
            change, validation = received(stack)
            assert change.event["data"]["status"] == answer["job"]["status"]
            assert validation.event["data"]["validation"] == answer["validation"]
            return
        case _:
            (restore,) = restores.values()
            assert answer["job"]["restoreId"] == restore.restore_id
            assert answer["changed"] is True
    messages = received(stack)
    assert {message.event["subject"] for message in messages} == set(restores)
    assert len(messages) == len(restores)
    assert {item["restoreId"] for item in stack.items()} - {"lease"} == set(restores)


def test_sample_events_exist() -> None:
    assert len(SAMPLES) >= 10


WRAPPINGS = {
    "plain": lambda wanted: wanted,
    "eventbridge": requested,
    "one-of-one": lambda wanted: {"targets": [wanted]},
    "eventbridge-targets": lambda wanted: requested({"targets": [wanted]}),
    "sqs": lambda wanted: {"Records": [record(1, wanted)]},
    "sqs-of-eventbridge": lambda wanted: {"Records": [record(1, requested(wanted))]},
    "sqs-of-targets": lambda wanted: {"Records": [record(1, {"targets": [wanted]})]},
}


@pytest.mark.parametrize("wrap", WRAPPINGS.values(), ids=WRAPPINGS)
def test_a_target_is_found_in_every_kind_of_event(stack: LocalStack, group: str, wrap: Any) -> None:
    restore = stack.atlas.start_restore(group, "orders", "flex")
    stack.invoke(wrap(target(restore))).result  # noqa: B018 - it must succeed

    assert [message.event["subject"] for message in received(stack)] == [restore.restore_id]


def test_both_spellings_of_the_ids_name_the_same_job(stack: LocalStack, group: str) -> None:
    restore = stack.atlas.start_restore(group, "orders", "flex")
    other = {"projectId": group, "clusterName": "orders", "restoreJobId": restore.restore_id}
    first, second = check(stack, restore).result, stack.invoke(other).result

    assert first["job"] == second["job"]
    assert second["changed"] is False


def test_an_eventbridge_invocation_fails_if_any_of_its_targets_fails(
    stack: LocalStack, group: str
) -> None:
    """AWS ignores the result; it retries and keeps an event only if the invocation fails."""
    first, last = (stack.atlas.start_restore(group, f"orders-{n}", "flex") for n in range(2))
    unknown = {"groupId": group, "clusterName": "orders-0", "restoreId": LONG_AGO, "kind": "flex"}
    targets = {"targets": [target(first), unknown, target(last)]}
    by_rule = stack.invoke(requested(targets))
    messages = received(stack)
    direct = stack.invoke(targets)

    assert by_rule.error_type == "RestoreJobNotFoundError"
    assert [one.event["subject"] for one in messages] == [first.restore_id, last.restore_id]
    assert [one["error"] for one in direct.result["failures"]] == ["RestoreJobNotFoundError"]
    assert [one["changed"] for one in direct.result["results"]] == [False, False]


@pytest.mark.parametrize(
    ("kind", "key"), [("flex", "content"), ("dedicated", "envelope"), ("tenant", "content")]
)
def test_an_envelope_changes_nothing_in_the_result(
    stack: LocalStack, group: str, kind: Kind, key: Literal["content", "envelope"]
) -> None:
    stack.atlas.behaviour.tenant_endpoint = None
    stack.atlas.behaviour.envelope_key = key
    restore = stack.atlas.start_restore(group, "orders", kind)
    plain = check(stack, restore, kind).result
    stack.forget_calls()
    wrapped = check(stack, restore, kind, envelope=True, pretty=True).result

    assert wrapped["job"] == plain["job"]
    assert wrapped["changed"] is False
    asked = stack.http_calls()[0]
    assert asked.operation == kind
    assert asked.query == {"envelope": "true", "pretty": "true"}


@pytest.mark.parametrize("pretty", [True, False], ids=["pretty", "plain"])
def test_envelope_false_is_sent_to_atlas(stack: LocalStack, group: str, *, pretty: bool) -> None:
    restore = stack.atlas.start_restore(group, "orders", "flex")
    check(stack, restore)
    stack.forget_calls()
    check(stack, restore, envelope=False, pretty=pretty)

    assert stack.http_calls()[0].query == {"envelope": "false", "pretty": str(pretty).lower()}


@pytest.mark.parametrize("key", ["content", "envelope"])
def test_a_refusal_in_an_envelope_raises_the_same_error(
    stack: LocalStack, group: str, key: Literal["content", "envelope"]
) -> None:
    stack.atlas.behaviour.envelope_key = key
    restore = stack.atlas.start_restore(group, "orders", "flex", restore_id=LONG_AGO)
    unknown = target(restore) | {"restoreId": LONG_AGO.replace("a", "b")}
    answer = stack.invoke({**unknown, "kind": "flex", "envelope": True})
    statuses = [call.status for call in stack.http_calls() if call.operation == "flex"]

    assert answer.error_type == "RestoreJobNotFoundError"
    assert statuses[-1] == 200
    assert (stack.items(), stack.received()) == ([], [])


def test_the_kind_of_a_cluster_is_found_when_answers_have_envelopes(
    stack: LocalStack, group: str
) -> None:
    restore = stack.atlas.start_restore(group, "orders", "dedicated")
    result = check(stack, restore, envelope=True).result

    assert result["job"]["kind"] == "dedicated"


def test_flex_replaces_the_retired_tenant_endpoint_when_answers_have_envelopes(
    stack: LocalStack, group: str
) -> None:
    restore = stack.atlas.start_restore(group, "orders", "tenant")
    result = check(stack, restore, "tenant", envelope=True).result
    (refused,) = [call for call in stack.http_calls() if call.operation == "tenant"]

    assert refused.status == 200
    assert result["job"]["kind"] == "flex"
