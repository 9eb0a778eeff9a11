"""What sweeps remember of projects only moves forward: F80 and F82."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from integration.watching import RECOVERY
from local_stack.wire import Answer, Gate, Selection
from reliability.campaign import Campaign
from reliability.finding import BEGIN, MINUTE, MOVE, WATCH, Finds, listed
from reliability.sweeping import LEASE_IS_OVER, SKIPPED
from restore_watch.threads.workers import THREADS

pytestmark = pytest.mark.timeout(60)
cases = pytest.mark.parametrize


@contextmanager
def slow_sweep(finds: Finds, step: Selection) -> Iterator[tuple[Gate, Future[Any]]]:
    """Within the block, a sweep waits at this step until its lease has run out."""
    campaign = finds.campaign
    slow = finds.environment(by=campaign.hasty)
    with (
        ThreadPoolExecutor(1) as thread,
        campaign.hold(step, when=campaign.hasty.made) as gate,
    ):
        result = thread.submit(finds.sweeps.sweep, slow)
        gate.wait_for(1)
        campaign.pass_time(LEASE_IS_OVER)
        yield gate, result


@pytest.mark.fault("F80")
def test_a_sweep_that_outlives_its_lease_does_not_move_a_mark_back(
    campaign: Campaign, finds: Finds
) -> None:
    finds.tick()
    campaign.pass_time(15 * MINUTE)
    successor = finds.environment(by=campaign.patient)
    with slow_sweep(finds, MOVE) as (gate, slow):
        jobs = finds.ended_jobs()
        assert finds.tick(application=successor)["found"] == 3
        before = finds.item()
        gate.open()
        assert slow.result() != SKIPPED
    assert finds.item() == before
    assert finds.reported_once(jobs)


@pytest.mark.fault("F80")
def test_a_sweep_that_outlives_its_lease_does_not_take_back_what_stayed_behind(
    campaign: Campaign, finds: Finds
) -> None:
    (job,) = finds.ended_jobs("flex")
    successor = finds.environment(by=campaign.patient)
    with slow_sweep(finds, MOVE) as (gate, slow):
        step = Selection("atlas", "flex_list", campaign.patient.made)
        with campaign.inject(step, Answer(503), times=None):
            finds.tick(application=successor)
        behind = finds.item()["behind"]
        assert behind.keys() == {"flex/orders-flex"}
        gate.open()
        assert slow.result()["found"] == 1
    assert finds.item()["behind"] == behind

    finds.tick(application=successor)
    assert finds.behind == set()
    assert finds.reported_once([job])


@pytest.mark.fault("F80")
def test_a_sweep_that_outlives_its_lease_does_not_begin_a_project_anew(
    campaign: Campaign, finds: Finds
) -> None:
    jobs = finds.ended_jobs()
    successor = finds.environment(by=campaign.patient)
    with slow_sweep(finds, BEGIN) as (gate, slow):
        finds.tick(application=successor)
        before = finds.item()
        gate.open()
        assert slow.result()["changed"] == 0
    after = finds.item()
    assert (after["firstMark"], after["mark"]) == (before["firstMark"], before["mark"])
    assert finds.reported_once(jobs)


@pytest.mark.fault("F80", "F78")
@cases("locked_out", [True, False], ids=["degraded", "recovered"])
def test_a_sweep_that_outlives_its_lease_does_not_change_how_a_project_is_seen(
    campaign: Campaign,
    finds: Finds,
    locked_out: bool,  # noqa: FBT001
) -> None:
    finds.tick()
    campaign.atlas.lock_out(campaign.group)
    finds.ticks(3 if locked_out else 5)
    if not locked_out:
        campaign.atlas.admit(campaign.group)
        finds.ticks(RECOVERY - 1)
    campaign.pass_time(MINUTE)
    successor = finds.environment(by=campaign.patient)
    with slow_sweep(finds, WATCH) as (gate, slow):
        finds.tick(application=successor)
        before = finds.item()
        gate.open()
        slow.result()
    assert finds.item() == before
    campaign.atlas.admit(campaign.group)
    finds.ticks(RECOVERY)

    assert [one.partition(":")[0] for one in finds.said()] == ["degraded", "recovered"]


@pytest.mark.fault("F82", "F81")
def test_clusters_are_listed_in_turn_while_others_use_up_the_bucket_and_that_is_reported(
    campaign: Campaign, finds: Finds
) -> None:
    for number in range(4 * THREADS + 10):
        campaign.atlas.add_cluster(campaign.group, f"empty-{number}", "flex")
    jobs = [finds.ended_jobs("flex", cluster=f"orders-{number}")[0] for number in range(3)]
    campaign.atlas.keep_bucket(campaign.group, "flex", 500)
    names: list[str] = []
    for _ in range(4):
        finds.tick()
        some = listed(finds.sweeps)
        # Those that are under way are not stopped.
        assert 1 <= len(some) <= THREADS
        names += some
        assert finds.behind != set()
    # What was not reached comes first.
    assert len(set(names)) == len(names)
    (degraded,) = campaign.messages_about(campaign.group)
    assert degraded.event["data"]["error"] == "AtlasRateLimitError"
    assert campaign.clock() - finds.mark < timedelta(minutes=4)
    campaign.atlas.release_bucket(campaign.group, "flex")
    finds.tick()
    assert finds.behind == set()
    assert finds.reported_once(jobs)
    finds.ticks(RECOVERY - 1)
    assert [one.partition(":")[0] for one in finds.said()] == ["degraded", "recovered"]


@pytest.mark.fault("F82")
def test_an_empty_bucket_of_events_is_reported_and_hides_nothing(
    campaign: Campaign, finds: Finds
) -> None:
    finds.ended_jobs()
    assert finds.tick()["found"] == 3
    campaign.atlas.keep_bucket(campaign.group, "events", 0)
    finds.ticks(2)
    jobs = finds.ended_jobs()
    assert finds.tick()["found"] == 3
    finds.ticks(2)
    campaign.atlas.release_bucket(campaign.group, "events")
    finds.ticks(RECOVERY)

    assert finds.reported_once(jobs)
    assert [one.partition(":")[0] for one in finds.said()] == ["degraded", "recovered"]
