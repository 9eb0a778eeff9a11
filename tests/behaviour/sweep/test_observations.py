"""What Atlas says is believed from wherever it comes; what cannot be read is not taken for read."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from behaviour.projects import behind, ended_jobs, reported_once
from behaviour.rows import rows
from local_stack.atlas import EmulatedRestore, Kind
from local_stack.environment import Environment
from local_stack.faults import Answer
from local_stack.refusal import atlas_error
from local_stack.restores import date
from local_stack.steps import FLEX, FLEX_LIST, UNKNOWN_JOB
from local_stack.world import World, item_key

cases = pytest.mark.parametrize


RUNNING_THEN_FAILED = ["RUNNING", "FAILED"]

DOWNLOAD = ["running", "download-ready", "finished+expired"]


def failing_jobs(world: World, *clusters: str) -> list[EmulatedRestore]:
    """Restores that run now and fail later."""
    return [world.job(cluster=name, timeline=RUNNING_THEN_FAILED) for name in clusters]


# Fields that cannot be read


@pytest.mark.fault("F85")
def test_old_entries_that_cannot_be_read_keep_nothing_behind(
    world: World, watching: Environment
) -> None:
    watching.tick()
    jobs = ended_jobs(world, "flex", "dedicated")
    flex, dedicated = (job.body() for job in jobs)
    long_ago = f"{int(world.clock().timestamp()) - 9 * 24 * 3600:08x}" + "0" * 16
    old: list[tuple[EmulatedRestore, Kind, dict[str, Any]]] = [
        (jobs[0], "flex", flex | {"id": long_ago, "status": 7}),
        (jobs[0], "flex", flex | {"id": 7, "restoreScheduledDate": "2020-01-01T00:00:00Z"}),
        (jobs[1], "dedicated", dedicated | {"id": None, "finishedAt": "2020-01-01T00:00:00Z"}),
    ]
    for job, kind, entry in old:
        world.atlas.add_to_list(world.group, job.cluster, kind, entry)
    watching.ticks(4, minutes=5)

    assert (reported_once(world, jobs), behind(world), world.watch_said()) == (True, set(), [])


@pytest.mark.campaign
@pytest.mark.fault("F85", "F89")
@cases("is_known", [True, False], ids=["of a known job", "of an unknown job"])
def test_an_item_that_cannot_be_read_is_reported(
    world: World, watching: Environment, *, is_known: bool
) -> None:
    watching.tick()
    (job,) = failing_jobs(world, "orders")
    if is_known:
        watching.tick()
        world.rewrite(job, history=["PENDING"])
    else:
        bad = {"status": {"S": "RUNNING"}, "history": {"S": "x"}}
        world.stack.put_items([{**item_key(job), **bad}])
    job.run_to_end()
    watching.ticks(5)

    assert world.watch_said() == [("degraded", world.group)]


# One path for what Atlas says


def older(job: EmulatedRestore) -> Answer:
    return Answer.json(200, job.body() | {"status": "RUNNING"})


DISAGREEING: Mapping[str, Answer | None] = {
    "503": Answer(503),
    "400": atlas_error(400, "SOMETHING_NEW", "No."),
    "404": UNKNOWN_JOB,
    "odd": Answer.json(200, {"id": 7}),
    "older": None,
}


@pytest.mark.fault("F86")
@cases("answer", rows(DISAGREEING, "older", campaign=("503",)))
def test_the_end_that_a_list_shows_is_recorded_although_the_jobs_own_endpoint_says_less(
    world: World, watching: Environment, answer: Answer | None
) -> None:
    (job,) = failing_jobs(world, "orders")
    watching.ticks(2)
    world.inject(FLEX, answer or older(job), times=None)
    job.run_to_end()
    watching.ticks(2, minutes=15)

    assert world.published(job) == RUNNING_THEN_FAILED


@pytest.mark.fault("F68", "F86")
def test_the_end_that_the_jobs_own_endpoint_shows_is_recorded_although_lists_say_less(
    world: World, environment: Environment
) -> None:
    jobs = failing_jobs(world, *["orders"] * 3)
    for job in jobs:
        world.check(job)
        world.atlas.lag_lists(job)
        job.run_to_end()
    environment.ticks(len(jobs))

    assert [world.published(job) for job in jobs] == [RUNNING_THEN_FAILED] * 3


@pytest.mark.campaign
@pytest.mark.fault("F83", "F86")
def test_an_older_link_that_a_list_shows_does_not_end_a_download(
    world: World, watching: Environment
) -> None:
    job, _ = (
        world.job("dedicated", "orders", delivery_type="download", timeline=DOWNLOAD)
        for _ in range(2)
    )
    watching.ticks(2)
    job.advance()
    watching.tick()
    world.pass_time(50 * 60)
    world.atlas.lag_lists(job)
    job.set(expiresAt=date(world.atlas.now() + timedelta(hours=1)))
    watching.ticks(18, minutes=5)
    assert world.published(job) == ["RUNNING", "COMPLETED"]
    job.advance()
    watching.ticks(2, minutes=5)

    assert world.published(job) == ["RUNNING", "COMPLETED", "EXPIRED"]


# When a job leaves the index


@pytest.mark.fault("F82", "F86")
def test_a_list_whose_second_try_is_left_out_has_failed(
    world: World, watching: Environment
) -> None:
    """Its first answer says that others have used up the limit."""
    world.atlas.add_cluster(world.group, "orders", "flex")
    watching.tick()
    few = {"RateLimit-Limit": "300", "RateLimit-Remaining": "20"}
    world.inject(FLEX_LIST, Answer(503, few), times=None)
    watching.tick(15)

    assert world.count(FLEX_LIST) == 1
    troubles = world.bookkeeping()["troubles"].values()
    assert "AtlasUnavailableError" in {one["error"] for one in troubles}
