"""The answers that a sweep owes to workflows, beside the messages that are pending."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from foundation.timed_call import CALLS_AT_ONCE
from integration.checking import received, statuses, stored, wait_until
from integration.sweeping import Sweeping, check_without_topic, old_id
from integration.test_pending import refuse_publications
from integration.waits import SUCCESS, answers, register, store_wait
from local_stack.atlas import EmulatedRestore
from local_stack.aws import aws_error
from local_stack.in_process import Clients
from local_stack.stack import LocalStack, Received
from local_stack.wire import Fault
from restore_watch.model.restore_job import RestoreStatus
from restore_watch.sweep.act_on_answer import REFUSALS
from restore_watch.threads.workers import THREADS


def started(
    sweeping: Sweeping, stack: LocalStack, group: str, cluster: str = "orders"
) -> EmulatedRestore:
    restore = stack.atlas.start_restore(group, cluster, "flex", restore_id=old_id())
    sweeping.check(restore)
    return restore


def unpublished(sweeping: Sweeping, stack: LocalStack, group: str) -> None:
    """A job that has ended, and its message is pending."""
    restore = stack.atlas.start_restore(
        group, "orders", "flex", restore_id=old_id(), timeline=["COMPLETED"]
    )
    check_without_topic(sweeping, stack, restore)


def owe_an_answer(sweeping: Sweeping, restore: EmulatedRestore) -> None:
    """A workflow is due its answer at once, and a sweep has to send it."""
    store_wait(sweeping, restore, RestoreStatus.PENDING)


@pytest.mark.fault("W11")
def test_a_message_does_not_wait_while_step_functions_hangs(
    sweeping: Sweeping, stack: LocalStack, group: str
) -> None:
    """Otherwise older jobs would hold it up in every sweep, because they come first."""
    for _ in range(CALLS_AT_ONCE + 1):
        owe_an_answer(sweeping, started(sweeping, stack, group))
    sweeping.pass_time(60)
    unpublished(sweeping, stack, group)

    with (
        stack.aws.wire.hold(when=lambda call: call.service == "states") as gate,
        ThreadPoolExecutor(1) as threads,
    ):
        sweep = threads.submit(sweeping.sweep)
        wait_until(lambda: len(gate.held) == CALLS_AT_ONCE)
        while_they_hang = statuses(received(stack))
        gate.open()
        sweep.result()

    assert while_they_hang == ["COMPLETED"]


@pytest.mark.fault("W11")
@pytest.mark.campaign  # it lasts as long as answers may take
def test_a_sweep_goes_on_while_step_functions_hangs(
    sweeping: Sweeping, stack: LocalStack, group: str
) -> None:
    """More restores than a sweep has threads end at once, and workflows wait for each."""
    restores = [started(sweeping, stack, group, f"orders-{n}") for n in range(THREADS + 1)]
    for restore in restores:
        for _ in range(4):
            register(sweeping, restore)
        restore.run_to_end()
    ended: list[Received] = []

    def all_are_published() -> bool:
        ended.extend(received(stack))
        return len(ended) == len(restores)

    with (
        stack.aws.wire.hold(when=lambda call: call.service == "states") as gate,
        ThreadPoolExecutor(1) as threads,
    ):
        sweep = threads.submit(sweeping.sweep)
        try:
            wait_until(all_are_published, 30)
        finally:
            gate.open()
            sweep.result()


@pytest.mark.fault("W11")
def test_an_answer_does_not_wait_for_a_topic_that_refuses(
    sweeping: Sweeping, stack: LocalStack, group: str, in_process: Clients
) -> None:
    for _ in range(CALLS_AT_ONCE + REFUSALS):
        unpublished(sweeping, stack, group)
    sweeping.pass_time(60)
    owe_an_answer(sweeping, started(sweeping, stack, group))

    with refuse_publications(stack):
        Sweeping(stack, in_process, clock=sweeping.clock).sweep()

    assert answers(stack) == [SUCCESS]


@pytest.mark.fault("W3")
def test_since_when_an_answer_is_due_does_not_move_with_each_sweep(
    sweeping: Sweeping, stack: LocalStack, group: str
) -> None:
    restore = started(sweeping, stack, group)
    owe_an_answer(sweeping, restore)
    since = stored(stack, restore)["unansweredSince"]
    down = aws_error("states", "ServiceUnavailable", status=503)

    with stack.aws.wire.inject(Fault(action=down, operation="SendTaskSuccess", times=None)):
        sweeping.sweep_after(60)
        assert answers(stack)

    assert stored(stack, restore)["unansweredSince"] == since
