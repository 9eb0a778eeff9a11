"""What a sweep asks about the open jobs of a cluster: its list, or each job by its id."""

from datetime import timedelta
from typing import Any

import pytest

from behaviour.projects import asked
from local_stack.atlas import EmulatedRestore, Kind
from local_stack.environment import Environment
from local_stack.faults import Answer
from local_stack.steps import FLEX, FLEX_LIST, QUESTION, RECORD, about
from local_stack.world import DONE, SHORT, World, within

SECOND = timedelta(seconds=1)


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


@pytest.mark.fault("F74")
def test_an_outage_makes_no_list_useless(
    world: World, environment: Environment, twins: list[EmulatedRestore]
) -> None:
    """Nothing answers, so the list is not to blame."""
    with world.inject(QUESTION, Answer(503), times=None):
        environment.ticks(3)

    assert environment.tick()["checked"] == len(twins)
    assert world.count(FLEX_LIST) == 1


@pytest.mark.fault("F73")
def test_the_next_page_of_a_list_is_left_out_if_too_little_is_left_for_others(
    world: World, environment: Environment
) -> None:
    """The first page, of 25, shows one of the jobs that are open."""
    cluster, now = "orders", world.atlas.now()
    jobs = [
        world.recorded_job(cluster=cluster, timeline=["RUNNING"], at=now - timedelta(hours=hours))
        for hours in (0, 2, 2, 2)
    ]
    world.atlas.add_ended_restores(world.group, cluster, "flex", 25, newest=now, apart=SECOND)
    assert environment.tick()["checked"] == len(jobs)
    assert asked(world) == ["flex", "flex_list", "flex_list"]

    world.atlas.keep_bucket(world.group, "flex", 1)
    environment.tick()
    assert world.count(FLEX_LIST) == 1


def test_a_tenant_job_that_its_endpoint_does_not_know_is_looked_for_in_the_list_of_flex(
    world: World, environment: Environment
) -> None:
    """Atlas retired the endpoint while the restore was under way."""
    world.atlas.behaviour.tenant_endpoint = None
    (job,) = world.recorded_jobs(1, "tenant", timeline=SHORT)
    world.atlas.behaviour.tenant_endpoint = 410
    world.atlas.hide_restore(job)
    job.advance()
    world.atlas.add_to_list(world.group, job.cluster, "flex", job.body("flex"))

    environment.tick()

    assert asked(world) == ["flex", "flex_list", "tenant"]
    assert world.stored(job) == DONE


# Words that this version does not know


def test_an_unknown_word_that_the_history_has_is_written_once_in_a_sweep(world: World) -> None:
    """Only the table knows the history."""
    job = world.job()
    for word in ("PAUSED", "RESUMED"):
        job.set(status=word)
        world.check(job)
    job.set(status="PAUSED")

    assert world.environment(hot_rounds=True).tick()["changed"] == 0
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
