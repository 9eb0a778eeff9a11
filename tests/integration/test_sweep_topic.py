"""What a sweep does while the topic refuses messages or hangs."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from foundation.timed_call import CALLS_AT_ONCE
from integration.checking import received, statuses, stored, wait_until
from integration.sweeping import Sweeping, check_without_topic, start_several
from integration.tables import ONE_TRY
from integration.test_pending import refuse_publications
from local_stack.atlas import EmulatedRestore
from local_stack.aws import aws_error
from local_stack.in_process import Clients, clients
from local_stack.stack import LocalStack
from local_stack.wire import Call, Fault
from restore_watch.sweep.act_on_answer import REFUSALS


def in_clusters(stack: LocalStack, group: str, count: int) -> list[EmulatedRestore]:
    """Jobs of a cluster each."""
    return [
        start_several(stack, group, 1, cluster=f"orders-{number}")[0] for number in range(count)
    ]


@pytest.mark.usefixtures("sweeping")
def test_a_change_is_recorded_once_and_not_published_again_and_again_in_the_same_sweep(
    stack: LocalStack, group: str, in_process: Clients
) -> None:
    sweeping = Sweeping(stack, in_process, hot_seconds=10)
    restores = start_several(stack, group, 2)
    sweeping.check(*restores)
    for restore in restores:
        restore.advance()

    with refuse_publications(stack):
        result = sweeping.sweep()

    assert (result["changed"], result["published"]) == (2, 0)
    assert [one["error"] for one in result["failures"]] == ["NotificationPendingError"] * 2
    assert stack.aws.wire.count("sns") == 2
    for restore in restores:
        assert [entry["status"] for entry in stored(stack, restore)["history"]] == [
            "PENDING",
            "QUEUED",
        ]
    after = sweeping.sweep()
    assert (after["changed"], after["published"]) == (0, 2)


@pytest.mark.usefixtures("sweeping")
def test_after_three_refusals_a_sweep_records_without_publishing(
    stack: LocalStack, group: str, in_process: Clients
) -> None:
    sweeping = Sweeping(stack, in_process, hot_seconds=10)
    *first, late = in_clusters(stack, group, REFUSALS + 1)
    sweeping.check(*first, late)
    for restore in first:
        restore.advance()
    told = 0

    def change_late(call: Call, phase: str) -> None:
        nonlocal told
        if phase == "before" and call.path.endswith(late.restore_id):
            told += 1
            if told == 2:
                late.advance()

    with refuse_publications(stack), stack.atlas.wire.listen(change_late):
        result = sweeping.sweep()

    assert (result["changed"], stack.aws.wire.count("sns")) == (REFUSALS + 1, REFUSALS)
    assert stored(stack, late)["status"] == "QUEUED"
    assert sweeping.sweep()["published"] == REFUSALS + 1


@pytest.mark.usefixtures("sweeping")
def test_a_topic_that_hangs_does_not_keep_the_table_from_recording(
    stack: LocalStack, group: str
) -> None:
    by = clients(stack, ONE_TRY)
    sweeping = Sweeping(stack, by)
    restores = in_clusters(stack, group, CALLS_AT_ONCE + 2)
    sweeping.check(*restores)
    for restore in restores:
        restore.advance()

    with stack.aws.wire.hold(operation="Publish") as gate, ThreadPoolExecutor(1) as threads:
        sweep = threads.submit(sweeping.sweep)
        gate.wait_for(CALLS_AT_ONCE)
        wait_until(lambda: all(stored(stack, one)["status"] == "QUEUED" for one in restores))
        gate.open()
        result = sweep.result(timeout=60)

    assert (result["changed"], result["published"]) == (len(restores),) * 2
    by.close()


def test_what_the_topic_refused_the_last_time_comes_last(
    sweeping: Sweeping, stack: LocalStack, group: str
) -> None:
    """Otherwise the oldest messages, refused every time, hold up the others for ever."""
    refused = start_several(stack, group, CALLS_AT_ONCE + 2)
    others = start_several(stack, group, 2)
    for restore in (*refused, *others):
        restore.run_to_end()
        check_without_topic(sweeping, stack, restore)
        sweeping.clock.advance(1)
    ids = [restore.restore_id.encode() for restore in refused]
    denied = Fault(
        action=aws_error("sns", "InvalidParameter"),
        operation="Publish",
        times=None,
        when=lambda call: any(one in call.body for one in ids),
    )

    with stack.aws.wire.inject(denied):
        published = [sweeping.sweep()["published"] for _ in range(2)]

    assert sum(published) == len(others)
    assert statuses(received(stack)) == ["COMPLETED"] * len(others)
