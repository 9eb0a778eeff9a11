"""What workflows are told that wait for a job which leaves the index."""

import pytest

from integration.checking import stored
from integration.sweeping import DAY, HOUR, Sweeping, hidden, is_open, old_id
from integration.test_pending import refuse_publications
from integration.test_sweep_gone import miss_for_a_day
from integration.waits import NOT_FOLLOWED, SUCCESS, answers, register, target_of
from local_stack.atlas import EmulatedRestore
from local_stack.aws import aws_error
from local_stack.in_process import Clients
from local_stack.stack import LocalStack
from local_stack.wire import Call, Fault, Injected, Phase


def told_after_a_quarter(sweeping: Sweeping, stack: LocalStack) -> list[tuple[str, str | None]]:
    """What workflows are told while an environment misses the job for a quarter of an hour."""
    told = []
    for _ in range(4):
        sweeping.sweep_after(300)
        told += answers(stack)
    return told


@pytest.mark.fault("W9")
def test_a_workflow_is_told_when_its_restore_is_not_followed_any_more(
    sweeping: Sweeping, stack: LocalStack, group: str
) -> None:
    restore = hidden(sweeping, stack, group)
    register(sweeping, restore)

    miss_for_a_day(sweeping)
    told = told_after_a_quarter(sweeping, stack)

    assert told == [NOT_FOLLOWED]
    assert not is_open(stack, restore)
    assert "waiting" not in stored(stack, restore)


@pytest.mark.fault("W9")
def test_no_workflow_is_told_so_of_a_restore_that_a_check_finds_meanwhile(
    sweeping: Sweeping, stack: LocalStack, group: str, in_process: Clients
) -> None:
    restore = hidden(sweeping, stack, group)
    register(sweeping, restore)
    miss_for_a_day(sweeping)
    another = Sweeping(stack, in_process, clock=sweeping.clock)
    found: list[Call] = []

    def find(call: Call, phase: Phase) -> None:
        if phase == "before" and b"REMOVE #openShard" in call.body and not found:
            found.append(call)
            stack.atlas.show_restore(restore)
            another.checker.check(target_of(restore), another.deadline())

    with stack.aws.wire.listen(find):
        told = told_after_a_quarter(sweeping, stack)

    assert len(found) == 1
    assert told == []
    assert is_open(stack, restore)
    assert len(stored(stack, restore)["waiting"]) == 1


@pytest.mark.fault("W9")
def test_no_workflow_is_told_so_before_the_last_change_is_published(
    sweeping: Sweeping, stack: LocalStack, group: str
) -> None:
    timeline = ["PENDING", "RUNNING", "COMPLETED"]
    restore = stack.atlas.start_restore(
        group, "orders", "flex", restore_id=old_id(), timeline=timeline
    )
    sweeping.check(restore)
    register(sweeping, restore)
    restore.advance()
    with refuse_publications(stack):
        sweeping.sweep()
        stack.atlas.hide_restore(restore)
        miss_for_a_day(sweeping)
        assert told_after_a_quarter(sweeping, stack) == []
    assert is_open(stack, restore)

    assert told_after_a_quarter(sweeping, stack) == [NOT_FOLLOWED]
    assert not is_open(stack, restore)


def ready(stack: LocalStack, group: str) -> EmulatedRestore:
    return stack.atlas.start_restore(
        group,
        "orders",
        "dedicated",
        delivery_type="download",
        timeline=["running", "download-ready"],
    )


@pytest.mark.fault("W9")
def test_a_workflow_that_is_due_a_success_gets_it_after_the_link_has_expired(
    sweeping: Sweeping, stack: LocalStack, group: str
) -> None:
    """Step Functions does not take the answer until the job leaves the index."""
    restore = ready(stack, group)
    sweeping.check(restore, kind="dedicated")
    register(sweeping, restore)
    restore.run_to_end()
    down = aws_error("states", "ServiceUnavailable", status=503)
    with stack.aws.wire.inject(Fault(action=down, operation="SendTaskSuccess", times=None)):
        sweeping.sweep()
        sweeping.sweep_after(2.2 * HOUR)
        assert set(answers(stack)) == {SUCCESS}
    assert is_open(stack, restore)

    sweeping.sweep_after(HOUR)

    assert answers(stack) == [SUCCESS]
    assert not is_open(stack, restore)


def is_refused(stack: LocalStack, code: str) -> Injected:
    """A context in which Step Functions refuses every answer."""
    refused = aws_error("states", code)
    return stack.aws.wire.inject(
        Fault(action=refused, when=lambda call: call.service == "states", times=None)
    )


@pytest.mark.fault("F96")
def test_a_forgotten_job_leaves_the_index_although_a_token_is_denied_for_good(
    sweeping: Sweeping, stack: LocalStack, group: str
) -> None:
    restore = hidden(sweeping, stack, group)
    register(sweeping, restore)
    miss_for_a_day(sweeping)

    with is_refused(stack, "AccessDeniedException"):
        for days in (0, 6.9):
            sweeping.pass_time(days * DAY)
            assert set(told_after_a_quarter(sweeping, stack)) == {NOT_FOLLOWED}
            assert is_open(stack, restore)
        sweeping.sweep_after(0.1 * DAY)
        told_after_a_quarter(sweeping, stack)

    assert not is_open(stack, restore)
    assert "waiting" not in stored(stack, restore)


@pytest.mark.fault("F96")
def test_a_download_whose_link_is_gone_leaves_the_index_although_a_token_is_denied_for_good(
    sweeping: Sweeping, stack: LocalStack, group: str
) -> None:
    restore = ready(stack, group)
    restore.run_to_end()
    sweeping.check(restore, kind="dedicated")
    register(sweeping, restore, "EXPIRED")

    with is_refused(stack, "AccessDeniedException"):
        sweeping.sweep_after(7.9 * DAY)
        assert is_open(stack, restore)
        sweeping.sweep_after(0.3 * DAY)

    assert not is_open(stack, restore)
