"""How a sweep leaves Atlas's rate limits to others, and one project's trouble to that project."""

import secrets
from collections.abc import Mapping

import pytest

from behaviour.rows import rows
from local_stack.atlas import EmulatedRestore, Kind
from local_stack.environment import Environment
from local_stack.faults import Action, Answer, Hang
from local_stack.refusal import atlas_error
from local_stack.steps import (
    DEDICATED,
    FLEX,
    MISSING_ROLE,
    QUESTION,
    TOKEN,
    about,
    too_many_requests,
)
from local_stack.world import DONE, SHORT, World, within

THREADS = 32
"""Questions that a sweep has under way at once."""


def by_id(
    world: World, environment: Environment, kind: Kind = "flex", number: int = 3
) -> list[EmulatedRestore]:
    """Open jobs of one cluster that the environment has asked about."""
    steps = SHORT if kind == "flex" else ["running", "finished"]
    jobs = world.recorded_jobs(number, kind, clusters=1, timeline=steps)
    environment.ticks(2)
    world.stack.forget_calls()
    return jobs


def counts(result: Mapping[str, object]) -> tuple[object, ...]:
    return result["checked"], result["notReached"], result["failures"]


# The reserve


@pytest.mark.fault("F73")
def test_named_jobs_are_asked_about_although_the_bucket_is_below_the_reserve(
    world: World, environment: Environment
) -> None:
    jobs = by_id(world, environment, number=THREADS + 8)
    world.atlas.keep_bucket(world.group, "flex", 1)
    assert environment.tick()["notReached"] >= 8
    for job in jobs:
        job.advance()
    environment.answer(jobs[0].event)
    environment.answer({"targets": [job.event for job in jobs[1:]]})

    assert [world.stored(job) for job in jobs] == [DONE] * len(jobs)


# Buckets that others use up


@pytest.mark.fault("F82")
def test_an_old_job_that_a_rate_limit_did_not_let_through_is_asked_about_in_the_next_sweep(
    world: World, environment: Environment
) -> None:
    """Otherwise it is asked about every five minutes only."""
    world.recorded_job()
    world.pass_time(7 * 3600)
    world.atlas.keep_bucket(world.group, "flex", 0)
    assert counts(environment.tick()) == (0, 1, [])

    world.atlas.release_bucket(world.group, "flex")
    assert counts(environment.tick(1.5)) == (1, 0, [])


# Projects, families and jobs that are refused


TROUBLES: dict[str, tuple[Action, str | None, int, int]] = {
    "throttled": (too_many_requests({"Retry-After": "40"}), None, 2 * THREADS, 2),
    "no-role": (MISSING_ROLE, "AtlasUnauthorizedError", 2 * THREADS, 2),
    "503": (Answer(503), "AtlasUnavailableError", 2 * (THREADS + 2), 0),
    "hanging": (Hang(8), "AtlasUnavailableError", 2 * THREADS, 2),
}


@pytest.mark.fault("F72")
@pytest.mark.parametrize(("trouble", "error", "calls", "left_out"), rows(TROUBLES))
def test_a_project_in_trouble_does_not_delay_the_others(
    world: World,
    environment: Environment,
    trouble: Action,
    error: str | None,
    calls: int,
    left_out: int,
) -> None:
    """Its jobs cost at most so many calls, and at least so many of them are left out."""
    bad = world.recorded_jobs(THREADS + 2, timeline=SHORT)
    good = world.recorded_jobs(3, timeline=SHORT, group=secrets.token_hex(12))
    environment.check(good[0])  # it has a token
    world.stack.forget_calls()
    for job in (*good, bad[0]):
        job.advance()
    of_bad = within(QUESTION, about(world.group))
    world.inject(of_bad, trouble, times=None)
    world.clock.go_on()  # what hangs ends at a real deadline
    result = environment.sweep(seconds=6)

    assert not (isinstance(trouble, Hang) and trouble.is_over)
    assert [world.stored(job) for job in good] == [DONE] * 3
    assert {one["error"] for one in result["failures"]} == ({error} if error else set())
    assert (world.count(of_bad) <= calls, result["notReached"] >= left_out) == (True, True)
    assert world.count(TOKEN) <= 4

    world.heal()
    world.pass_time(60)
    result = environment.sweep()
    assert (result["changed"], result["failures"], result["notReached"]) == (1, [], 0)


@pytest.mark.fault("F72")
def test_a_refusal_by_one_kind_of_endpoint_does_not_stop_questions_to_the_other(
    world: World,
) -> None:
    """A Flex cluster was upgraded while its job was open; there is no role for dedicated ones."""
    upgraded, healthy = world.recorded_jobs(2)
    wrong = atlas_error(400, "CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API", "No.")
    world.inject(within(FLEX, about(upgraded.cluster)), wrong, times=None)
    world.inject(DEDICATED, MISSING_ROLE, times=None)
    world.environment(hot_rounds=True).tick()

    assert world.asked([healthy]) == [0] * 6
