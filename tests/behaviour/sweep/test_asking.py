"""What a sweep asks about the open jobs of a cluster: its list, or each job by its id."""

import pytest

from behaviour.projects import asked
from local_stack.environment import Environment
from local_stack.steps import FLEX, RECORD, about
from local_stack.world import World, within

# By the list


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
