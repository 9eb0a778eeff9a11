"""A check that finds a new open job starts the sweep that follows it, and does nothing else."""

import json
import secrets
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext, suppress
from functools import partial
from typing import Any

import pytest

from behaviour.rows import pairs, rows
from foundation.errors import ApplicationError
from local_stack.aws import aws_error
from local_stack.connections import Connections
from local_stack.environment import Environment
from local_stack.jumping_clock import ClockOfWorld, Schedule
from local_stack.refusal import atlas_error
from local_stack.steps import (
    ACKNOWLEDGE,
    FLEX,
    INVOKE,
    PUBLISH,
    QUERY,
    QUESTION,
    WAIT_FOR_LEASE,
)
from local_stack.wire import Selection
from local_stack.world import SHORT, SKIPPED, World
from restore_watch.errors import (
    AtlasUnauthorizedError,
    TableUnavailableError,
)

START = {"action": "sweep"}
SHARDS = 4
"""Queries that read the whole index of open jobs."""
KEY_REFUSED = atlas_error(401, "INVALID_KEY", "No.")


def queued(*events: object) -> dict[str, Any]:
    """A batch from the queue."""
    of_sqs = {"messageId": "1", "eventSource": "aws:sqs"}
    return {"Records": [of_sqs | {"body": json.dumps(event)} for event in events]}


NAMED: dict[str, Any] = {
    "alone": lambda one, _: one,
    "with another": lambda one, other: {"targets": [one, other]},
    "in a batch": lambda one, other: queued(one, other, one),
    "to wait for": lambda one, _: one | {"taskToken": "t" * 20, "waitUntil": "ended"},
    "with a verdict": lambda one, _: {"action": "record-validation", "verdict": "FAILED", **one},
}
"""The event that names a job, or two."""


@pytest.fixture
def hot(world: World) -> Environment:
    """A cold start that asks about hot jobs every ten seconds."""
    return world.environment(hot_rounds=True)


@pytest.mark.parametrize("named", rows(NAMED, "alone", "in a batch", "to wait for"))
def test_a_job_that_is_named_is_followed_without_waiting_for_a_tick(
    world: World, hot: Environment, named: Any
) -> None:
    jobs = [world.job(timeline=SHORT) for _ in range(2)]
    event = named(*(job.event for job in jobs))
    hot.answer(event)

    (start,) = world.stack.taken()
    assert start == START | {"requestedAt": start["requestedAt"]}
    hot.answer(event)
    followed = [job for job in jobs if world.is_open(job)]
    for job in followed:
        job.advance()
    assert hot.answer(start)["changed"] == len(followed) > 0
    # Neither a later check nor the sweep starts any, and the next tick is as it was.
    assert (world.stack.taken(), "lastTick" in world.lease) == ([], False)
    assert hot.tick() != SKIPPED


def test_the_function_starts_itself(world: World) -> None:
    world.invoke(world.finished_job())
    assert world.stack.taken() == []
    world.invoke(world.job())
    (started,) = world.stack.taken()
    assert started.keys() == {"action", "requestedAt"}


def test_nothing_is_started_for_a_job_that_has_ended_or_was_known(
    world: World, hot: Environment
) -> None:
    known = world.recorded_job(timeline=["PENDING", *SHORT])
    ready = world.job(delivery_type="DOWNLOAD", timeline=["COMPLETED"])
    hot.answer(NAMED["to wait for"](known.event, None))
    known.advance()
    for job in (known, world.finished_job(), ready):
        hot.answer(job.event)
    world.environment().answer(world.job().event)  # it asks about no job between two ticks

    assert world.count(INVOKE) == 0


@pytest.mark.fault("S1")
def test_a_check_succeeds_although_lambda_does_not_take_the_sweep(
    world: World, hot: Environment
) -> None:
    job = world.job(timeline=SHORT)
    world.inject(INVOKE, aws_error("lambda", "AccessDeniedException", status=403))
    assert hot.answer(job.event)["status"] == "RUNNING"
    assert len(hot.lines(level="WARNING")) == 1

    job.advance()
    assert hot.tick()["changed"] == 1


@pytest.mark.fault("S1")
@pytest.mark.parametrize("left", [1.2, 0.5], ids=["hangs", "no time is left"])
def test_a_check_does_not_wait_for_lambda(world: World, hot: Environment, left: float) -> None:
    with (
        world.hold(INVOKE),
        world.whenever(ACKNOWLEDGE, lambda: world.pass_time(60 - left - world.uptime())),
    ):
        assert hot.answer(world.job().event)["changed"]
    (line,) = hot.lines(level="WARNING")
    assert line["reason"] == "Lambda did not answer (the time of the invocation is over)"


@pytest.mark.fault("S1", "F65")
def test_of_many_sweeps_that_are_started_at_once_one_waits_and_the_others_end(
    world: World, hot: Environment, roomy: Connections
) -> None:
    world.recorded_job()
    others = [world.environment(roomy) for _ in range(4)]
    with world.hold(FLEX, "after") as gate:
        working = world.begin(partial(hot.answer, START))
        gate.wait_for(1)
        with world.hold(WAIT_FOR_LEASE) as notes:
            waiting = [world.begin(partial(one.answer, START)) for one in others]
            notes.wait_for(4)
        # The one that waits looks once a second, until it gives up.
        assert [one.end() for one in waiting] == [SKIPPED] * 4
        assert world.naps == [1.0] * 15
        gate.open()
        working.end()


FAILS: dict[str, tuple[Selection, bool]] = {
    "is not published": (PUBLISH, False),
    "is not acknowledged": (ACKNOWLEDGE, False),
    "is not published, and the function dies": (PUBLISH, True),
}
"""The step of the first check that does not succeed, and whether that is the last one."""


@pytest.mark.fault("F103")
@pytest.mark.parametrize(
    ("step", "dies", "named"),
    pairs(
        FAILS,
        NAMED,
        "is not published-alone",
        "is not acknowledged-in a batch",
        "is not published, and the function dies-alone",
        "is not published, and the function dies-to wait for",
        "is not published, and the function dies-with a verdict",
    ),
)
def test_a_new_job_is_followed_whatever_becomes_of_its_message(
    world: World, hot: Environment, named: Any, step: Selection, *, dies: bool
) -> None:
    event = named(world.job().event, world.job().event)
    refused = world.inject(
        step, aws_error(str(step.service), "AccessDenied", status=403), times=None
    )
    with world.death(hot, step) if dies else nullcontext(), suppress(ApplicationError):
        hot.answer(event)
    refused.remove()
    assert len(world.stack.taken()) == (0 if dies else 1)

    # Until its first message is acknowledged, a job is as new to the next check.
    again = [world.environment(hot_rounds=True) for _ in range(2)]
    for environment in again:
        environment.answer(event)
    assert len(world.stack.taken()) == 1


@pytest.mark.fault("F103")
def test_a_sweep_without_a_tick_only_follows(world: World) -> None:
    watching = world.watching(hot_rounds=True)
    watching.tick()
    known, unnamed = world.recorded_job(timeline=SHORT), world.job(timeline=SHORT)
    known.advance()
    before = world.bookkeeping(), world.lease["succeededAt"]
    world.stack.forget_calls()
    watching.follow()

    assert (world.published(known), world.item(unnamed)) == (SHORT, None)
    assert [call.operation for call in world.questions()] == ["flex"]
    assert world.count(QUERY) == SHARDS

    # Nor does it say that nothing can be seen.
    world.recorded_job()
    with world.inject(QUESTION, KEY_REFUSED, times=None):
        world.pass_time(700)
        for _ in range(5):
            world.pass_time(60)
            world.raised(AtlasUnauthorizedError, watching.follow)
    assert (world.bookkeeping(), world.lease["succeededAt"]) == before
    assert world.watch_said() == []
    assert watching.tick()["found"] == 1


def questions_of_a_day(world: World, by: Connections, *, are_named: bool) -> Counter[str]:
    """
    A restore begins every five seconds, in one of 100 watched projects, and takes a minute.

    Return how often Atlas was asked for what in some minutes of that, whether it is named or not.
    """
    clock, groups = ClockOfWorld(world), [secrets.token_hex(12) for _ in range(100)]
    new = partial(world.watching, *groups, by=by, hot_rounds=True)
    pipeline = new(sleep=world.nap)

    def sweeping() -> Callable[[float | None], object]:
        one = new(sleep=clock.sleep)
        return lambda tick: one.follow(124.5) if tick is None else one.sweep(seconds=124.5)

    def begin(number: int) -> None:
        job = world.job(group=groups[number % 100], cluster="orders", timeline=SHORT)
        clock.plan(clock.at + 61, job.advance)
        if are_named:
            pipeline.answer(job.event)
        for _ in world.stack.taken():
            clock.start(clock.at + 1, schedule.sweep)

    for number in range(48):
        clock.plan(clock.at + 5 * number, partial(begin, number))
    schedule = Schedule(clock, sweeping, lambda: 7.0)
    clock.sleep(90)
    world.stack.forget_calls()
    clock.sleep(120)
    asked = Counter(call.operation for call in world.questions())
    schedule.end()
    return asked


@pytest.mark.campaign
@pytest.mark.fault("F103")
def test_a_pipeline_that_names_jobs_all_day_costs_what_its_jobs_cost(
    world: World, roomy: Connections
) -> None:
    unnamed, named = (questions_of_a_day(world, roomy, are_named=one) for one in (False, True))
    assert named.total() <= 1.3 * unnamed.total()
    assert named["events"] <= unnamed["events"]


@pytest.mark.fault("F105")
@pytest.mark.parametrize("is_tick", [True, False])
def test_a_sweep_that_fails_is_not_repeated(
    world: World, hot: Environment, *, is_tick: bool
) -> None:
    hot.answer(world.job(timeline=SHORT).event)
    (started,) = world.stack.taken()
    event = START | {"scheduledTime": world.clock().isoformat()} if is_tick else started
    with world.inject(QUERY, aws_error("dynamodb", "AccessDenied"), times=None):
        world.raised(TableUnavailableError, lambda: hot.answer(event))
        for minutes in (1, 2):  # so long Lambda waits until it tries again
            world.pass_time(minutes * 60)
            assert hot.answer(event) == SKIPPED

    assert hot.tick()["checked"] == 1


def questions_beside_old_jobs(
    world: World, by: Connections, old: int, *, are_named: bool
) -> Counter[str]:
    """
    Old jobs are open in as many clusters. For three minutes, a new one begins every five seconds.

    Return how often Atlas was asked about the old ones and about the new ones. Each sweep that a
    check starts finds another environment.
    """
    clock, jobs = ClockOfWorld(world), world.recorded_jobs(old, timeline=["RUNNING"])
    new = partial(world.environment, by=by, hot_rounds=True, sleep=clock.sleep)
    pipeline, ticking = world.environment(by=by, hot_rounds=True, sleep=world.nap), new()
    world.pass_time(8 * 3600)

    def sweeping() -> Callable[[float | None], object]:
        return lambda tick: new().follow(124.5) if tick is None else ticking.sweep(seconds=124.5)

    def begin() -> None:
        job = world.job(timeline=SHORT)
        clock.plan(clock.at + 61, job.advance)
        pipeline.answer(job.event)
        for _ in world.stack.taken():
            clock.start(clock.at + 1, schedule.sweep)

    schedule = Schedule(clock, sweeping, lambda: 7.0)
    clock.sleep(60)
    world.stack.forget_calls()
    if are_named:
        for number in range(36):
            clock.plan(clock.at + 5 * number, begin)
    clock.sleep(180)
    ids = {job.restore_id for job in jobs}
    asked = (call.path.rpartition("/")[2] in ids for call in world.questions())
    counts = Counter("old" if is_old else "new" for is_old in asked)
    schedule.end()
    for job in jobs:
        world.delete(job)
    return counts


@pytest.mark.campaign
@pytest.mark.fault("F117")
def test_a_burst_of_checks_beside_old_open_jobs_costs_what_its_jobs_cost(
    world: World, roomy: Connections
) -> None:
    ask = partial(questions_beside_old_jobs, world, roomy)
    alone, quiet, burst = (
        ask(0, are_named=True),
        ask(100, are_named=False),
        ask(100, are_named=True),
    )

    assert alone["new"] > 36 * 5
    assert burst.total() - quiet.total() <= 1.3 * alone.total()
