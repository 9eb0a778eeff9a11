"""Sweeps that have too little time for all of their jobs."""

import time

import pytest

from behaviour.projects import project_with
from foundation.errors import TimeBudgetExceededError
from local_stack.environment import Environment
from local_stack.faults import Hang
from local_stack.steps import EVENTS, QUESTION
from local_stack.wire import Selection
from local_stack.world import DONE, SHORT, Stored, World
from restore_watch.errors import TableUnavailableError


@pytest.mark.campaign
@pytest.mark.fault("F71", "F72")
def test_a_project_that_a_sweep_had_no_time_to_ask_comes_before_those_that_gave_no_answer(
    world: World,
) -> None:
    projects = {project_with(world) for _ in range(40)}
    watching = world.watching(*projects)
    watching.tick()

    def asked() -> set[str]:
        return {call.path.split("/")[5] for call in world.calls(EVENTS)}

    world.clock.go_on()
    with world.inject(EVENTS, Hang(60), times=None):
        watching.tick(seconds=3)
    world.clock.stand_still()
    left = projects - asked()
    assert len(left) == 8  # all threads of a sweep asked
    with world.hold(EVENTS) as gate:
        sweep = world.begin(watching.tick)
        gate.wait_for(32)
        assert left <= asked()
        gate.open()
        sweep.end()


@pytest.mark.fault("F71")
@pytest.mark.parametrize("jobs", [1, 2], ids=["one-job", "a-list"])
def test_an_answer_that_there_is_no_time_to_act_on_counts_as_not_reached(
    world: World, environment: Environment, jobs: int
) -> None:
    for job in world.recorded_jobs(jobs, clusters=1, timeline=SHORT):
        job.advance()
    with world.whenever(QUESTION, lambda: world.pass_time(59.5), "after"):
        result = environment.tick()
    assert (result["checked"], result["notReached"]) == (0, jobs)
    assert (result["changed"], result["failures"]) == (0, [])

    # The lease runs out by itself.
    assert environment.tick()["changed"] == jobs


@pytest.mark.fault("F71", "F44")
@pytest.mark.parametrize(
    ("seconds", "step", "skip"),
    [(0.0, QUESTION, 0), (1.05, QUESTION, 0), (1.05, Selection("dynamodb", "UpdateItem"), 1)],
    ids=["0-s-atlas", "1-s-atlas", "1-s-dynamodb"],
)
def test_a_sweep_ends_in_time_with_a_result_or_a_typed_error(
    world: World, environment: Environment, seconds: float, step: Selection, skip: int
) -> None:
    """A call hangs for longer than the sweep has."""
    pending, moved = world.job(timeline=["RUNNING"]), world.recorded_job(timeline=SHORT)
    world.leave_pending(pending)
    moved.advance()
    world.inject(step, Hang(seconds + 0.3), skip=skip)
    world.clock.go_on()
    begun = time.monotonic()
    try:
        environment.sweep(seconds=seconds)
    except (TimeBudgetExceededError, TableUnavailableError) as error:
        world.said.append(repr(error))
    assert time.monotonic() - begun < seconds + 0.5

    world.heal()
    world.pass_time(66)
    assert environment.sweep()["failures"] == []
    assert list(dict.fromkeys(world.published(pending))) == ["RUNNING"]
    assert list(dict.fromkeys(world.published(moved))) == SHORT
    assert world.stored(pending) == Stored("RUNNING", 1, 1)
    assert world.stored(moved) == DONE
