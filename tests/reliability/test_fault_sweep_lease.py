"""Sweeps that overlap: F65 and F80."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pytest

from local_stack.runtime import RuntimePool
from local_stack.wire import Call, Gate, Phase
from reliability.campaign import PLENTY, Campaign, Stored
from reliability.steps import ATLAS, RECORD
from reliability.sweeping import (
    LEASE_IS_OVER,
    LEAVE,
    SKIPPED,
    TAKE,
    Sweeps,
    changed_job,
    is_swept_once,
    missing_job,
)
from restore_watch.model.status_change import utc_text
from restore_watch.table.lease import PATIENCE

pytestmark = pytest.mark.timeout(60)
cases = pytest.mark.parametrize


@contextmanager
def slow_sweep(
    sweeps: Sweeps, tick: datetime | None = None, seconds: float = PLENTY
) -> Iterator[tuple[Gate, Any]]:
    """Within the block, a sweep waits for Atlas's first answer, unless the gate is opened."""
    campaign = sweeps.campaign
    slow = sweeps.environment(campaign.hasty)
    with (
        ThreadPoolExecutor(1) as thread,
        campaign.hold(ATLAS, "after", when=campaign.hasty.made) as gate,
    ):
        result = thread.submit(sweeps.sweep, slow, tick, seconds)
        gate.wait_for(1)
        yield gate, result


@pytest.mark.fault("F65")
@cases("others", [1, 2])
def test_only_one_of_several_sweeps_works(campaign: Campaign, sweeps: Sweeps, others: int) -> None:
    job = campaign.job(timeline=["RUNNING", "COMPLETED"])
    campaign.check(job)
    job.advance()
    with slow_sweep(sweeps, seconds=60) as (gate, first):
        for _ in range(others):
            assert sweeps.sweep(sweeps.environment(campaign.patient)) == SKIPPED
        assert sum(campaign.naps) == others * PATIENCE
        gate.open()
        assert (first.result()["checked"], first.result()["changed"]) == (1, 1)
    assert len(sweeps.questions()) == 2  # one is the check by name
    assert campaign.stored(job) == Stored("COMPLETED", 2, 2)
    assert campaign.published(job) == ["RUNNING", "COMPLETED"]

    assert sweeps.sweep()["open"] == 0


@pytest.mark.fault("F65")
def test_a_sweep_works_when_the_one_before_it_ends_within_its_patience(
    campaign: Campaign, sweeps: Sweeps
) -> None:
    job = campaign.job()
    campaign.check(job)
    second = sweeps.environment(campaign.patient)
    with slow_sweep(sweeps) as (gate, first):

        def end_first(call: Call, _: Phase) -> None:
            if campaign.naps and campaign.patient.made(call) and not first.done():
                gate.open()
                first.result()

        with campaign.aws.wire.listen(end_first):
            assert sweeps.sweep(second)["checked"] == 1
    assert len(campaign.naps) == 1
    assert "owner" not in sweeps.lease
    assert campaign.published(job) == ["PENDING"]


@pytest.mark.fault("F65", "F84")
def test_a_tick_that_is_delivered_twice_at_once_is_swept_once(
    campaign: Campaign, sweeps: Sweeps
) -> None:
    job = changed_job(campaign)
    tick = campaign.clock()
    environments = [sweeps.environment(by) for by in (campaign.hasty, campaign.patient)]
    with ThreadPoolExecutor(2) as threads, campaign.hold(TAKE) as gate:
        running = [threads.submit(sweeps.sweep, one, tick) for one in environments]
        gate.wait_for(2)
        gate.open()
        results = [one.result() for one in running]

    assert is_swept_once(campaign, sweeps, job, results)
    assert campaign.naps == []


@pytest.mark.fault("F65", "F84")
def test_a_tick_delivered_twice_at_once_is_swept_once_in_the_real_runtime(
    campaign: Campaign, sweeps: Sweeps
) -> None:
    job = changed_job(campaign)
    tick = campaign.stack.function.scheduled_event(campaign.clock())
    environment = campaign.stack.pool.runtimes[0].environment
    with (
        RuntimePool(2, environment) as pool,
        ThreadPoolExecutor(2) as threads,
        campaign.hold(TAKE) as gate,
    ):
        running = [threads.submit(pool.invoke, tick) for _ in range(2)]
        gate.wait_for(2)
        gate.open()
        results = [one.result().result for one in running]

    assert is_swept_once(campaign, sweeps, job, results)


@pytest.mark.fault("F80")
def test_a_sweep_that_outlives_its_lease_does_not_give_back_the_lease_of_its_successor(
    campaign: Campaign, sweeps: Sweeps
) -> None:
    job = campaign.job(timeline=["RUNNING", "COMPLETED"])
    campaign.check(job)
    successor = sweeps.environment(campaign.patient)
    with slow_sweep(sweeps, campaign.clock()) as (gate, slow):
        campaign.pass_time(LEASE_IS_OVER)
        job.advance()
        tick = campaign.clock()
        with (
            ThreadPoolExecutor(1) as thread,
            campaign.hold(ATLAS, when=campaign.patient.made) as second_gate,
        ):
            newer = thread.submit(sweeps.sweep, successor, tick)
            second_gate.wait_for(1)
            held = sweeps.lease
            gate.open()
            # It has what Atlas said before the end of the job.
            assert (slow.result()["checked"], slow.result()["changed"]) == (1, 0)
            assert sweeps.lease == held
            assert sweeps.sweep(sweeps.environment(campaign.hasty)) == SKIPPED
            second_gate.open()
            assert newer.result()["changed"] == 1
    lease = {"cluster": "sweeps", "restoreId": "lease", "lastTick": utc_text(tick)}
    assert sweeps.lease.items() >= lease.items()
    assert sweeps.lease.keys() - lease.keys() == {"succeededAt"}
    assert campaign.stored(job) == Stored("COMPLETED", 2, 2)
    assert campaign.published(job) == ["RUNNING", "COMPLETED"]


@pytest.mark.fault("F80", "F8")
def test_a_sweep_that_outlives_its_lease_does_not_bring_back_an_older_status(
    campaign: Campaign, sweeps: Sweeps
) -> None:
    job = campaign.job(timeline=["PENDING", "RUNNING", "COMPLETED"])
    campaign.check(job)
    job.advance()
    slow, successor = sweeps.environment(campaign.hasty), sweeps.environment(campaign.patient)
    with (
        ThreadPoolExecutor(1) as thread,
        campaign.hold(RECORD, when=campaign.hasty.made) as gate,
    ):
        late = thread.submit(sweeps.sweep, slow)
        gate.wait_for(1)
        campaign.pass_time(LEASE_IS_OVER)
        job.advance()
        assert sweeps.sweep(successor)["changed"] == 1
        gate.open()
        assert (late.result()["changed"], late.result()["failures"]) == (0, [])

    assert campaign.stored(job) == Stored("COMPLETED", 2, 2)
    assert campaign.published(job) == ["PENDING", "COMPLETED"]
    assert sweeps.sweep()["open"] == 0


@pytest.mark.fault("F80", "F84")
def test_a_lease_that_is_taken_late_does_not_move_the_last_tick_back(
    campaign: Campaign, sweeps: Sweeps
) -> None:
    job, older = campaign.job(), campaign.clock()
    campaign.check(job)
    campaign.stack.forget_calls()
    slow, successor = sweeps.environment(campaign.hasty), sweeps.environment(campaign.patient)
    with ThreadPoolExecutor(1) as thread, campaign.hold(TAKE, when=campaign.hasty.made) as gate:
        late = thread.submit(sweeps.sweep, slow, older)
        gate.wait_for(1)
        campaign.pass_time(60)
        newer = campaign.clock()
        assert sweeps.sweep(successor, newer)["checked"] == 1
        gate.open()
        assert late.result() == SKIPPED

    assert sweeps.lease["lastTick"] == utc_text(newer)
    assert len(sweeps.questions()) == 1


@pytest.mark.fault("F80", "F83")
def test_a_sweep_that_outlives_its_lease_does_not_drop_a_job_that_was_found_again(
    campaign: Campaign, sweeps: Sweeps
) -> None:
    job = missing_job(campaign, sweeps)
    slow, successor = sweeps.environment(campaign.hasty), sweeps.environment(campaign.patient)
    for _ in range(2):
        campaign.pass_time(23 * 3600 / 2)
        sweeps.sweep(slow)
    campaign.pass_time(3600)
    with ThreadPoolExecutor(1) as thread, campaign.hold(LEAVE, when=campaign.hasty.made) as gate:
        late = thread.submit(sweeps.sweep, slow)
        gate.wait_for(1)
        campaign.pass_time(LEASE_IS_OVER)
        campaign.atlas.show_restore(job)
        assert sweeps.sweep(successor)["failures"] == []
        gate.open()
        late.result()

    job.advance()
    assert sweeps.sweep()["changed"] == 1
    assert campaign.published(job) == ["RUNNING", "COMPLETED"]
