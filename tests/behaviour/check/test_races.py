"""Checks that meet: one change is recorded once, and no older status or acknowledgement wins."""

from functools import partial

import pytest

from local_stack.atlas import Kind
from local_stack.connections import Connections
from local_stack.environment import Environment
from local_stack.steps import ACKNOWLEDGE, FLEX, PUBLISH, RECORD
from local_stack.wire import Answer, Selection
from local_stack.world import Stored, World, within
from restore_watch.errors import NotificationPendingError


@pytest.fixture
def slow(environment: Environment) -> Environment:
    """The environment whose calls a test holds."""
    return environment


@pytest.fixture
def fast(world: World, patient: Connections) -> Environment:
    """Another one, whose calls go through."""
    return world.environment(by=patient)


def of(environment: Environment, step: Selection) -> Selection:
    return within(step, Selection(when=environment.by.made))


@pytest.mark.fault("F6")
def test_a_check_waits_while_another_one_publishes_the_change(
    world: World, connections: Connections, fast: Environment
) -> None:
    job = world.finished_job()

    def sleep(seconds: float) -> None:
        """Let the winner publish while the loser waits."""
        assert world.published(job) == []
        world.nap(seconds)
        publishing.open()
        assert winning.end().changed

    slow = world.environment(sleep=sleep, by=connections)
    with world.hold(of(slow, RECORD)) as writing, world.hold(of(fast, PUBLISH)) as publishing:
        losing = world.begin(lambda: slow.check(job))
        writing.wait_for(1)
        winning = world.begin(lambda: fast.check(job))
        publishing.wait_for(1)
        writing.open()
        lost = losing.end()

    assert (lost.changed, lost.published) == (False, ())
    assert len(world.naps) == 1
    assert world.published(job) == ["COMPLETED"]
    assert world.stored(job) == Stored("COMPLETED", 1, 1)


@pytest.mark.campaign
@pytest.mark.fault("F7")
def test_a_hundred_checks_at_once_record_one_change(world: World, roomy: Connections) -> None:
    job = world.recorded_job(timeline=["PENDING", "COMPLETED"])
    environments = [world.environment(by=roomy) for _ in range(10)]
    for one in environments:
        one.check(job)
    job.advance()
    with world.hold(FLEX) as asking:
        checks = [world.begin(partial(one.check, job)) for one in 10 * environments]
        asking.wait_for(10)  # as many connections to Atlas as threads without a slot share
        asking.open()
        results = [check.end() for check in checks]

    assert sum(result.changed for result in results) == 1
    assert {result.job.status for result in results} == {"COMPLETED"}
    assert world.published(job)[0] == "PENDING"
    assert set(world.published(job)[1:]) == {"COMPLETED"}
    assert world.stored(job) == Stored("COMPLETED", 2, 2)
    assert len((world.item(job) or {})["history"]) == 2


@pytest.mark.fault("F8")
@pytest.mark.parametrize("is_published", [True, False], ids=["published", "not-yet-published"])
def test_a_slow_check_with_an_older_status_changes_nothing(
    world: World,
    slow: Environment,
    fast: Environment,
    is_published: bool,  # noqa: FBT001
) -> None:
    job = world.job(timeline=["RUNNING", "COMPLETED"])
    with world.hold(of(slow, RECORD)) as writing:
        late = world.begin(lambda: slow.check(job))
        writing.wait_for(1)
        job.advance()
        if is_published:
            fast.check(job)
        else:
            world.inject(PUBLISH, Answer(400))
            world.refused(NotificationPendingError, job, fast)
        writing.open()
        result = late.end()

    assert (result.changed, result.job.status) == (False, "COMPLETED")
    # It waits for the other check in vain, and then publishes what that one has not.
    assert world.naps == ([] if is_published else [0.1, 0.2, 0.4])
    assert len(result.published) == (0 if is_published else 1)
    assert world.published(job) == ["COMPLETED"]
    assert world.stored(job) == Stored("COMPLETED", 1, 1)


@pytest.mark.fault("F10", "F63")
@pytest.mark.parametrize("kind", ["flex", "dedicated"])
def test_a_late_acknowledgement_does_not_count_for_an_item_that_was_recorded_again(
    world: World, slow: Environment, fast: Environment, kind: Kind
) -> None:
    job = world.finished_job(kind)
    with world.hold(of(slow, ACKNOWLEDGE)) as acknowledging:
        late = world.begin(lambda: slow.check(job))
        acknowledging.wait_for(1)
        world.delete(job)
        world.inject(PUBLISH, Answer(400))
        world.refused(NotificationPendingError, job, fast)
        acknowledging.open()
        late.end()
    assert world.stored(job) == Stored("COMPLETED", 1, 0)
    assert "expiresAt" not in (world.item(job) or {})

    world.check(job)
    assert world.published(job) == ["COMPLETED", "COMPLETED"]
    assert world.stored(job) == Stored("COMPLETED", 1, 1)


@pytest.mark.fault("F58", "F63")
def test_an_unknown_word_is_not_appended_to_an_item_that_was_recorded_again(
    world: World, slow: Environment, fast: Environment
) -> None:
    job = world.recorded_job(timeline=["PAUSED", "RESUMING"])
    job.advance()
    with world.hold(of(slow, RECORD)) as writing:
        late = world.begin(lambda: slow.check(job))
        writing.wait_for(1)
        writing.release()
        # The history that came with the refusal had no such word.
        writing.wait_for(1)
        world.delete(job)
        fast.check(job)
        writing.open()
        assert not late.end().changed

    assert world.published(job) == ["UNKNOWN:PAUSED", "UNKNOWN:RESUMING"]
    assert world.stored(job) == Stored("UNKNOWN", 1, 1)
