"""Workflows that wait for a job with a task token: answered once, truly, and never forgotten."""

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from behaviour.projects import project_with
from behaviour.rows import pairs, rows
from local_stack.atlas import EmulatedRestore
from local_stack.aws import aws_error
from local_stack.connections import Connections
from local_stack.environment import Environment
from local_stack.running import wait_until_held_or_over
from local_stack.steps import ACKNOWLEDGE, LEAVE, PUBLISH, QUESTION, RECORD, TELL, WAIT
from local_stack.task_tokens import TaskTokens
from local_stack.wire import Action, Answer, Call, Close, Phase, Reset, Selection
from local_stack.world import World, within
from restore_watch.errors import NotificationPendingError, TableUnavailableError, TooManyWaitsError

HOUR = 3600.0
DAY = 24 * HOUR
NOT_FOLLOWED = "RestoreNotFollowed"

DENIED = aws_error("states", "AccessDeniedException")
THROTTLED = aws_error("states", "ThrottlingException")

DOWNLOADED = ["running", "download-ready", "expired"]

_numbers = itertools.count(1)


class Waiting:
    """States of a workflow that wait, and what Step Functions was told about them."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.states = TaskTokens(world.stack)
        self._tokens: set[str] = set()

    def wait(
        self, job: EmulatedRestore, until: str = "ended", by: Environment | None = None
    ) -> str:
        """A state waits for the job from now on. Return its token."""
        token = f"canary-task-token-{next(_numbers)}"
        self.states.wait(token)
        self.register(job, token, until, by)
        return token

    def register(
        self, job: EmulatedRestore, token: str, until: str = "ended", by: Environment | None = None
    ) -> dict[str, Any]:
        self._tokens.add(token)
        event = job.event | {"taskToken": token, "waitUntil": until}
        return (by or self.world.environment()).answer(event)

    def told(self) -> list[tuple[str, str]]:
        """The token of each answer since the calls were forgotten, and the error or the status."""
        answers = []
        for call in self.world.calls(TELL):
            said = json.loads(call.body)
            job = json.loads(said.get("output") or said["cause"])
            # A call that hung in an earlier test may end in this one.
            if said["taskToken"] in self._tokens:
                answers.append((said["taskToken"], said.get("error", job["status"])))
        return answers

    def is_settled(self, job: EmulatedRestore) -> bool:
        """Nobody waits, and the job is not followed any more."""
        item = self.world.item(job) or {}
        is_over = "openShard" not in item and "expiresAt" in item
        return is_over and not {"waiting", "unansweredSince"} & set(item)


@pytest.fixture
def waiting(world: World) -> Iterator[Waiting]:
    made = Waiting(world)
    yield made
    made.states.close()


PHASES: dict[str, Phase] = {"before": "before", "after": "after"}


@pytest.fixture
def job(world: World) -> EmulatedRestore:
    """A recorded job that runs; its next step is its end."""
    return world.recorded_job(timeline=["RUNNING", "COMPLETED"])


# The environment dies


@pytest.mark.fault("W1", "W2", "F1", "F2")
@pytest.mark.parametrize(
    ("step", "phase"),
    pairs(
        {"record": RECORD, "publish": PUBLISH, "tell": TELL, "acknowledge": ACKNOWLEDGE},
        PHASES,
        "tell-before",
        "tell-after",
        "acknowledge-before",
    ),
)
def test_a_workflow_is_answered_whichever_step_the_function_dies_at(
    world: World, waiting: Waiting, job: EmulatedRestore, step: Selection, phase: Phase
) -> None:
    token = waiting.wait(job)
    job.advance()
    dying = world.environment()
    with world.death(dying, step, phase), pytest.raises(Exception):  # noqa: B017, PT011
        world.check(job, dying)

    world.environment().sweep()

    assert waiting.is_settled(job)
    assert set(waiting.told()) == {(token, "COMPLETED")}
    assert world.published(job)[-1] == "COMPLETED"


@pytest.mark.fault("W5")
def test_a_wait_that_is_over_when_its_registration_dies_is_answered_by_a_sweep(
    world: World, waiting: Waiting, job: EmulatedRestore
) -> None:
    dying = world.environment()
    with world.death(dying, WAIT, "after"), pytest.raises(TableUnavailableError):
        waiting.wait(job, "RUNNING", dying)

    world.environment().sweep()

    assert [status for _, status in waiting.told()] == ["RUNNING"]


# Step Functions refuses

STATES_FAULTS: dict[str, Action] = {
    "500": Answer(500),
    "400": Answer(400),
    "closed": Close(),
    "reset": Reset(),
    "throttled": THROTTLED,
    "forbidden": DENIED,
}


@pytest.mark.fault("W3")
@pytest.mark.parametrize(
    ("fault", "phase"),
    pairs(STATES_FAULTS, PHASES, "500-after", "throttled-before", campaign=()),
)
def test_an_answer_that_step_functions_does_not_take_is_sent_by_the_next_sweep(
    world: World, waiting: Waiting, fault: Action, phase: Phase
) -> None:
    job = world.recorded_job(timeline=["RUNNING", "FAILED"])
    token = waiting.wait(job)
    job.advance()
    # A call of an earlier test that is repeated late may come between.
    with world.inject(TELL, fault, phase=phase, times=None):
        world.check(job)
    assert not waiting.is_settled(job)

    world.environment().sweep()

    assert waiting.is_settled(job)
    assert waiting.told() == [(token, "RestoreFailed")] * 2
    assert world.published(job) == ["RUNNING", "FAILED"]


@pytest.mark.campaign
@pytest.mark.fault("W4")
@pytest.mark.parametrize(
    "how",
    rows(
        {how: how for how in ("TaskTimedOut", "TaskDoesNotExist", "InvalidToken")}, "TaskTimedOut"
    ),
)
def test_a_token_that_is_gone_holds_up_neither_message_nor_others(
    world: World, waiting: Waiting, job: EmulatedRestore, how: str
) -> None:
    gone, other = waiting.wait(job), waiting.wait(job)
    waiting.states.end(gone, how)
    job.advance()

    world.check(job)

    assert world.published(job) == ["RUNNING", "COMPLETED"]
    assert (other, "COMPLETED") in waiting.told()
    assert waiting.is_settled(job)


@pytest.mark.campaign
@pytest.mark.fault("F96")
@pytest.mark.parametrize(
    ("fault", "days", "given_up"),
    [(DENIED, 6.9, False), (DENIED, 7.1, True), (THROTTLED, 364, False), (THROTTLED, 366, True)],
    ids=["denied-6.9", "denied-7.1", "throttled-364", "throttled-366"],
)
def test_a_token_that_is_refused_for_good_is_given_up_after_its_time(
    world: World,
    waiting: Waiting,
    job: EmulatedRestore,
    fault: Action,
    days: float,
    *,
    given_up: bool,
) -> None:
    waiting.wait(job)
    job.advance()
    with world.inject(TELL, fault, times=None):
        world.check(job)
        world.pass_time(days * DAY)
        world.environment().sweep()
    assert waiting.is_settled(job) is given_up
    world.stack.forget_calls()

    world.environment().sweep()

    assert bool(waiting.told()) is not given_up
    assert waiting.is_settled(job)


# Others do something at the same time


@contextmanager
def while_checked(
    world: World, job: EmulatedRestore, patient: Connections, step: Selection
) -> Iterator[None]:
    """Within the block, a check of the job stands before this step; then it ends."""
    slow = world.environment(patient)
    with world.hold(within(step, Selection(when=patient.made))) as gate:
        checking = world.begin(lambda: world.check(job, slow))
        wait_until_held_or_over([checking], [gate])
        yield
        gate.open()
        checking.end()


@pytest.mark.fault("W3", "W5")
@pytest.mark.parametrize(
    "reached", rows({reached: reached for reached in ("ended", "ready", "running")}, "ended")
)
def test_a_workflow_that_comes_then_and_gets_no_answer_gets_it_from_the_next_sweep(
    world: World, waiting: Waiting, job: EmulatedRestore, patient: Connections, reached: str
) -> None:
    """
    Also for a download that is ready, and a restore that runs, which are followed further.

    Whether Atlas answers about the job then makes no difference.
    """
    until = "RUNNING" if reached == "running" else "COMPLETED"
    if reached == "ready":
        job = world.recorded_job("dedicated", delivery_type="download", timeline=DOWNLOADED)
    if reached == "running":
        job = world.recorded_job(timeline=["PENDING", "RUNNING", "COMPLETED"])
    # So the check that answers it finds the mark that an answer may be due.
    dying = world.environment()
    with world.death(dying, WAIT, "after"), pytest.raises(TableUnavailableError):
        waiting.wait(job, until, dying)
    job.advance()
    with while_checked(world, job, patient, ACKNOWLEDGE):
        with world.inject(TELL, THROTTLED, times=None):
            second = waiting.wait(job, until)
        world.stack.forget_calls()
    assert waiting.told() == []

    with world.inject(QUESTION, Answer(503), times=None):
        world.environment().sweep()
    assert (second, until) in waiting.told()
    assert waiting.is_settled(job) is (reached == "ended")


@pytest.mark.fault("W5")
def test_a_workflow_that_comes_while_another_is_answered_waits_for_its_own_end(
    world: World, waiting: Waiting, patient: Connections
) -> None:
    job = world.recorded_job("dedicated", delivery_type="download", timeline=DOWNLOADED)
    waiting.wait(job, "COMPLETED")
    job.advance()
    with while_checked(world, job, patient, ACKNOWLEDGE):
        second = waiting.wait(job, "EXPIRED")
    world.stack.forget_calls()
    job.advance()
    world.check(job)

    assert waiting.told() == [(second, "EXPIRED")]


@pytest.mark.fault("W12")
def test_a_job_that_is_deleted_while_a_workflow_is_registered_is_registered_by_the_next_try(
    world: World, waiting: Waiting, job: EmulatedRestore
) -> None:
    def delete(call: Call, phase: Phase) -> None:
        if phase == "before" and WAIT.covers(call):
            world.delete(job)

    deleting = world.aws.wire.listen(delete)
    with deleting, pytest.raises(TableUnavailableError, match="deleted"):
        waiting.register(job, "canary-task-token")

    assert waiting.register(job, "canary-task-token")["status"] == "RUNNING"


@pytest.mark.fault("W12")
def test_a_registration_succeeds_once_the_wait_is_stored(
    world: World, waiting: Waiting, job: EmulatedRestore
) -> None:
    """A workflow whose state fails would not get the answer that a sweep sends it."""
    down = aws_error("dynamodb", "InternalServerError", status=500)
    with world.inject(ACKNOWLEDGE, down, times=None) as injected:
        token = waiting.wait(job, "RUNNING")
    assert injected.hits > 0

    world.environment().sweep()

    assert (token, "RUNNING") in waiting.told()
    assert "waiting" not in (world.item(job) or {})


# How many, how often


@pytest.mark.fault("W6")
def test_a_token_that_is_registered_twice_is_stored_once(
    world: World, waiting: Waiting, job: EmulatedRestore
) -> None:
    token = waiting.wait(job)
    waiting.register(job, token)
    assert (world.item(job) or {})["waiting"] == {f"ended {token}"}
    job.advance()

    world.check(job)
    waiting.states.end(token)
    waiting.register(job, token)

    # The second answer meets a token that was used.
    assert waiting.told() == [(token, "COMPLETED")] * 2
    assert waiting.is_settled(job)


@pytest.mark.fault("W7")
def test_twenty_workflows_are_answered_and_one_more_is_refused(
    world: World, waiting: Waiting, job: EmulatedRestore
) -> None:
    tokens = [waiting.wait(job) for _ in range(20)]
    world.raised(TooManyWaitsError, lambda: waiting.wait(job))
    waiting.register(job, tokens[0])
    job.advance()

    world.check(job)

    assert sorted(waiting.told()) == sorted((token, "COMPLETED") for token in tokens)
    assert waiting.is_settled(job)


@pytest.mark.fault("W8")
@pytest.mark.parametrize("is_known", [True, False])
def test_a_restore_that_has_ended_answers_at_once(
    world: World, waiting: Waiting, *, is_known: bool
) -> None:
    job = world.recorded_job(timeline=["COMPLETED"]) if is_known else world.finished_job()

    token = waiting.wait(job)

    assert waiting.told() == [(token, "COMPLETED")]
    assert waiting.is_settled(job)


# A job that leaves the index


def missed_for_a_day(world: World, job: EmulatedRestore) -> Environment:
    """An environment that has missed the job for a day and nearly a quarter of an hour."""
    world.atlas.hide_restore(job)
    environment = world.environment()
    for seconds in (300, DAY, 300, 300):
        world.pass_time(seconds)
        environment.sweep()
    world.pass_time(420)
    return environment


@pytest.mark.fault("W9")
@pytest.mark.parametrize("is_found", [True, False])
def test_only_a_job_that_stays_forgotten_is_given_up(
    world: World, waiting: Waiting, job: EmulatedRestore, *, is_found: bool
) -> None:
    token = waiting.wait(job)
    environment = missed_for_a_day(world, job)

    def find(call: Call, phase: Phase) -> None:
        if is_found and phase == "before" and LEAVE.covers(call):
            world.atlas.show_restore(job)
            world.check(job)

    with world.aws.wire.listen(find):
        environment.sweep()
    world.atlas.show_restore(job)
    job.advance()
    world.check(job)

    assert waiting.told() == [(token, "COMPLETED" if is_found else NOT_FOLLOWED)]


@pytest.mark.fault("W9")
def test_no_workflow_is_told_so_before_the_last_change_is_published(
    world: World, waiting: Waiting, job: EmulatedRestore
) -> None:
    token = waiting.wait(job, "EXPIRED")
    job.advance()
    with world.inject(PUBLISH, Answer(400), times=None):
        world.refused(NotificationPendingError, job)
        missed_for_a_day(world, job).sweep()
        assert waiting.told() == []

    world.environment().sweep()

    assert waiting.told() == [(token, "RestoreCompleted")]
    assert world.published(job) == ["RUNNING", "COMPLETED"]


@pytest.mark.fault("W9")
def test_a_workflow_that_is_due_a_success_gets_it_after_the_link_has_expired(
    world: World, waiting: Waiting
) -> None:
    """Step Functions does not take the answer until the job leaves the index."""
    job = world.recorded_job(delivery_type="DOWNLOAD", timeline=["RUNNING", "COMPLETED"])
    token = waiting.wait(job)
    job.advance()
    with world.inject(TELL, THROTTLED, times=None):
        world.check(job)
        world.pass_time(25 * HOUR)
        world.environment().sweep()
        assert set(waiting.told()) == {(token, "COMPLETED")}
    world.stack.forget_calls()

    world.environment().sweep()

    assert waiting.told() == [(token, "COMPLETED")]
    assert waiting.is_settled(job)


@pytest.mark.campaign
@pytest.mark.fault("F96")
def test_a_denied_answer_about_a_job_that_atlas_refuses_is_sent_again_for_a_week(
    world: World, waiting: Waiting, job: EmulatedRestore
) -> None:
    """The week begins when the job is left: a week after its project was taken out."""
    waiting.wait(job)
    world.watching().tick()
    environment = world.watching(project_with(world))
    world.atlas.lock_out(world.group)
    environment.tick()
    with world.inject(TELL, DENIED, times=None) as denied:
        for days, is_kept in ((7, True), (6, True), (2, False)):
            world.pass_time(days * DAY)
            environment.ticks(5, minutes=5)
            assert denied.hits > 0
            assert ({"openShard", "waiting"} <= set(world.known_item(job))) is is_kept
    assert not {"openShard", "waiting"} & set(world.known_item(job))


@pytest.mark.campaign
@pytest.mark.fault("F96")
@pytest.mark.parametrize("is_download", [True, False], ids=["link-gone", "forgotten"])
def test_a_job_leaves_the_index_although_a_token_is_denied_for_good(
    world: World, waiting: Waiting, job: EmulatedRestore, *, is_download: bool
) -> None:
    if is_download:
        job = world.recorded_job("dedicated", delivery_type="download", timeline=["download-ready"])
    waiting.wait(job, "EXPIRED")
    with world.inject(TELL, DENIED, times=None):
        environment = world.environment() if is_download else missed_for_a_day(world, job)
        environment.sweep()
        world.pass_time(6.5 * DAY)
        environment.sweep()
        assert "openShard" in (world.item(job) or {})
        world.pass_time(2 * DAY)
        environment.ticks(5, minutes=5)

    item = world.item(job) or {}
    assert not {"openShard", "waiting"} & set(item)
