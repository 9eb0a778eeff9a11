"""Sweeps over an index of open jobs that lags behind its table."""

import pytest

from local_stack.atlas import EmulatedRestore
from local_stack.environment import Environment
from local_stack.stale_index import stale_index
from local_stack.world import Stored, World

STEPS = ["PENDING", "RUNNING", "COMPLETED"]


@pytest.fixture
def job(world: World) -> EmulatedRestore:
    return world.recorded_job(timeline=STEPS)


@pytest.mark.fault("F67")
@pytest.mark.parametrize("is_published", [False, True], ids=["not-published", "published"])
def test_what_the_index_shows_as_pending_is_published_once(
    world: World, environment: Environment, *, is_published: bool
) -> None:
    job = world.job()
    world.leave_pending(job)
    with stale_index(world.stack):
        if is_published:
            world.check(job)
        published = [result["published"] for result in environment.ticks(2)]

    assert published == ([0, 0] if is_published else [1, 0])
    assert world.published(job) == ["PENDING"]
    assert world.stored(job) == Stored("PENDING", 1, 1)


@pytest.mark.fault("F67")
def test_a_change_that_the_index_does_not_show_as_pending_yet_is_published(
    world: World, environment: Environment, job: EmulatedRestore
) -> None:
    """Atlas's answer is news to the index, so the item is asked, which knows what is pending."""
    with stale_index(world.stack):
        job.advance()
        world.leave_pending(job)
        assert environment.tick()["published"] == 1
    assert world.published(job) == ["PENDING", "RUNNING"]


@pytest.mark.campaign
@pytest.mark.fault("F67")
@pytest.mark.parametrize("changes", [False, True], ids=["found", "found-and-changed"])
def test_a_job_stays_although_the_index_shows_it_as_missing(
    world: World, environment: Environment, job: EmulatedRestore, *, changes: bool
) -> None:
    """By the index it has been missing for a day, by the table for no time at all."""
    world.pass_time(120)
    world.atlas.hide_restore(job)
    environment.tick()
    with stale_index(world.stack):
        world.atlas.show_restore(job)
        if changes:
            job.advance()
            world.check(job)
        else:
            environment.tick(5)
        assert "missingSince" not in (world.item(job) or {})
        world.atlas.hide_restore(job)
        environment.ticks(15, minutes=110)
    assert world.is_open(job)
    assert environment.lines("This restore job is no longer followed") == []
