"""A check that is the first to record an open job starts the sweep that follows it."""

import json
from functools import partial
from typing import Any

import pytest

from local_stack.aws import aws_error
from local_stack.connections import Connections
from local_stack.environment import Environment
from local_stack.steps import ACKNOWLEDGE, FLEX, INVOKE, PUBLISH, WAIT_FOR_LEASE
from local_stack.world import World
from restore_watch.errors import NotificationPendingError
from restore_watch.model.shares import Worker

SKIPPED = {"skipped": True}
SHORT = ["RUNNING", "COMPLETED"]
START = {"action": "sweep"}


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
    return world.environment(hot_seconds=10)


@pytest.mark.parametrize("named", NAMED.values(), ids=NAMED)
def test_a_job_that_is_named_is_followed_without_waiting_for_a_tick(
    world: World, hot: Environment, named: Any
) -> None:
    jobs = [world.job(timeline=SHORT) for _ in range(2)]
    event = named(*(job.event for job in jobs))
    hot.answer(event)

    assert world.stack.taken() == [START]
    hot.answer(event)
    followed = [job for job in jobs if world.is_open(job)]
    for job in followed:
        job.advance()
    assert hot.answer(START)["changed"] == len(followed) > 0
    # Neither a later check nor the sweep starts any, and the next tick is as it was.
    assert (world.stack.taken(), "lastTick" in world.lease) == ([], False)
    assert hot.tick() != SKIPPED


def test_each_worker_that_has_a_new_job_is_started_once_and_starts_no_other(world: World) -> None:
    ids = [f"6a1f3c9e5b7d204e{number:08x}" for number in range(1000)]
    groups = [next(one for one in ids if Worker(worker, 4).has(one)) for worker in (3, 0, 3)]
    environment = world.environment(hot_seconds=10, workers=4)
    environment.answer(queued(*(world.job(group=one).event for one in groups)))
    started = world.stack.taken()

    assert started == [START | {"worker": 0}, START | {"worker": 3}]
    assert len({call.connection for call in world.calls(INVOKE)}) == 1
    assert [environment.answer(one)["open"] for one in started] == [1, 2]
    assert world.stack.taken() == []


def test_nothing_is_started_for_a_job_that_has_ended_or_was_known(
    world: World, hot: Environment
) -> None:
    pending, known = world.job(), world.recorded_job(timeline=["PENDING", *SHORT])
    world.inject(PUBLISH, aws_error("sns", "AuthorizationError", status=403))
    world.raised(NotificationPendingError, lambda: hot.answer(pending.event))
    ready = world.job(delivery_type="DOWNLOAD", timeline=["COMPLETED"])
    hot.answer(NAMED["to wait for"](known.event, None))
    known.advance()
    for job in (pending, known, world.finished_job(), ready):
        hot.answer(job.event)
    world.environment().answer(world.job().event)  # it asks about no job between two ticks

    assert world.count(INVOKE) == 0


@pytest.mark.fault("M3")
def test_a_check_succeeds_although_lambda_does_not_take_the_sweep(
    world: World, hot: Environment
) -> None:
    job = world.job(timeline=SHORT)
    world.inject(INVOKE, aws_error("lambda", "AccessDeniedException", status=403))
    assert hot.answer(job.event)["status"] == "RUNNING"
    assert len(hot.lines(level="WARNING")) == 1

    job.advance()
    assert hot.tick()["changed"] == 1


@pytest.mark.fault("M3")
@pytest.mark.parametrize("left", [1.2, 0.5], ids=["hangs", "no time is left"])
def test_a_check_does_not_wait_for_lambda(world: World, hot: Environment, left: float) -> None:
    with (
        world.hold(INVOKE),
        world.whenever(ACKNOWLEDGE, lambda: world.pass_time(60 - left - world.uptime())),
    ):
        assert hot.answer(world.job().event)["changed"]
    (line,) = hot.lines(level="WARNING")
    assert line["reason"] == "Lambda did not answer (the time of the invocation is over)"


@pytest.mark.fault("M3", "F65")
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
