"""How the threads of a sweep share its work, and their connections."""

import pytest

from integration.checking import by_either_credential, received, statuses
from integration.sweeping import HOUR, Sweeping, old_id, start_several
from local_stack.atlas import in_group
from local_stack.in_process import Clients
from local_stack.stack import LocalStack
from local_stack.wire import Call
from restore_watch.threads.workers import THREADS


@pytest.mark.usefixtures("sweeping")
def test_a_project_that_hangs_does_not_hold_up_the_hot_jobs_of_another_one(
    stack: LocalStack, group: str, in_process: Clients
) -> None:
    sweeping = Sweeping(stack, in_process, hot_seconds=0.1)
    slow = [start_several(stack, group, 1, cluster=f"orders-{n}")[0] for n in range(THREADS)]
    sweeping.check(*slow)
    sweeping.clock.advance(HOUR)
    hot = stack.atlas.start_restore(group[::-1], "orders", "flex", restore_id=old_id())
    sweeping.check(hot)
    held: list[int] = []

    def end_it(call: Call, phase: str) -> None:
        if phase == "before" and call.path.endswith(hot.restore_id):
            held.append(len(gate.held))
            if len(held) == 4:
                hot.run_to_end()
                gate.open()

    with (
        stack.atlas.wire.hold(when=in_group(group)) as gate,
        stack.atlas.wire.listen(end_it),
    ):
        result = sweeping.sweep()

    assert (result["checked"], result["changed"]) == (len(slow) + 1, 1)
    assert max(held) <= 0.75 * THREADS
    assert statuses(received(stack)) == ["COMPLETED"]


@pytest.mark.parametrize("jobs", [1, 2], ids=["one job", "a list"])
def test_an_answer_that_there_is_no_time_to_act_on_counts_as_not_reached(
    sweeping: Sweeping, stack: LocalStack, group: str, jobs: int
) -> None:
    restores = start_several(stack, group, jobs)
    sweeping.check(*restores)
    for restore in restores:
        restore.advance()

    def take_all_the_time(_call: Call, phase: str) -> None:
        if phase == "after":
            sweeping.clock.advance(59.5)

    with stack.atlas.wire.listen(take_all_the_time):
        result = sweeping.sweep()

    assert (result["checked"], result["notReached"]) == (0, jobs)
    assert (result["changed"], result["failures"]) == (0, [])
    # The lease runs out by itself.
    assert sweeping.sweep_after(70)["changed"] == jobs


@by_either_credential
def test_sweeps_of_one_job_use_one_connection_and_one_challenge(
    stack: LocalStack, group: str, sweeping: Sweeping
) -> None:
    sweeping.check(*start_several(stack, group, 1))
    calls: list[Call] = []

    for _ in range(6):
        sweeping.sweep()
        calls += [call for call in stack.http_calls() if call.operation == "flex"]

    assert [call.status for call in calls] == [200] * 6
    assert len({call.connection for call in calls}) == 1
