"""Workflows that wait for a job, while AWS is slow, refuses, or does two things at once."""

import time

import pytest

from foundation.deadline import Deadline
from integration.checking import check, operations, stored, warm_up
from integration.sweeping import Sweeping
from integration.waits import SUCCESS, acknowledges, answers, register, store_wait, target_of
from local_stack.atlas import EmulatedRestore
from local_stack.aws import aws_error
from local_stack.faults import Hang
from local_stack.in_process import Clients
from local_stack.wire import Call, Fault, Phase
from observed_stack import ObservedStack
from restore_watch.errors import TableUnavailableError
from restore_watch.model.wait import WAITS_LIMIT


@pytest.fixture
def restore(stack: ObservedStack, group: str) -> EmulatedRestore:
    timeline = ["PENDING", "RUNNING", "COMPLETED"]
    return stack.atlas.start_restore(group, "orders", "flex", timeline=timeline)


@pytest.mark.fault("W5")
def test_a_workflow_that_comes_while_another_is_served_is_not_forgotten(
    sweeping: Sweeping, stack: ObservedStack, restore: EmulatedRestore, in_process: Clients
) -> None:
    """It is due an answer at once, and its registration ends right after the write."""
    sweeping.check(restore)
    another = Sweeping(stack, in_process, clock=sweeping.clock)
    came: list[Call] = []

    def come(call: Call, phase: Phase) -> None:
        if phase == "before" and acknowledges(call) and not came:
            came.append(call)
            store_wait(another, restore, "PENDING")

    with stack.aws.wire.listen(come):
        register(sweeping, restore)
    assert len(came) == 1
    assert answers(stack) == []

    sweeping.sweep()

    assert answers(stack) == [SUCCESS]
    assert len(stored(stack, restore)["waiting"]) == 1
    sweeping.sweep()
    assert answers(stack) == []


@pytest.mark.fault("W11")
def test_what_is_published_is_noted_while_step_functions_hangs(
    sweeping: Sweeping, stack: ObservedStack, restore: EmulatedRestore
) -> None:
    """Otherwise every sweep would publish it again, as long as workflows wait."""
    sweeping.check(restore)
    for _ in range(3):
        register(sweeping, restore)
    restore.run_to_end()
    hangs = Fault(action=Hang(6), when=lambda call: call.service == "states", times=None)
    with stack.aws.wire.inject(hangs):
        result = sweeping.checker.check(target_of(restore), Deadline.after(4))
        assert answers(stack)

    item = stored(stack, restore)
    assert (result.job.status, len(result.published)) == ("COMPLETED", 1)
    assert item["publishedSequence"] == item["sequence"] == 2
    # Calls that hang end after the check, and must not count as calls of the next test.
    time.sleep(3)
    assert "unansweredSince" in item
    sweeping.sweep()
    assert answers(stack) == [SUCCESS] * 3
    assert "waiting" not in stored(stack, restore)


@pytest.mark.fault("W12")
def test_a_registration_succeeds_once_the_wait_is_stored(
    stack: ObservedStack, restore: EmulatedRestore
) -> None:
    """A workflow whose state fails would not get the answer that a sweep sends it."""
    check(stack, restore)
    down = aws_error("dynamodb", "InternalServerError", status=500)
    fault = Fault(action=down, operation="UpdateItem", when=acknowledges, times=None)
    with stack.aws.wire.inject(fault) as injected:
        token = "canary-task-token"
        registered = stack.invoke(restore.event | {"taskToken": token, "waitUntil": "RUNNING"})

    assert injected.hits > 0
    assert registered.result["status"] == "PENDING"
    restore.run_to_end()
    stack.tick()
    assert [call.operation for call in stack.http_calls()].count("SendTaskSuccess") == 1


def test_a_check_of_a_job_that_is_waited_for_writes_nothing_if_nothing_is_new(
    stack: ObservedStack, group: str, restore: EmulatedRestore
) -> None:
    warm_up(stack, group)
    check(stack, restore, "flex")
    stack.invoke(restore.event | {"taskToken": "canary-task-token"}).result  # noqa: B018
    stack.forget_calls()

    check(stack, restore, "flex")

    assert operations(stack) == ["flex", "UpdateItem"]


@pytest.mark.fault("W12")
def test_a_job_that_is_deleted_while_a_workflow_is_registered_is_registered_by_the_next_try(
    sweeping: Sweeping, stack: ObservedStack, restore: EmulatedRestore
) -> None:
    waits: list[Call] = []

    def delete(call: Call, phase: Phase) -> None:
        if phase == "before" and b"ADD #waiting" in call.body:
            waits.append(call)
            key = {
                "cluster": {"S": f"{restore.group_id}/{restore.cluster}"},
                "restoreId": {"S": restore.restore_id},
            }
            stack.aws.client("dynamodb").delete_item(TableName=stack.table_name, Key=key)

    with stack.aws.wire.listen(delete), pytest.raises(TableUnavailableError, match="deleted"):
        register(sweeping, restore)
    assert len(waits) == 2

    assert register(sweeping, restore).job.status == "PENDING"


@pytest.mark.fault("W7")
def test_a_workflow_finds_room_where_the_others_only_have_to_be_answered(
    sweeping: Sweeping, stack: ObservedStack, restore: EmulatedRestore
) -> None:
    """The restore has ended, so nobody waits any more."""
    restore.run_to_end()
    sweeping.check(restore)
    for _ in range(WAITS_LIMIT):
        store_wait(sweeping, restore)
    stack.forget_calls()

    registered = register(sweeping, restore)

    assert registered.job.status == "COMPLETED"
    assert answers(stack) == [SUCCESS] * (WAITS_LIMIT + 1)
    assert "waiting" not in stored(stack, restore)
