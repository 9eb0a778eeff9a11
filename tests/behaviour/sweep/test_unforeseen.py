"""
An error that nobody foresaw about one restore, project or list fails that one, and no other.

A hook of the AWS client raises it, as a part of our own code would, before a call is sent.
"""

from collections.abc import Callable

import pytest

from behaviour.failing_clients import failing, refused_and_failing
from behaviour.projects import project_with
from behaviour.rows import rows
from local_stack.atlas import EmulatedRestore
from local_stack.canaries import CANARY_PRIVATE_KEY
from local_stack.environment import Environment
from local_stack.steps import EVENTS, FLEX, about
from local_stack.world import World, within

BUG = "An error that nobody foresaw about one item; the others are not affected"


def pending(world: World, jobs: list[EmulatedRestore]) -> None:
    """The topic has refused their last messages."""
    for job in jobs:
        job.advance()
        world.leave_pending(job)


def changed(_world: World, jobs: list[EmulatedRestore]) -> None:
    """Their list shows other statuses."""
    for job in jobs:
        job.advance()


def missing(world: World, jobs: list[EmulatedRestore]) -> None:
    """Atlas does not know the first one any more, and the others change."""
    world.atlas.hide_restore(jobs[0])
    changed(world, jobs[1:])


STATES = {one.__name__: one for one in (pending, changed, missing)}


@pytest.mark.fault("F116")
@pytest.mark.parametrize("state", rows(STATES, "missing"))
def test_an_unforeseen_error_about_one_restore_holds_up_no_other(
    world: World, environment: Environment, state: Callable[[World, list[EmulatedRestore]], None]
) -> None:
    jobs = world.recorded_jobs(3, clusters=1, timeline=["RUNNING", "COMPLETED"])
    odd, *others = jobs
    state(world, jobs)

    with failing(world.connections.dynamodb, odd.restore_id):
        result = environment.tick(2)
    assert [(one["restoreId"], one["error"]) for one in result["failures"]] == [
        (odd.restore_id, "UnforeseenError")
    ]
    for job in others:
        assert world.published(job) == ["RUNNING", "COMPLETED"]
    assert environment.lines("swept")

    bug = environment.lines(BUG, level="ERROR")[0]
    assert (bug["restore_id"], bug["reason"]) == (odd.restore_id, "RuntimeError")
    assert any("failing_clients.py" in line for line in bug["traceback"])
    assert CANARY_PRIVATE_KEY not in environment.log.getvalue()

    environment.ticks(2, minutes=6)
    end = "RUNNING" if state is missing else "COMPLETED"
    assert world.published(odd)[-1] == end


@pytest.mark.fault("F116")
def test_an_unforeseen_error_about_a_restore_that_a_list_shows_keeps_no_other_from_being_found(
    world: World, watching: Environment
) -> None:
    watching.tick()
    *others, odd = [world.finished_job(cluster="shared") for _ in range(3)]  # the last comes first

    with failing(world.connections.dynamodb, odd.restore_id):
        result = watching.tick()
    assert [one["error"] for one in result["failures"]] == ["UnforeseenError"]
    assert [world.published(job) for job in others] == [["COMPLETED"]] * 2

    watching.tick()
    assert world.published(odd) == ["COMPLETED"]


@pytest.mark.fault("F116")
def test_an_unforeseen_error_while_a_restore_is_asked_about_holds_up_no_other(
    world: World, environment: Environment
) -> None:
    odd, other = jobs = world.recorded_jobs(2, timeline=["RUNNING", "COMPLETED"])
    environment.tick()
    changed(world, jobs)

    with refused_and_failing(world, within(FLEX, about(odd.restore_id))):
        result = environment.tick()
    assert [(one["restoreId"], one["error"]) for one in result["failures"]] == [
        (odd.restore_id, "UnforeseenError")
    ]
    assert world.published(other) == ["RUNNING", "COMPLETED"]

    environment.tick()
    assert world.published(odd) == ["RUNNING", "COMPLETED"]


@pytest.mark.fault("F116")
def test_an_unforeseen_error_while_a_project_is_asked_holds_up_no_other(world: World) -> None:
    groups = [f"{number:024x}" for number in (0xA1, 0xA2)]
    environment = world.watching(*groups)
    environment.ticks(2)
    jobs = [world.finished_job(group=group) for group in groups]

    with refused_and_failing(world, within(EVENTS, about(groups[0]))):
        result = environment.tick()
    assert [(one["groupId"], one["error"]) for one in result["failures"]] == [
        (groups[0], "UnforeseenError")
    ]
    assert world.published(jobs[1]) == ["COMPLETED"]

    environment.tick()
    assert world.published(jobs[0]) == ["COMPLETED"]


@pytest.mark.fault("F116")
def test_an_unforeseen_error_about_the_bookkeeping_of_a_project_holds_up_no_other(
    world: World,
) -> None:
    groups = [f"{number:024x}" for number in (0xB1, 0xB2)]
    environment = world.watching(*groups)
    jobs = [world.finished_job(group=group) for group in groups]

    with failing(world.connections.dynamodb, f"project/{groups[0]}"):
        result = environment.tick()
        environment.ticks(5)
    assert [(one["groupId"], one["error"]) for one in result["failures"]] == [
        (groups[0], "UnforeseenError")
    ]
    assert world.published(jobs[1]) == ["COMPLETED"]

    environment.ticks(2)
    assert world.published(jobs[0]) == ["COMPLETED"]


@pytest.mark.fault("F116")
def test_an_unforeseen_error_about_a_message_of_the_watch_holds_up_no_other(world: World) -> None:
    odd, other, seen = (project_with(world) for _ in range(3))
    watching = world.watching(odd, other, seen)
    watching.tick()
    for group in (odd, other):
        world.atlas.lock_out(group)

    with failing(world.connections.sns, odd):
        watching.ticks(3, minutes=2)
    assert world.watch_said() == [("degraded", other)]
    assert watching.lines("swept")
    assert watching.lines(BUG, level="ERROR")[0]["group_id"] == odd

    watching.tick()
    assert world.watch_said() == [("degraded", other), ("degraded", odd)]


@pytest.mark.fault("F116")
def test_an_unforeseen_error_about_one_of_several_targets_fails_that_one(
    world: World, environment: Environment
) -> None:
    odd, other = world.finished_job(), world.finished_job()

    with failing(world.connections.dynamodb, odd.restore_id):
        result = environment.answer({"targets": [odd.event, other.event]})
    assert [one["error"] for one in result["failures"]] == ["UnforeseenError"]
    assert world.published(other) == ["COMPLETED"]
