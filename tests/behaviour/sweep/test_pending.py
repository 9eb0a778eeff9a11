"""What a sweep publishes from the table alone, while Atlas, the topic or Step Functions fail."""

import random
from collections.abc import Callable
from dataclasses import replace
from itertools import count

import pytest

from foundation.errors import ApplicationError
from local_stack.atlas import EmulatedRestore
from local_stack.aws import aws_error
from local_stack.canaries import CANARY_TASK_TOKEN
from local_stack.environment import Environment
from local_stack.faults import Action, Close
from local_stack.refusal import atlas_error, oauth_error
from local_stack.steps import (
    FLEX,
    PUBLISH,
    QUESTION,
    SECRET,
    TELL,
    TOKEN,
    about,
)
from local_stack.wire import Selection
from local_stack.world import Stored, World, within
from restore_watch.errors import (
    AtlasUnauthorizedError,
    AtlasUnavailableError,
    CredentialsError,
)

DRAW = random.Random(3)  # noqa: S311 - not for secrets
type Pair = tuple[EmulatedRestore, EmulatedRestore]

FORBIDDEN = aws_error("sns", "AuthorizationError", status=403)
AT_ONCE = 8
"""Calls of one step to AWS that are under way at once."""


def pending_jobs(world: World, number: int) -> list[EmulatedRestore]:
    """Jobs that have ended, whose messages the topic refused."""
    checker, jobs = world.environment(), []
    for _ in range(number):
        jobs.append(world.finished_job())
        world.leave_pending(jobs[-1], checker)
    world.stack.forget_calls()
    return jobs


@pytest.fixture
def pair(world: World) -> Pair:
    """A job that has ended and one that has not; the topic refused the last message of both."""
    ended = world.recorded_job(timeline=["RUNNING", "COMPLETED"])
    running = world.recorded_job(timeline=["PENDING", "RUNNING"])
    for job in (ended, running):
        job.advance()
        world.leave_pending(job)
    world.pass_time(120)
    world.stack.forget_calls()
    return ended, running


def assert_published(world: World, pair: Pair) -> None:
    ended, running = pair
    assert world.published(ended) == ["RUNNING", "COMPLETED"]
    assert world.published(running) == ["PENDING", "RUNNING"]
    assert world.stored(ended) == Stored("COMPLETED", 2, 2)
    assert world.stored(running) == Stored("RUNNING", 2, 2)


# While Atlas says nothing


NO_ACCESS: dict[str, tuple[Selection, Action, type[ApplicationError]]] = {
    "token-refused": (TOKEN, oauth_error(401, "invalid_client", "x"), AtlasUnauthorizedError),
    "token-closed": (TOKEN, Close(), AtlasUnavailableError),
    "secret-denied": (SECRET, aws_error("secretsmanager", "AccessDenied"), CredentialsError),
    "key-refused": (QUESTION, atlas_error(401, "INVALID_KEY", "No."), AtlasUnauthorizedError),
}


@pytest.mark.campaign
@pytest.mark.fault("F70", "F55")
@pytest.mark.parametrize(("step", "answer", "error"), NO_ACCESS.values(), ids=NO_ACCESS)
def test_what_is_pending_is_published_before_a_sweep_without_credentials_fails(
    world: World,
    environment: Environment,
    pair: Pair,
    step: Selection,
    answer: Action,
    error: type[ApplicationError],
) -> None:
    world.inject(step, answer, times=None)
    world.raised(error, environment.tick)
    assert_published(world, pair)
    assert step == QUESTION or world.questions() == []
    assert environment.lines("swept") == []
    assert "owner" not in world.lease

    world.heal()
    assert environment.tick(11)["checked"] == 1


@pytest.mark.fault("F126")
def test_a_key_that_is_refused_fails_the_sweep_although_the_topic_refuses_a_message_too(
    world: World, environment: Environment, pair: Pair
) -> None:
    ended, _ = pair
    world.inject(QUESTION, atlas_error(401, "INVALID_KEY", "No."), times=None)
    with world.inject(within(PUBLISH, about(ended.restore_id)), FORBIDDEN, times=None):
        world.raised(AtlasUnauthorizedError, environment.tick)
    assert environment.lines("swept") == []


@pytest.mark.campaign
@pytest.mark.fault("F70", "F83")
@pytest.mark.parametrize("is_download", [False, True], ids=["forgotten", "link-expired"])
def test_a_job_that_is_over_for_atlas_does_not_leave_before_its_message_is_published(
    world: World, environment: Environment, *, is_download: bool
) -> None:
    steps = {"delivery_type": "DOWNLOAD", "timeline": ["COMPLETED"]} if is_download else {}
    job = world.job("flex", None, **steps)
    world.leave_pending(job)
    world.pass_time(120)
    world.atlas.hide_restore(job)
    with world.inject(PUBLISH, FORBIDDEN, times=None):
        environment.ticks(15, minutes=110)
    assert world.is_open(job)

    assert environment.tick()["published"] == 1
    environment.tick(60)
    assert not world.is_open(job)


# While the topic refuses or hangs


@pytest.mark.fault("F104")
def test_what_the_topic_refuses_for_ever_holds_up_no_other_message(
    world: World, environment: Environment
) -> None:
    refused = [job.restore_id for job in pending_jobs(world, 9)]
    denied = aws_error("sns", "InvalidParameter")
    world.inject(within(PUBLISH, about(*refused)), denied, times=None)
    environment.ticks(4)  # each is refused three at least

    for _ in range(3):
        (job,) = pending_jobs(world, 1)
        assert environment.tick()["published"] == 1
        assert world.published(job) == ["COMPLETED"]


def test_a_change_is_not_published_again_and_again_in_the_same_sweep(world: World) -> None:
    environment = world.environment(hot_rounds=True)
    jobs = world.recorded_jobs(2, clusters=1)
    for job in jobs:
        job.advance()
    with world.inject(PUBLISH, FORBIDDEN, times=None):
        result = environment.tick()

    assert (result["changed"], result["published"], world.count(PUBLISH)) == (2, 0, 2)
    assert [one["error"] for one in result["failures"]] == ["NotificationPendingError"] * 2
    assert [world.stored(job) for job in jobs] == [Stored("QUEUED", 2, 1)] * 2
    after = environment.tick()
    assert (after["changed"], after["published"]) == (0, 2)


REFUSING = {
    "in turns": lambda number: number % 3 != 2,
    "by chance": lambda _: DRAW.random() < 2 / 3,
}


@pytest.mark.campaign
@pytest.mark.fault("F118")
@pytest.mark.parametrize("refuses", REFUSING.values(), ids=REFUSING)
def test_a_topic_that_refuses_two_of_three_messages_gets_a_burst_within_minutes(
    world: World, refuses: Callable[[int], bool]
) -> None:
    jobs = world.recorded_jobs(60, timeline=["RUNNING", "COMPLETED"])
    for job in jobs:
        job.advance()
    environment, numbers = world.environment(), count()
    some = replace(PUBLISH, when=lambda _: refuses(next(numbers)))
    world.inject(some, aws_error("sns", "Throttled"), times=None)

    # A sweep sends each message once, so a third of those that are left goes out at the best.
    results = environment.ticks(8)
    assert sum(result["published"] for result in results) >= len(jobs) * 0.7
    world.heal()
    environment.tick()
    assert all(world.published(job) == ["RUNNING", "COMPLETED"] for job in jobs)


# Answers that a sweep owes to workflows


def owe_an_answer(world: World, jobs: list[EmulatedRestore]) -> None:
    """Step Functions does not take the answers to workflows that wait for these jobs."""
    down = aws_error("states", "ServiceUnavailable", status=503)
    environment = world.environment()
    with world.inject(TELL, down, times=None):
        for number, job in enumerate(jobs):
            wait = {"taskToken": f"{CANARY_TASK_TOKEN}-{number}", "waitUntil": "PENDING"}
            environment.answer(job.event | wait)
    world.stack.forget_calls()


@pytest.mark.fault("W11")
def test_an_answer_does_not_wait_for_a_topic_that_refuses(
    world: World, environment: Environment
) -> None:
    # Those that are refused at the same time count as one refusal.
    jobs = pending_jobs(world, 4 * AT_ONCE)
    owe_an_answer(world, world.recorded_jobs(1))

    with world.inject(PUBLISH, FORBIDDEN, times=None):
        environment.tick()
    assert [call.operation for call in world.calls(TELL)] == ["SendTaskSuccess"]
    assert len(world.calls(PUBLISH)) < len(jobs)
    assert [world.published(job) for job in jobs] == [[]] * len(jobs)


@pytest.mark.fault("W11")
def test_a_message_does_not_wait_for_step_functions_that_do_not_answer(
    world: World, environment: Environment
) -> None:
    """Also one that the topic refused a moment ago, so that its turn comes after others."""
    (job,) = pending_jobs(world, 1)
    owe_an_answer(world, world.recorded_jobs(AT_ONCE))
    down = aws_error("states", "ServiceUnavailable", status=503)
    with world.inject(PUBLISH, FORBIDDEN, times=None), world.inject(TELL, down, times=None):
        environment.tick()
    assert world.published(job) == []

    with world.hold(TELL) as gate:
        sweep = world.begin(environment.tick)
        gate.wait_for(AT_ONCE)
        assert world.published(job) == ["COMPLETED"]
        gate.open()
        sweep.end()


@pytest.mark.fault("W3")
def test_since_when_an_answer_is_due_does_not_move_with_each_sweep(
    world: World, environment: Environment
) -> None:
    (job,) = world.recorded_jobs(1)
    owe_an_answer(world, [job])
    since = (world.item(job) or {})["unansweredSince"]

    with world.inject(TELL, aws_error("states", "ServiceUnavailable", status=503), times=None):
        environment.tick()
        assert world.count(TELL) >= 1
    assert (world.item(job) or {})["unansweredSince"] == since


@pytest.mark.campaign
def test_a_slow_topic_takes_fifteen_seconds_of_a_sweep_at_most(
    world: World, environment: Environment
) -> None:
    pending_jobs(world, 60)
    running = world.recorded_job(timeline=["RUNNING"])
    begun, asked = world.uptime(), list[float]()

    with (
        world.whenever(PUBLISH, lambda: world.pass_time(1)),
        world.whenever(
            within(FLEX, about(running.restore_id)), lambda: asked.append(world.uptime() - begun)
        ),
    ):
        environment.sweep(seconds=110)

    assert asked[0] < 25  # what had begun is not stopped
