"""What the function is invoked with: every shape of event, and what each answers."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest

from integration.watching import (
    LONG_AGO,
    ROOT,
    by_either_credential,
    check,
    operations,
    received,
    target,
)
from local_stack.atlas import EmulatedRestore, Kind
from local_stack.canaries import CANARIES
from local_stack.stack import LocalStack

SAMPLES = sorted(
    path for path in (ROOT / "events").glob("*.json") if not path.name.endswith(".schema.json")
)
KINDS: dict[str, Kind] = {"dedicated": "dedicated", "tenant": "tenant"}


def targets_in(value: Any) -> Iterator[dict[str, Any]]:
    """Every target of an event, however it is wrapped."""
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
    """The job that a target names, of the kind it names, else Flex."""
    return stack.atlas.start_restore(
        wanted.get("groupId") or wanted["projectId"],
        wanted["clusterName"],
        KINDS.get(wanted.get("kind", "auto"), "flex"),
        restore_id=wanted.get("restoreId") or wanted["restoreJobId"],
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


@by_either_credential
@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_a_sample_answers_as_its_shape_demands(stack: LocalStack, path: Path) -> None:
    event = json.loads(path.read_text())
    restores = {restore.restore_id: restore for restore in map_starts(stack, event)}
    answer = stack.invoke(event).result

    match event:
        case {"Records": _}:
            assert answer == {"batchItemFailures": []}
        case {"targets": wanted}:
            assert answer["failures"] == []
            assert [result["job"]["restoreId"] for result in answer["results"]] == [
                one.get("restoreId") or one["restoreJobId"] for one in wanted
            ]
        case _:
            (restore,) = restores.values()
            assert answer["job"]["restoreId"] == restore.restore_id
            assert answer["changed"] is True
    messages = received(stack)
    assert {message.event["subject"] for message in messages} == set(restores)
    assert len(messages) == len(restores)
    assert len(stack.items()) == len(restores)


def map_starts(stack: LocalStack, event: Any) -> list[EmulatedRestore]:
    return [start(stack, wanted) for wanted in targets_in(event)]


def test_there_are_samples() -> None:
    assert len(SAMPLES) >= 8


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
def test_a_target_may_be_wrapped(stack: LocalStack, group: str, wrap: Any) -> None:
    restore = stack.atlas.start_restore(group, "orders", "flex")
    stack.invoke(wrap(target(restore))).result  # noqa: B018 - there must be one

    assert [message.event["subject"] for message in received(stack)] == [restore.restore_id]


def test_both_spellings_of_the_ids_name_the_same_job(stack: LocalStack, group: str) -> None:
    restore = stack.atlas.start_restore(group, "orders", "flex")
    other = {"projectId": group, "clusterName": "orders", "restoreJobId": restore.restore_id}
    first, second = check(stack, restore).result, stack.invoke(other).result

    assert first["job"] == second["job"]
    assert second["changed"] is False


def test_a_job_may_be_named_in_both_spellings_at_once(stack: LocalStack, group: str) -> None:
    restore = stack.atlas.start_restore(group, "orders", "flex")
    event = target(restore, projectId=group, restoreJobId=restore.restore_id)

    assert stack.invoke(event).result["job"]["restoreId"] == restore.restore_id


@by_either_credential
def test_one_failing_target_leaves_the_others_alone(stack: LocalStack, group: str) -> None:
    first, last = (stack.atlas.start_restore(group, f"orders-{n}", "flex") for n in range(2))
    unknown = {"groupId": group, "clusterName": "orders-0", "restoreId": LONG_AGO, "kind": "flex"}
    answer = stack.invoke({"targets": [target(first), unknown, target(last)]}).result

    assert [result["job"]["restoreId"] for result in answer["results"]] == [
        first.restore_id,
        last.restore_id,
    ]
    (failure,) = answer["failures"]
    assert failure["target"] == unknown
    assert failure["error"] == "RestoreJobNotFoundError"
    assert "404" in failure["message"]
    assert len(received(stack)) == 2


def test_a_target_that_names_no_job_fails_alone(stack: LocalStack, group: str) -> None:
    restore = stack.atlas.start_restore(group, "orders", "flex")
    nameless = {"groupId": "not an id", "clusterName": "orders", "restoreId": LONG_AGO}
    answer = stack.invoke({"targets": [nameless, target(restore)]}).result

    (failure,) = answer["failures"]
    assert failure["error"] == "InvalidEventError"
    assert "targets[0].groupId" in failure["message"]
    assert "not an id" not in json.dumps(answer)
    assert [result["changed"] for result in answer["results"]] == [True]


def test_an_invocation_fails_when_every_target_does(stack: LocalStack, group: str) -> None:
    stack.atlas.add_cluster(group, "orders", "flex")
    unknown = {"groupId": group, "clusterName": "orders", "restoreId": LONG_AGO, "kind": "flex"}
    nameless = {"groupId": group}
    answer = stack.invoke({"targets": [unknown, nameless]})

    assert answer.error_type == "RestoreJobNotFoundError"
    assert stack.items() == []


@by_either_credential
def test_only_the_poison_record_of_a_batch_comes_back(stack: LocalStack, group: str) -> None:
    restores = [stack.atlas.start_restore(group, f"orders-{n}", "flex") for n in range(9)]
    bodies: list[Any] = [target(restore) for restore in restores]
    bodies.insert(4, "{poison")
    batch = {"Records": [record(number, body) for number, body in enumerate(bodies)]}
    answer = stack.invoke(batch).result

    assert answer == {"batchItemFailures": [{"itemIdentifier": batch["Records"][4]["messageId"]}]}
    assert {message.event["subject"] for message in received(stack)} == {
        restore.restore_id for restore in restores
    }


POISON = {
    "no-json": "{",
    "no-object": "[]",
    "no-target": "{}",
    "other-event": json.dumps(requested({}) | {"detail-type": "EC2 Instance State-change"}),
    "one-of-its-targets-unknown": json.dumps(
        {"targets": [{"groupId": "0" * 24, "clusterName": "nowhere", "restoreId": LONG_AGO}]}
    ),
}


@pytest.mark.parametrize("body", POISON.values(), ids=POISON)
def test_a_record_that_cannot_be_done_is_reported(stack: LocalStack, body: str) -> None:
    poison = record(1, body)

    assert stack.invoke({"Records": [poison]}).result == {
        "batchItemFailures": [{"itemIdentifier": poison["messageId"]}]
    }


@by_either_credential
@pytest.mark.parametrize("key", ["content", "envelope"])
@pytest.mark.parametrize("kind", ["flex", "dedicated", "tenant"])
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
def test_a_wish_for_no_envelope_is_passed_on_too(
    stack: LocalStack, group: str, *, pretty: bool
) -> None:
    restore = stack.atlas.start_restore(group, "orders", "flex")
    check(stack, restore)
    stack.forget_calls()
    check(stack, restore, envelope=False, pretty=pretty)

    assert stack.http_calls()[0].query == {"envelope": "false", "pretty": str(pretty).lower()}


@by_either_credential
@pytest.mark.parametrize("key", ["content", "envelope"])
def test_a_refusal_in_an_envelope_is_still_a_refusal(
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


def test_a_cluster_of_another_kind_is_found_through_an_envelope(
    stack: LocalStack, group: str
) -> None:
    restore = stack.atlas.start_restore(group, "orders", "dedicated")
    result = check(stack, restore, envelope=True).result

    assert result["job"]["kind"] == "dedicated"


def test_an_envelope_of_an_endpoint_that_is_gone_moves_on_to_flex(
    stack: LocalStack, group: str
) -> None:
    restore = stack.atlas.start_restore(group, "orders", "tenant")
    result = check(stack, restore, "tenant", envelope=True).result
    (refused,) = [call for call in stack.http_calls() if call.operation == "tenant"]

    assert refused.status == 200
    assert result["job"]["kind"] == "flex"


GROUP = "5f0000000000000000000a01"
GOOD = {"groupId": GROUP, "clusterName": "orders", "restoreId": LONG_AGO}

BAD_EVENTS: dict[str, tuple[Any, str]] = {
    "list": ([], "event"),
    "text": ("flex", "event"),
    "number": (7, "event"),
    "empty": ({}, "groupId"),
    "no-cluster": ({"groupId": GROUP, "restoreId": LONG_AGO}, "clusterName"),
    "no-job": ({"groupId": GROUP, "clusterName": "orders"}, "restoreId"),
    "null": (GOOD | {"groupId": None}, "groupId"),
    "capitals": (GOOD | {"groupId": GROUP.upper()}, "groupId"),
    "too-short": (GOOD | {"restoreId": LONG_AGO[:-1]}, "restoreId"),
    "line-break-at-the-end": (GOOD | {"restoreId": LONG_AGO + "\n"}, "restoreId"),
    "path": (GOOD | {"clusterName": "../../orgs"}, "clusterName"),
    "escaped-path": (GOOD | {"clusterName": "orders%2f.."}, "clusterName"),
    "header-break": (GOOD | {"clusterName": "orders\r\nX: y"}, "clusterName"),
    "unicode-digits": (GOOD | {"groupId": "\u0661" * 24}, "groupId"),
    "very-long": (GOOD | {"clusterName": "o" * 10_000}, "clusterName"),
    "number-as-id": (GOOD | {"restoreId": 12345}, "restoreId"),
    "unknown-kind": (GOOD | {"kind": "serverless"}, "kind"),
    "envelope-as-text": (GOOD | {"envelope": "yes"}, "envelope"),
    "pretty-as-number": (GOOD | {"pretty": 1}, "pretty"),
    "two-projects": (GOOD | {"projectId": "0" * 24}, "projectId"),
    "bad-other-spelling": (
        {"projectId": "x", "clusterName": "orders", "restoreId": LONG_AGO},
        "projectId",
    ),
    "base-url": (GOOD | {"baseUrl": "https://example.com"}, "baseUrl"),
    "other-event": (requested(GOOD) | {"detail-type": "Something Else"}, "detail-type"),
    "empty-detail": (requested({}), "detail.groupId"),
    "detail-as-text": (requested(json.dumps(GOOD)), "detail"),
    "no-targets": ({"targets": []}, "targets"),
    "targets-as-object": ({"targets": GOOD}, "targets"),
    "too-many-targets": ({"targets": [GOOD] * 101}, "targets"),
    "only-bad-targets": ({"targets": [{}, 7]}, "targets[0].groupId"),
    "records-as-object": ({"Records": {}}, "Records"),
    "another-source": ({"Records": [{"eventSource": "aws:s3", "s3": {}}]}, "Records[0]"),
}


@pytest.mark.parametrize(("event", "field"), BAD_EVENTS.values(), ids=BAD_EVENTS)
def test_a_bad_event_is_refused_before_any_call(stack: LocalStack, event: Any, field: str) -> None:
    answer = stack.invoke(event)

    assert answer.error_type == "InvalidEventError"
    assert str(answer.error_message).startswith(f"{field}: ")
    assert operations(stack) == []
    assert stack.items() == []


@pytest.mark.parametrize("field", ["groupId", "clusterName", "restoreId", "kind", "envelope"])
def test_a_secret_pasted_into_a_field_is_not_quoted(stack: LocalStack, field: str) -> None:
    answers = [stack.invoke(GOOD | {field: f"{canary} "}) for canary in CANARIES]
    logs = stack.logs()

    assert {answer.error_type for answer in answers} == {"InvalidEventError"}
    told = json.dumps([answer.payload for answer in answers]) + logs
    assert not [canary for canary in CANARIES if canary in told]
