"""A validation, from the invocation to the table and a subscriber; the table on both engines."""

import json
from datetime import timedelta, timezone
from functools import partial
from typing import Any

import pytest
from aws_lambda_powertools import Logger

from foundation.deadline import Deadline
from integration.checking import CHANGED, check, operations, received, statuses, stored, warm_up
from integration.sweeping import Sweeping
from integration.tables import CHECKS_AT_ONCE, NOON, Job, Stored, at_once
from integration.test_pending import refuse_publications
from local_stack.atlas import EmulatedRestore
from local_stack.in_process import Clients, cold_start, no_diagnosis, sweeper_of
from local_stack.stack import LocalStack
from observed_stack import ObservedStack
from restore_watch.application import Application
from restore_watch.errors import NotificationPendingError
from restore_watch.table.stored_fields import RETENTION
from restore_watch.telemetry.telemetry import Telemetry
from restore_watch.threads.workers import Workers

RECORDED = ["UpdateItem", *CHANGED]
"""What recording a validation of a known job calls in AWS: it reads first. Atlas is not asked."""


def validation(restore: EmulatedRestore, verdict: str = "PASSED", **more: Any) -> dict[str, Any]:
    return {"action": "record-validation", **restore.event, "verdict": verdict, **more}


@pytest.fixture
def settled(stack: ObservedStack, group: str) -> EmulatedRestore:
    """A restore that has ended, and whose change is published; the environment is warm."""
    warm_up(stack, group)
    restore = stack.atlas.start_restore(group, "orders", "flex", timeline=["RUNNING", "COMPLETED"])
    check(stack, restore)
    restore.advance()
    check(stack, restore)
    assert statuses(received(stack)) == ["RUNNING", "COMPLETED"]
    assert "openShard" not in stored(stack, restore)
    stack.forget_calls()
    return restore


def test_a_validation_of_a_settled_job_is_kept_published_and_settled_again(
    stack: ObservedStack, settled: EmulatedRestore
) -> None:
    before = stored(stack, settled)
    at = stack.atlas.now().replace(microsecond=0)
    elsewhere = at.astimezone(timezone(timedelta(hours=2)))
    found = {"validatedBy": "drill", "detail": "ok", "validatedAt": elsewhere.isoformat()}
    answer = stack.invoke(validation(settled, **found)).result
    (message,) = received(stack)
    item = stored(stack, settled)

    kept = {"verdict": "PASSED", **found, "validatedAt": f"{at:%Y-%m-%dT%H:%M:%SZ}"}
    job = {name: value for name, value in message.event["data"].items() if name in answer["job"]}
    assert answer == {"job": job, "validation": kept, "changed": True, "sequence": 3}
    assert message.event["id"] == f"{settled.restore_id}:VALIDATION:3"
    assert message.event["data"]["validation"] == item["history"][-1]["validation"] == kept
    assert message.event["time"] == item["history"][-1]["observedAt"] == item["observedAt"]
    assert message.subject == "Atlas restore validation PASSED: orders"
    assert message.attributes == {
        "type": "atlas-restore-watch.validation-recorded.v1",
        "verdict": "PASSED",
        "kind": "flex",
        "groupId": settled.group_id,
        "clusterName": "orders",
    }
    changed = {name for name in item if item[name] != before.get(name)}
    assert changed - {"expiresAt"} == {"history", "sequence", "publishedSequence", "observedAt"}
    assert item.keys() == before.keys()
    assert operations(stack) == RECORDED


def test_a_repeated_validation_changes_and_sends_nothing(
    stack: ObservedStack, settled: EmulatedRestore
) -> None:
    event = validation(settled, "FAILED", detail="2 documents are missing")
    first = stack.invoke(event).result
    before = stored(stack, settled)
    received(stack)
    stack.forget_calls()

    assert stack.invoke(event).result == first | {"changed": False}
    assert operations(stack) == ["UpdateItem"]
    assert stored(stack, settled) == before
    assert received(stack) == []


def test_a_late_retry_by_lambda_does_not_make_an_older_verdict_the_last_one(
    stack: ObservedStack,
    settled: EmulatedRestore,
    in_process: Clients,
    powertools: None,  # noqa: ARG001
) -> None:
    checker = cold_start(stack, in_process)
    telemetry = Telemetry(Logger(service="tested", location=None))
    sweeper = sweeper_of(stack, in_process, checker, telemetry)
    application = Application(checker, sweeper, Workers(), telemetry, no_diagnosis)
    failed = validation(settled, "FAILED", detail="2 documents are missing")

    with refuse_publications(stack), pytest.raises(NotificationPendingError):
        application.answer(failed, Deadline.after(20), "first")
    application.answer(validation(settled), Deadline.after(20), "second")
    retried = application.answer(failed, Deadline.after(20), "first")

    assert (retried["changed"], retried["sequence"]) == (False, 3)
    kept = stored(stack, settled)["history"][2:]
    assert [one["validation"]["verdict"] for one in kept] == ["FAILED", "PASSED"]
    assert [one.event["data"]["validation"]["verdict"] for one in received(stack)] == [
        "FAILED",
        "PASSED",
    ]


def test_the_request_id_of_lambda_is_stored_and_not_told(
    stack: ObservedStack, settled: EmulatedRestore
) -> None:
    stack.logs()
    answer = stack.invoke(validation(settled)).result
    lines = [json.loads(line) for line in stack.logs().splitlines() if line.startswith("{")]
    (log,) = [line for line in lines if line.get("message") == "validated"]
    (message,) = received(stack)

    request_id = stored(stack, settled)["history"][-1]["requestId"]
    assert request_id == log["function_request_id"]
    assert request_id not in json.dumps([answer, message.event, message.attributes])


def test_an_unchanged_check_after_a_validation_is_as_before(
    stack: ObservedStack, settled: EmulatedRestore
) -> None:
    stack.invoke(validation(settled))
    stack.forget_calls()
    received(stack)
    result = check(stack, settled).result

    assert (result["changed"], result["previousStatus"], result["sequence"]) == (
        False,
        "COMPLETED",
        3,
    )
    assert [call.service for call in stack.http_calls()] == ["atlas", "dynamodb"]
    assert received(stack) == []


def test_a_validation_between_two_changes_is_not_a_previous_status(
    stack: ObservedStack, group: str
) -> None:
    restore = stack.atlas.start_restore(group, "orders", "flex", timeline=["RUNNING", "COMPLETED"])
    check(stack, restore)
    assert stack.invoke(validation(restore, "FAILED")).result["job"]["status"] == "RUNNING"
    restore.advance()
    check(stack, restore)
    first, between, last = (message.event["data"] for message in received(stack))

    assert [one["sequence"] for one in (first, between, last)] == [1, 2, 3]
    assert (last["status"], last["previousStatus"]) == ("COMPLETED", "RUNNING")
    assert (first["previousStatus"], "previousStatus" in between) == (None, False)


def test_a_validation_of_an_unknown_job_fails_as_its_check_does(
    stack: ObservedStack, group: str
) -> None:
    restore = stack.atlas.start_restore(group, "orders", "flex", restore_id="5f" + 22 * "0")
    nobody = validation(restore) | {"restoreId": "5f" + 21 * "0" + "1"}

    assert stack.invoke(nobody).error_type == "RestoreJobNotFoundError"
    assert stack.items() == []
    assert received(stack) == []


def test_a_validation_that_is_refused_by_sns_is_published_by_the_next_sweep(
    stack: ObservedStack, settled: EmulatedRestore, sweeping: Sweeping
) -> None:
    with refuse_publications(stack):
        assert stack.invoke(validation(settled)).error_type == "NotificationPendingError"
    pending = stored(stack, settled)
    assert "openShard" in pending
    assert "expiresAt" not in pending

    swept = sweeping.sweep()
    assert (swept["published"], swept["failures"]) == (1, [])
    assert [call for call in stack.atlas.wire.calls if settled.restore_id in call.path] == []
    (message,) = received(stack)
    assert message.event["id"] == f"{settled.restore_id}:VALIDATION:3"
    assert stored(stack, settled).keys() == pending.keys() - {"openShard"} | {"expiresAt"}


def test_a_wrong_validation_is_refused_before_any_call(stack: LocalStack, group: str) -> None:
    restore = stack.atlas.start_restore(group, "orders", "flex")
    refused = stack.invoke(validation(restore, "GOOD"))
    in_detail = {
        "detail-type": "Atlas Restore Watch Requested",
        "source": "tests",
        "detail": validation(restore),
    }

    assert refused.error_type == "InvalidEventError"
    assert refused.payload["errorMessage"].startswith("verdict: ")
    assert stack.invoke(in_detail).payload["errorMessage"].startswith("detail.action: ")
    assert stack.http_calls() == []


def test_a_validation_is_logged_and_counted_without_its_texts(
    stack: ObservedStack, settled: EmulatedRestore
) -> None:
    stack.logs()
    stack.invoke(validation(settled, "FAILED", validatedBy="drill-7", detail="two are missing"))
    lines = [json.loads(line) for line in stack.logs().splitlines() if line.startswith("{")]
    (log,) = [line for line in lines if line.get("message") == "validated"]
    metrics = [line for line in lines if "_aws" in line]

    assert (log["verdict"], log["sequence"], log["changed"], log["published"]) == (
        "FAILED",
        3,
        True,
        1,
    )
    assert log["restore_id"] == settled.restore_id
    assert not [line for line in metrics if "StatusChanges" in line]
    assert "drill-7" not in str(lines)
    assert "two are missing" not in str(lines)


# --- the table, in moto and in DynamoDB Local


def test_a_validation_is_appended_only_to_the_item_as_it_was_read(stored: Stored, job: Job) -> None:
    done = job("COMPLETED")
    recorded = stored.record(done)
    stored.acknowledge(recorded)

    first = stored.validate(recorded, "a", minute=1)
    late = stored.validate(recorded, "b", minute=2)

    assert first is not None
    assert late is not None
    assert (first.written, late.written) == (first.history[1], None)
    assert late.history == first.history
    item = stored.item(done)
    assert (item["sequence"], item["publishedSequence"]) == (2, 1)
    assert item["status"] == "COMPLETED"
    assert "expiresAt" not in item
    (indexed,) = stored.open_jobs(done)
    assert (indexed["sequence"]["N"], indexed["publishedSequence"]["N"]) == ("2", "1")
    assert indexed["observedAt"]["S"] == "2026-05-04T12:01:00.000000Z"

    stored.acknowledge(first)
    item = stored.item(done)
    assert item["expiresAt"] == int((NOON + timedelta(minutes=1) + RETENTION).timestamp())
    assert stored.open_jobs(done) == []


def test_a_validation_is_not_appended_to_an_item_that_was_deleted_or_recorded_anew(
    stored: Stored, job: Job
) -> None:
    done = job("COMPLETED")
    recorded = stored.record(done)
    stored.delete(done)
    assert stored.validate(recorded, "a") is None
    assert stored.find(done) is None

    stored.record(done, minute=1)
    anew = stored.validate(recorded, "a")
    assert anew is not None
    assert (anew.written, len(anew.history)) == (None, 1)


def test_a_ready_download_stays_open_after_its_validation_is_published(
    stored: Stored, job: Job
) -> None:
    ready = job("COMPLETED", delivery_type="DOWNLOAD")
    recorded = stored.record(ready)
    stored.acknowledge(recorded)
    appended = stored.validate(recorded, "a", minute=1)
    assert appended is not None
    assert "expiresAt" not in stored.item(ready)

    stored.acknowledge(appended)

    item = stored.item(ready)
    assert item["publishedSequence"] == item["sequence"] == 2
    assert {"openShard", "expiresAt"} <= item.keys()

    expired = stored.record(job("EXPIRED", delivery_type="DOWNLOAD"), minute=2)
    assert expired.change is not None
    assert (expired.change.sequence, expired.change.previous_status) == (3, "COMPLETED")


def test_one_of_many_validations_at_once_is_appended(stored: Stored, job: Job) -> None:
    recorded = stored.record(job("COMPLETED"))
    results = at_once(
        [partial(stored.validate, recorded, f"{n}", minute=n) for n in range(CHECKS_AT_ONCE)]
    )

    assert sum(one is not None and one.written is not None for one in results) == 1
    assert stored.item(job("COMPLETED"))["sequence"] == 2
