"""Any time left at any step: the check ends in time, and the next one makes it good."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from foundation.errors import ApplicationError, TimeBudgetExceededError
from local_stack.atlas import EmulatedRestore
from local_stack.connections import Connections
from local_stack.environment import Environment
from local_stack.faults import Answer
from local_stack.steps import ACKNOWLEDGE, FLEX, PUBLISH, RECORD, SECRET, TOKEN, about
from local_stack.wire import Phase, Selection
from local_stack.world import Stored, World, within
from restore_watch.errors import (
    AtlasUnavailableError,
    CredentialsError,
    NotificationPendingError,
    TableUnavailableError,
)

cases = pytest.mark.parametrize

HANGING: dict[str, tuple[Selection, Phase, type[ApplicationError]]] = {
    "secret": (SECRET, "before", CredentialsError),
    "token": (TOKEN, "before", AtlasUnavailableError),
    "job": (FLEX, "before", AtlasUnavailableError),
    "write": (RECORD, "before", TableUnavailableError),
    "write-done": (RECORD, "after", TableUnavailableError),
    "publication": (PUBLISH, "before", NotificationPendingError),
    "publication-done": (PUBLISH, "after", NotificationPendingError),
    "acknowledgement": (ACKNOWLEDGE, "before", TableUnavailableError),
    "acknowledgement-done": (ACKNOWLEDGE, "after", TableUnavailableError),
}
"""Steps whose call or answer does not arrive, and the error that reports it."""


def is_made_good(world: World, job: EmulatedRestore) -> None:
    """A held call goes on after the test, and may overtake the first of two checks."""
    world.check(job)
    if world.stored(job) != Stored("PENDING", 1, 1):
        world.check(job)
    assert world.stored(job) == Stored("PENDING", 1, 1)
    assert set(world.published(job)) == {"PENDING"}


@pytest.mark.campaign
@pytest.mark.fault("F3", "F5", "F10", "F27", "F30", "F44")
def test_a_check_ends_in_time_when_any_step_hangs(
    world: World, environment: Environment, patient: Connections
) -> None:
    """There is enough time for every step to begin, but not for one that hangs to end."""
    jobs = {name: world.job() for name in HANGING}
    world.check(world.job(), environment)
    # A call for the secret or a token names no job; only these two environments make one.
    environments = {"secret": world.environment(by=patient), "token": world.environment()}
    meant = {"secret": Selection(when=patient.made), "token": Selection()}
    world.clock.go_on()

    def check(name: str) -> tuple[type[ApplicationError], float]:
        begun = world.uptime()
        with pytest.raises(ApplicationError) as caught:
            world.check(jobs[name], environments.get(name, environment), seconds=2.4)
        return caught.type, world.uptime() - begun

    with ExitStack() as holds, ThreadPoolExecutor(len(HANGING)) as threads:
        for name, (step, phase, _) in HANGING.items():
            named = meant.get(name, about(jobs[name].restore_id))
            holds.enter_context(world.hold(within(step, named), phase))
        ended = dict(zip(HANGING, threads.map(check, HANGING), strict=True))

    assert {name: kind for name, (kind, _) in ended.items()} == {
        name: error for name, (*_, error) in HANGING.items()
    }
    assert {name: took for name, (_, took) in ended.items() if took > 2.9} == {}
    for job in jobs.values():
        is_made_good(world, job)


@pytest.mark.fault("F44")
@cases("left", [0, 0.99])
def test_no_step_begins_with_too_little_time_to_finish(
    world: World, environment: Environment, left: float
) -> None:
    job = world.job()
    for _ in range(2):
        world.refused(TimeBudgetExceededError, job, environment, seconds=left)
        assert world.calls() == []
        world.check(world.job(), environment)
        world.stack.forget_calls()

    assert world.check(job, environment).changed


OPERATIONS = ["GetSecretValue", "token", "flex", "UpdateItem", "Publish"]


@pytest.mark.fault("F1", "F2", "F44")
@cases(
    ("slow", "calls"), [(FLEX, 3), (RECORD, 4), (PUBLISH, 5)], ids=["job", "write", "publication"]
)
def test_a_step_does_not_begin_when_an_earlier_one_used_its_time(
    world: World, slow: Selection, calls: int
) -> None:
    job = world.job()
    with world.whenever(slow, lambda: world.pass_time(1.1), "after"):
        world.refused(TimeBudgetExceededError, job, seconds=2.0)
    assert world.operations() == OPERATIONS[:calls]

    is_made_good(world, job)


def test_a_check_takes_a_minute_at_most_whatever_time_lambda_gives_it(
    world: World, environment: Environment
) -> None:
    """Atlas takes 35 s for each answer, and four would be asked for."""
    job = world.job()
    with (
        world.inject(FLEX, Answer(503), times=None),
        world.whenever(FLEX, lambda: world.pass_time(35)),
    ):
        world.raised(AtlasUnavailableError, lambda: environment.answer(job.event, seconds=125))

    assert world.count(FLEX) == 2
