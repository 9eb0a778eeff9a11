"""The lease: one sweep works at a time, and each tick is swept once."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

from behaviour.rows import rows
from local_stack.atlas import EmulatedRestore
from local_stack.aws import aws_error
from local_stack.connections import Connections
from local_stack.environment import Environment
from local_stack.running import Running
from local_stack.steps import (
    FLEX,
    TAKE_LEASE,
    WAIT_FOR_LEASE,
)
from local_stack.wire import Gate, Phase, Selection
from local_stack.world import DONE, SHORT, SKIPPED, World
from restore_watch.errors import TableUnavailableError

LEASE_IS_OVER = 60 + 6
"""Seconds after which the lease of a sweep has run out."""


def text(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


@pytest.fixture
def other(world: World, patient: Connections) -> Environment:
    """An environment beside the first, with connections of its own."""
    return world.environment(patient)


@pytest.fixture
def job(world: World) -> EmulatedRestore:
    """A job that was recorded as RUNNING. Its next step is its end."""
    return world.recorded_job(timeline=SHORT)


def by(environment: Environment, step: Selection) -> Selection:
    """The calls of a step that these environments make."""
    return Selection(
        step.service, step.operation, lambda call: step.covers(call) and environment.by.made(call)
    )


@contextmanager
def held(
    world: World, environment: Environment, step: Selection, tick: datetime | None = None
) -> Iterator[tuple[Gate, Running[dict[str, Any]]]]:
    """Within the block, a sweep waits at this step until the gate is opened."""
    phase: Phase = "after" if step == FLEX else "before"
    with world.hold(by(environment, step), phase) as gate:
        running = world.begin(lambda: environment.sweep(tick))
        gate.wait_for(1)
        yield gate, running


# One sweep at a time


@pytest.mark.usefixtures("job")
def test_a_sweep_has_the_lease_until_a_little_after_its_deadline_and_gives_it_back(
    world: World, environment: Environment
) -> None:
    tick, leases = world.clock(), list[dict[str, Any]]()
    with world.whenever(FLEX, lambda: leases.append(world.lease)):
        environment.sweep(tick, 60)
    (lease,) = leases
    assert lease.keys() == {"cluster", "restoreId", "owner", "validUntil", "lastTick"}
    assert 65 <= float(lease["validUntil"]) - tick.timestamp() < 67
    assert world.lease.keys() == {"cluster", "restoreId", "lastTick", "succeededAt"}
    assert world.lease["lastTick"] == text(tick)

    succeeded = world.lease["succeededAt"]
    environment.follow()
    assert (world.lease["lastTick"], world.lease["succeededAt"]) == (text(tick), succeeded)


@pytest.mark.fault("F65")
@pytest.mark.parametrize("others", rows({"1": 1, "2": 2}, "2"))
def test_only_one_of_several_sweeps_works(
    world: World, environment: Environment, job: EmulatedRestore, other: Environment, others: int
) -> None:
    job.advance()
    with held(world, environment, FLEX) as (gate, first):
        assert [other.sweep() for _ in range(others)] == [SKIPPED] * others
        assert world.naps == [1.0] * 15 * others
        gate.open()
        assert first.end()["changed"] == 1
    assert world.count(FLEX) == 1
    assert world.published(job) == SHORT

    assert environment.sweep()["open"] == 0


@pytest.mark.fault("F65")
def test_a_sweep_works_when_the_one_before_it_ends_within_its_patience(
    world: World, environment: Environment, job: EmulatedRestore, other: Environment
) -> None:
    with held(world, environment, FLEX) as (gate, first):

        def end_first() -> None:
            gate.open()
            first.end()

        with world.whenever(WAIT_FOR_LEASE, end_first):
            assert other.sweep()["checked"] == 1
    assert world.naps == [1.0]
    assert "owner" not in world.lease
    assert len(world.published(job)) == 1


@pytest.mark.fault("F65", "F84")
def test_a_tick_that_is_delivered_twice_at_once_is_swept_once(
    world: World, environment: Environment, job: EmulatedRestore, other: Environment
) -> None:
    job.advance()
    tick = world.clock()
    with world.hold(TAKE_LEASE) as gate:
        running = [world.begin(partial(one.sweep, tick)) for one in (environment, other)]
        gate.wait_for(2)
        gate.open()
        results = [one.end() for one in running]

    assert results.count(SKIPPED) == 1
    assert sum(result.get("changed", 0) for result in results) == 1
    assert (world.count(FLEX), world.naps) == (1, [])
    assert world.published(job) == SHORT


@pytest.mark.parametrize("operation", ["UpdateItem", "Query"])
def test_a_sweep_that_cannot_use_the_table_fails_and_does_not_keep_the_lease(
    world: World, environment: Environment, operation: str
) -> None:
    refused = aws_error("dynamodb", "AccessDeniedException")
    world.inject(Selection("dynamodb", operation), refused)
    world.raised(TableUnavailableError, environment.sweep)

    assert environment.sweep(seconds=10)["open"] == 0
    assert world.naps == []


# A sweep that outlives its lease


@pytest.mark.fault("F80")
def test_a_sweep_that_outlives_its_lease_does_not_give_back_the_lease_of_its_successor(
    world: World, environment: Environment, job: EmulatedRestore, other: Environment
) -> None:
    with held(world, environment, FLEX, world.clock()) as (gate, slow):
        world.skew = LEASE_IS_OVER  # by the clock of the other, the first still has time
        job.advance()
        tick = world.clock() + timedelta(seconds=60)
        with held(world, other, FLEX, tick) as (second_gate, newer):
            lease = world.lease
            gate.open()
            # It has what Atlas said before the end of the job.
            assert (slow.end()["checked"], slow.end()["changed"]) == (1, 0)
            assert world.lease == lease
            assert world.environment().sweep() == SKIPPED
            second_gate.open()
            assert newer.end()["changed"] == 1
    assert world.lease.keys() == {"cluster", "restoreId", "lastTick", "succeededAt"}
    assert world.lease["lastTick"] == text(tick)
    assert world.stored(job) == DONE
    assert world.published(job) == SHORT


@pytest.mark.fault("F80", "F84")
@pytest.mark.usefixtures("job")
def test_a_lease_that_is_taken_late_does_not_move_the_last_tick_back(
    world: World, environment: Environment, other: Environment
) -> None:
    with held(world, environment, TAKE_LEASE, world.clock()) as (gate, late):
        world.pass_time(60)
        newer = world.clock()
        assert other.sweep(newer)["checked"] == 1
        gate.open()
        assert late.end() == SKIPPED

    assert world.lease["lastTick"] == text(newer)
    assert world.count(FLEX) == 1


# Ticks


@pytest.mark.fault("F84")
@pytest.mark.parametrize(
    ("age", "is_swept"),
    rows(
        {
            "111 s": (111, False),
            "an hour": (3600, False),
            "109 s": (109, True),
            "none": (0, True),
            "to come": (-59, True),
        },
        "111 s",
        "109 s",
        "to come",
    ),
)
def test_a_tick_is_swept_until_it_is_110_seconds_old(
    world: World, environment: Environment, job: EmulatedRestore, age: float, *, is_swept: bool
) -> None:
    job.advance()
    result = environment.sweep(world.clock() - timedelta(seconds=age))
    if is_swept:
        assert result["changed"] == 1
    else:
        assert (result, world.calls()) == (SKIPPED, [])

    assert environment.tick()["open"] == (0 if is_swept else 1)


@pytest.mark.campaign
@pytest.mark.fault("F84")
@pytest.mark.parametrize("order", ["as-sent", "reversed", "mixed"])
def test_an_hour_of_throttled_ticks_is_swept_twice_at_most(
    world: World, environment: Environment, job: EmulatedRestore, order: str
) -> None:
    world.pass_time(3600)
    job.advance()
    now = world.clock()
    ticks = [now - timedelta(minutes=number) for number in reversed(range(61))]
    if order == "reversed":
        ticks.reverse()
    elif order == "mixed":
        ticks = ticks[1::2] + ticks[::2]
    results = [environment.sweep(tick) for tick in ticks]

    assert 1 <= sum(result != SKIPPED for result in results) <= 2
    assert world.count(FLEX) == 1  # a second sweep has nothing to ask
    assert world.lease["lastTick"] == text(now)
    assert world.published(job) == SHORT
