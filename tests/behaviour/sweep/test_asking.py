"""What a sweep asks about the open jobs of a cluster: its list, or each job by its id."""

from typing import Any

import pytest

from behaviour.projects import asked
from local_stack.atlas import EmulatedRestore, Kind
from local_stack.environment import Environment
from local_stack.steps import FLEX, RECORD, about
from local_stack.world import DONE, SHORT, World, within


def all_checked(jobs: int) -> dict[str, Any]:
    """The result of a sweep that asked about so many jobs and found nothing new."""
    nothing = {"found": 0, "changed": 0, "published": 0, "notReached": 0, "failures": []}
    return {"open": jobs, "checked": jobs} | nothing


@pytest.fixture
def twins(world: World) -> list[EmulatedRestore]:
    """Two jobs of one cluster."""
    return world.recorded_jobs(2, clusters=1, timeline=SHORT)


# By the list


@pytest.mark.fault("F68")
@pytest.mark.parametrize("kind", ["flex", "dedicated", "collection"])
def test_one_list_answers_for_all_open_jobs_of_a_cluster(
    world: World, environment: Environment, kind: Kind
) -> None:
    jobs = world.recorded_jobs(3, kind, clusters=1)
    assert environment.tick() == all_checked(3)
    # A list may lag, so one job in turn gets a call of its own.
    assert asked(world) == [kind, f"{kind}_list"]

    jobs[1].run_to_end()
    assert environment.tick()["changed"] == 1
    assert asked(world) == [kind, f"{kind}_list"]
    assert world.stored(jobs[1]) == DONE


@pytest.mark.fault("F68")
def test_a_list_that_shows_no_open_job_twice_is_not_asked_for_within_an_hour(
    world: World, environment: Environment, twins: list[EmulatedRestore]
) -> None:
    """The order of a list is not documented: here, so many older jobs fill the first page."""
    world.atlas.behaviour.list_order = "oldest first"
    world.atlas.add_ended_restores(world.group, twins[0].cluster, "flex", 25)

    by_id, by_list = ["flex", "flex"], ["flex", "flex", "flex_list"]
    for minutes, questions in ((1, by_list), (1, by_list), (1, by_id), (58.5, by_id), (1, by_list)):
        assert environment.tick(minutes)["checked"] == 2
        assert asked(world) == questions
    world.atlas.behaviour.list_order = "newest first"
    environment.tick(61)
    assert asked(world) == ["flex", "flex_list"]


# Words that this version does not know


def test_an_unknown_word_that_the_history_has_is_written_once_in_a_sweep(world: World) -> None:
    """Only the table knows the history."""
    job = world.job()
    for word in ("PAUSED", "RESUMED"):
        job.set(status=word)
        world.check(job)
    job.set(status="PAUSED")

    assert world.environment(hot_seconds=10).tick()["changed"] == 0
    assert asked(world) == ["flex"] * 6
    assert world.count(within(RECORD, about(job.restore_id))) == 1


# Credentials


@pytest.mark.usefixtures("credentials")
def test_sweeps_of_one_job_use_one_connection_and_one_challenge(
    world: World, environment: Environment
) -> None:
    environment.check(world.job())
    world.stack.forget_calls()
    for _ in range(6):
        environment.sweep()

    assert [call.status for call in world.calls(FLEX)] == [200] * 6
    assert len({call.connection for call in world.calls(FLEX)}) == 1
