"""How these tests check a job, and the results that they expect."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from local_stack.atlas import EmulatedRestore, Kind
from local_stack.aws import aws_error
from local_stack.runtime import Invocation
from local_stack.stack import LocalStack, Received
from local_stack.wire import Fault, Injected
from observed_stack import ObservedStack

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "events" / "restore-status-changed.schema.json").read_text())
OF_VALIDATIONS = json.loads((ROOT / "events" / "validation-recorded.schema.json").read_text())

LONG_AGO = "6948d5f2a07c3be41f9d6280"
"""A job of last year: if Atlas does not know it, it is not too new to be known."""

CHANGED = ["UpdateItem", "Publish", "UpdateItem"]
UNCHANGED = ["UpdateItem"]
"""What a check calls in AWS after Atlas has answered."""

by_either_credential = pytest.mark.usefixtures("credentials")
"""Runs a test with the service account, and again with the API key."""

_validators = {
    schema["properties"]["type"]["const"]: Draft202012Validator(
        schema, format_checker=Draft202012Validator.FORMAT_CHECKER
    )
    for schema in (SCHEMA, OF_VALIDATIONS)
}


def target(restore: EmulatedRestore, kind: str | None = None, **more: Any) -> dict[str, Any]:
    """The event that asks for a restore."""
    return restore.event | ({"kind": kind} if kind else {}) | more


def check(
    stack: LocalStack, restore: EmulatedRestore, kind: str | None = None, **more: Any
) -> Invocation:
    return stack.invoke(target(restore, kind, **more))


def item_of(stack: LocalStack, restore: EmulatedRestore) -> dict[str, Any] | None:
    return stack.item(restore.group_id, restore.cluster, restore.restore_id)


def stored(stack: LocalStack, restore: EmulatedRestore) -> dict[str, Any]:
    item = item_of(stack, restore)
    assert item is not None
    return item


def operations(stack: LocalStack) -> list[str]:
    """The operations that the function called since the calls were last forgotten, in order."""
    return [call.operation for call in stack.http_calls()]


def received(stack: LocalStack) -> list[Received]:
    """New messages about jobs, each of which fits the published schema of its type."""
    messages = stack.received()
    for message in messages:
        _validators[message.event["type"]].validate(message.event)
    return messages


def warm_up(stack: ObservedStack, group: str) -> None:
    """Make the environment warm: it checks another job, unless it has checked one already."""
    if not stack.is_warm:
        check(stack, stack.atlas.start_restore(group, "other", "flex"), "flex")
        stack.received()
    assert stack.is_warm
    stack.forget_calls()


def refuse_publications(stack: LocalStack) -> Injected:
    """A context in which SNS refuses every message."""
    denied = aws_error("sns", "AuthorizationError", status=403)
    return stack.aws.wire.inject(Fault(action=denied, operation="Publish", times=None))


def wait_until(holds: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.005)


def statuses(messages: list[Received]) -> list[str]:
    return [message.event["data"]["status"] for message in messages]


def expected_job(restore: EmulatedRestore, kind: Kind, status: str) -> dict[str, Any]:
    """The job in the words of the contract, from what Atlas answers."""
    answer = restore.body(kind)
    ends = {"COMPLETED": True, "FAILED": False, "CANCELLED": False, "EXPIRED": False}
    if kind == "dedicated":
        created = datetime.fromtimestamp(int(restore.restore_id[:8], 16), UTC)
        job = {
            "atlasStatus": None,
            "snapshotFinishedDate": answer["timestamp"],
            "restoreScheduledDate": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "restoreFinishedDate": answer.get("finishedAt"),
            "expirationDate": answer.get("expiresAt"),
            "targetProjectId": answer.get("targetGroupId"),
            "targetDeploymentItemName": answer.get("targetClusterName"),
            "downloadAvailable": bool(answer.get("deliveryUrl")) and status == "COMPLETED",
        }
    elif kind == "collection":
        job = {
            "atlasStatus": answer["state"],
            "snapshotFinishedDate": None,
            "restoreScheduledDate": answer["createdAt"],
            "restoreFinishedDate": answer.get("finishedAt"),
            "expirationDate": None,
            "targetProjectId": answer["targetGroupId"],
            "targetDeploymentItemName": answer["targetClusterName"],
            "downloadAvailable": False,
        }
    else:
        job = {
            "atlasStatus": answer["status"],
            "snapshotFinishedDate": answer["snapshotFinishedDate"],
            "restoreScheduledDate": answer["restoreScheduledDate"],
            "restoreFinishedDate": answer.get("restoreFinishedDate"),
            "expirationDate": answer["expirationDate"],
            "targetProjectId": answer["targetProjectId"],
            "targetDeploymentItemName": answer["targetDeploymentItemName"],
            "downloadAvailable": "snapshotUrl" in answer,
        }
    return job | {
        "groupId": restore.group_id,
        "clusterName": restore.cluster,
        "restoreId": restore.restore_id,
        "kind": kind,
        "deliveryType": answer.get("deliveryType"),
        "status": status,
        "snapshotId": answer["snapshotId"],
        "terminal": status in ends,
        "succeeded": ends.get(status),
        "durationSeconds": _between(job["restoreScheduledDate"], job["restoreFinishedDate"]),
        "snapshotAgeSeconds": _between(job["snapshotFinishedDate"], job["restoreScheduledDate"]),
    }


def _between(start: str | None, end: str | None) -> int | None:
    if start is None or end is None:
        return None
    seconds = datetime.fromisoformat(end) - datetime.fromisoformat(start)
    return int(seconds.total_seconds())
