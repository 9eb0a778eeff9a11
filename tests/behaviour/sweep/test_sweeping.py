"""Sweeps: a job is named once, and ticks follow it to its end. What they cost."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from behaviour.conftest import RuntimeWith
from local_stack.environment import Environment
from local_stack.runtime import Invocation, LambdaRuntime, RuntimePool
from local_stack.steps import QUERY
from local_stack.world import SHORT, SKIPPED, World

LEASE, KNOWN = ["UpdateItem"], ["Query"] * 5
"""The index has four shards, and one query reads the bookkeeping."""


@pytest.mark.parametrize(
    ("jobs", "changes", "calls"),
    [
        (0, False, []),
        (1, False, ["flex"]),
        (1, True, ["flex", "UpdateItem", "Publish", "UpdateItem"]),
    ],
    ids=["idle", "unchanged", "changed"],
)
def test_an_unchanged_sweep_makes_eight_calls_and_a_change_three_more(
    world: World, environment: Environment, jobs: int, calls: list[str], *, changes: bool
) -> None:
    environment.check(world.finished_job())  # it has a secret and a token
    for job in world.recorded_jobs(jobs):
        if changes:
            job.advance()

    nothing = {"found": 0, "changed": 0, "published": 0, "notReached": 0, "failures": []}
    changed = {"changed": 1, "published": 1} if changes else {}
    assert environment.tick() == {"open": jobs, "checked": jobs} | nothing | changed
    assert world.operations() == [*LEASE, *KNOWN, *calls, *LEASE]
    # The bookkeeping is read as it is. An index can only be read as it was.
    asked = [json.loads(call.body) for call in world.calls(QUERY)]
    assert {"IndexName" in one or one["ConsistentRead"] for one in asked} == {True}
    assert sum("IndexName" not in one for one in asked) == 1


# In the real runtime


def tick_of(world: World, runtime: LambdaRuntime | RuntimePool, at: datetime) -> Invocation:
    """Send what the template's schedule sends, and forget the earlier calls."""
    world.stack.forget_calls()
    return runtime.invoke(world.stack.function.scheduled_event(at))


@pytest.mark.fault("F84")
def test_a_tick_is_swept_once_in_the_real_runtime(world: World, runtime_with: RuntimeWith) -> None:
    job, runtime = world.job(timeline=SHORT), runtime_with(HOT_ROUNDS="no")
    assert runtime.invoke(job.event).result["changed"]
    now = datetime.now(UTC)
    assert tick_of(world, runtime, now - timedelta(seconds=112)).result == SKIPPED
    assert world.calls() == []

    assert tick_of(world, runtime, now).result["checked"] == 1
    job.advance()
    assert tick_of(world, runtime, now).result == SKIPPED
    assert tick_of(world, runtime, now - timedelta(seconds=3)).result == SKIPPED
    assert world.operations() == LEASE
    assert tick_of(world, runtime, now + timedelta(seconds=1)).result["changed"] == 1
    assert world.published(job) == SHORT
    error = tick_of(world, runtime, now + timedelta(minutes=5))
    assert (error.error_type, world.calls()) == ("InvalidEventError", [])
