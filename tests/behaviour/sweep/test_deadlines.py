"""Sweeps that have too little time for all of their jobs."""

from contextlib import ExitStack

import pytest

from behaviour.projects import ended_jobs, listed, project_with, reported_once, unknown
from behaviour.rows import rows
from foundation.errors import TimeBudgetExceededError
from local_stack.environment import Environment
from local_stack.faults import Answer, Hang
from local_stack.steps import EVENTS, QUESTION
from local_stack.wire import Selection
from local_stack.world import DONE, SHORT, Stored, World
from restore_watch.errors import TableUnavailableError


@pytest.mark.fault("F71", "F72")
@pytest.mark.parametrize("status", rows({"answered": 200, "asked in vain": 503}, "answered"))
def test_a_project_that_a_sweep_had_no_time_to_ask_comes_before_the_others(
    world: World, status: int
) -> None:
    """32 threads ask at once. The time is over when about 25 projects have been asked."""
    projects = {project_with(world) for _ in range(60)}
    watching = world.watching(*projects)
    watching.tick()

    def asked() -> set[str]:
        return {call.path.split("/")[5] for call in world.calls(EVENTS)}

    with world.whenever(EVENTS, lambda: world.pass_time(1)), ExitStack() as faults:
        if status != 200:
            faults.enter_context(world.inject(EVENTS, Answer(status), times=None))
        watching.tick(seconds=30)
    left = projects - asked()
    assert left
    with world.hold(EVENTS) as gate:
        sweep = world.begin(watching.tick)
        gate.wait_for(32)
        assert left <= asked() or asked() <= left
        gate.open()
        sweep.end()


@pytest.mark.fault("F71", "F75")
def test_what_sweeps_had_no_time_to_list_is_listed_by_the_next(
    world: World, watching: Environment
) -> None:
    """Also if Atlas answers only the second question about its events."""
    watching.tick()
    jobs = ended_jobs(world, "flex")
    with world.whenever(EVENTS, lambda: world.pass_time(58), "after"):
        watching.ticks(2)
    assert (listed(world), unknown(world, jobs)) == ([], True)

    with world.inject(EVENTS, Answer(503)):
        watching.tick()
    assert reported_once(world, jobs)


@pytest.mark.fault("F71")
def test_an_answer_that_there_is_no_time_to_act_on_counts_as_not_reached(
    world: World, environment: Environment
) -> None:
    """A sweep has sixty seconds."""
    (job,) = world.recorded_jobs(1, timeline=SHORT)
    job.advance()
    with world.whenever(QUESTION, lambda: world.pass_time(59.5), "after"):
        result = environment.tick()
    assert (result["checked"], result["notReached"]) == (0, 1)
    assert (result["changed"], result["failures"]) == (0, [])

    # The lease runs out by itself.
    assert environment.tick()["changed"] == 1


@pytest.mark.fault("F71", "F44")
@pytest.mark.parametrize(
    ("seconds", "step", "skip"),
    [(0, QUESTION, 0), (4, QUESTION, 0), (2, Selection("dynamodb", "UpdateItem"), 1)],
    ids=["0-s-atlas", "4-s-atlas", "2-s-dynamodb"],
)
def test_a_sweep_ends_in_time_with_a_result_or_a_typed_error(
    world: World, environment: Environment, seconds: float, step: Selection, skip: int
) -> None:
    """A call hangs for longer than the sweep has, and the sweep does not wait for its end."""
    pending, moved = world.job(timeline=["RUNNING"]), world.recorded_job(timeline=SHORT)
    world.leave_pending(pending)
    moved.advance()
    hang = Hang(seconds + 0.8)  # a client of AWS would give up after 3 s
    injected = world.inject(step, hang, skip=skip)
    world.clock.go_on()
    try:
        environment.sweep(seconds=seconds)
    except (TimeBudgetExceededError, TableUnavailableError) as error:
        world.said.append(repr(error))
    # Without any time, nothing is asked.
    assert (injected.hits > 0, hang.is_over) == (seconds > 0, False)

    world.heal()
    world.pass_time(66)
    assert environment.sweep()["failures"] == []
    assert list(dict.fromkeys(world.published(pending))) == ["RUNNING"]
    assert list(dict.fromkeys(world.published(moved))) == SHORT
    assert world.stored(pending) == Stored("RUNNING", 1, 1)
    assert world.stored(moved) == DONE
