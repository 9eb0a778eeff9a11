"""What fails while workflows wait, step by step. The model's judges look at every answer too."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from local_stack.stack import LocalStack
from local_stack.task_tokens import GONE
from local_stack.wire import Phase
from reliability.checks import has_effect
from reliability.drawn import DrawnJob
from reliability.sweep_overlaps import HELD
from reliability.token_judgement import WAITS_LIMIT
from reliability.token_rules import STATES_FAULTS, TokenRules, asks_states
from reliability.tokens import Workflow
from reliability.world_parts import Job
from restore_watch.model.restore_job import RestoreKind

CHANGED = ("record", "publish", "answer", "note")
"""The steps of a check that sees a wait end."""


class Play(TokenRules):
    """One Flex restore that is recorded as RUNNING, and has one more step."""

    def begin(self, *timeline: str, delivery: str = "RESTORE") -> Job:
        self.restores_begin([DrawnJob(RestoreKind.FLEX, delivery, timeline)])
        self.check_now()
        return self.only

    @property
    def only(self) -> Job:
        return self.world.jobs[0]

    def check_now(self) -> None:
        self.checks.run(0, self.only)

    def wait(self, until: str = "ended", again: Workflow | None = None) -> Workflow:
        with self.sweeps.watched():
            return self.tokens.register(1, self.only, until, again)

    def answers(self) -> list[tuple[str, str]]:
        """The token of each answer, and the error or the status that was told."""
        told = []
        for call in self.stack.aws.wire.calls:
            if asks_states(call) and "SendTask" in call.operation:
                said = json.loads(call.body)
                job = json.loads(said.get("output") or said["cause"])
                told.append((said["taskToken"], said.get("error", job["status"])))
        return told

    def is_settled(self) -> bool:
        """Nobody waits, and the job is not followed any more."""
        item = self.world.item(self.only) or {}
        is_over = "openShard" not in item and "expiresAt" in item
        return is_over and not {"waiting", "unansweredSince"} & set(item)

    def published(self) -> list[str]:
        return [one.event["data"]["status"] for one in self.world.received(self.only)]


@contextmanager
def playing(stack: LocalStack, *timeline: str, delivery: str = "RESTORE") -> Iterator[Play]:
    """What must hold of every answer and of the job is judged at the end of the block."""
    Play.stack = stack
    play = Play()
    try:
        play.begin(*(timeline or ("RUNNING", "COMPLETED")), delivery=delivery)
        yield play
    finally:
        play.teardown()


@pytest.mark.fault("W1", "W2", "F1", "F2")
@pytest.mark.parametrize("phase", ["before", "after"])
@pytest.mark.parametrize("step", range(len(CHANGED)), ids=CHANGED)
def test_a_workflow_is_answered_whichever_step_the_function_dies_at(
    stack: LocalStack, step: int, phase: Phase
) -> None:
    with playing(stack) as play:
        workflow = play.wait()
        play.world.advance(play.only)
        with play.checks.death(0, step, phase, among=has_effect):
            play.check_now()
        was_answered = step > CHANGED.index("answer") or (step, phase) == (2, "after")
        assert workflow.answered is was_answered

        play.sweeps.run(1)

        assert (workflow.answered, play.is_settled()) == (True, True)
        assert set(play.answers()) == {(workflow.token, "COMPLETED")}


@pytest.mark.fault("W3")
@pytest.mark.parametrize("phase", ["before", "after"])
@pytest.mark.parametrize("fault", STATES_FAULTS)
def test_an_answer_that_step_functions_does_not_take_is_sent_by_the_next_sweep(
    stack: LocalStack, fault: str, phase: Phase
) -> None:
    with playing(stack, "RUNNING", "FAILED") as play:
        workflow = play.wait()
        play.world.advance(play.only)
        action = STATES_FAULTS[fault]
        with play.world.disturbances.within(asks_states, phase, action, action):
            play.check_now()
        assert play.published() == ["RUNNING", "FAILED"]
        assert not play.is_settled()

        play.sweeps.run(1)

        assert play.is_settled()
        assert play.answers() == [(workflow.token, "RestoreFailed")] * 2
        assert play.published() == ["RUNNING", "FAILED"]


@pytest.mark.fault("W4")
@pytest.mark.parametrize("how", GONE)
def test_a_token_that_is_gone_holds_up_neither_message_nor_others(
    stack: LocalStack, how: str
) -> None:
    with playing(stack) as play:
        workflows = [play.wait(), play.wait()]
        play.tokens.stop(0, how)
        play.world.advance(play.only)

        play.check_now()

        assert play.published() == ["RUNNING", "COMPLETED"]
        assert [one.answered for one in workflows] == [False, True]
        assert play.is_settled()


@pytest.mark.fault("W5")
@pytest.mark.parametrize("kind", ["record", "publish", "answer", "note"])
def test_a_workflow_that_waits_while_a_sweep_settles_its_job_is_answered(
    stack: LocalStack, kind: str
) -> None:
    with playing(stack) as play:
        first = play.wait()
        play.world.advance(play.only)
        with play.sweeps.watched(), play.sweeps.slow(0, HELD[kind]):  # type: ignore[index]
            second = play.tokens.register(1, play.only, "ended")
        play.sweeps.run(1)

        assert (first.answered, second.answered, play.is_settled()) == (True, True, True)


@pytest.mark.fault("W5")
def test_a_workflow_that_waits_while_another_one_is_answered_is_not_lost_sight_of(
    stack: LocalStack,
) -> None:
    """Its environment dies, and a registration that was slower takes the mark of its own away."""
    with playing(stack) as play:
        slow = play.tokens.slow(0, play.only, "ended", HELD["note"], "before")
        with play.sweeps.watched(), slow, play.checks.death(1, 0, "after", among=has_effect):
            dead = play.tokens.register(1, play.only, "RUNNING")
        assert play.answers() == []

        play.sweeps.run(1)

        assert play.answers() == [(dead.token, "RUNNING")]


DENIED, THROTTLED = "forbidden", "throttled"


@pytest.mark.fault("F96")
@pytest.mark.parametrize(
    ("fault", "days", "given_up"),
    [(DENIED, 6.9, False), (DENIED, 7.1, True), (THROTTLED, 364, False), (THROTTLED, 366, True)],
)
def test_a_token_that_is_refused_for_good_is_given_up_after_its_time(
    stack: LocalStack, fault: str, days: float, *, given_up: bool
) -> None:
    with playing(stack) as play:
        workflow = play.wait()
        play.world.advance(play.only)
        play.world.disturbances.last(asks_states, STATES_FAULTS[fault])
        play.check_now()
        play.world.pass_time(days * 86_400)
        play.sweeps.run(0)

        assert play.is_settled() is given_up
        play.world.disturbances.clear()
        play.sweeps.run(1)

        assert workflow.answered is not given_up
        assert play.is_settled()


@pytest.mark.fault("W6")
def test_a_token_that_is_registered_twice_is_stored_once(stack: LocalStack) -> None:
    with playing(stack) as play:
        workflow = play.wait()
        play.wait(again=workflow)
        item = play.world.item(play.only) or {}
        assert item["waiting"] == {f"ended {workflow.token}"}
        play.world.advance(play.only)

        play.check_now()
        play.wait(again=workflow)

        # The second answer meets a token that was used.
        assert play.answers() == [(workflow.token, "COMPLETED")] * 2
        assert play.is_settled()


@pytest.mark.fault("W7")
def test_twenty_workflows_are_answered_and_one_more_is_refused(stack: LocalStack) -> None:
    with playing(stack) as play:
        workflows = [play.wait() for _ in range(WAITS_LIMIT)]
        surplus = play.wait()
        assert type(play.checks.outcomes[-1]).__name__ == "TooManyWaitsError"
        play.wait(again=workflows[0])
        play.world.advance(play.only)

        play.check_now()

        assert all(one.answered for one in workflows)
        assert (surplus.stored, surplus.answered, play.is_settled()) == (False, False, True)


@pytest.mark.fault("W8")
@pytest.mark.parametrize("known", [True, False])
def test_a_restore_that_has_ended_answers_at_once(stack: LocalStack, *, known: bool) -> None:
    with playing(stack, "COMPLETED") as play:
        if not known:
            play.world.delete(play.only)

        workflow = play.wait()

        assert play.answers() == [(workflow.token, "COMPLETED")]
        assert play.is_settled()


@pytest.mark.fault("W9")
@pytest.mark.parametrize("is_found", [True, False])
def test_only_a_job_that_stays_forgotten_is_given_up(stack: LocalStack, *, is_found: bool) -> None:
    with playing(stack) as play:
        workflow = play.wait()
        play.world.hide(play.only)
        for pause in (300, 12 * 3600, 12 * 3600 + 60):
            play.world.pass_time(pause)
            play.sweeps.run(0)
        play.world.pass_time(960)
        with play.sweeps.watched(), play.sweeps.slow(0, HELD["leave"]):
            if is_found:
                play.world.show(play.only)
                play.checks.run(1, play.only)
        play.world.show(play.only)
        play.world.advance(play.only)

        play.checks.run(1, play.only)

        told = "COMPLETED" if is_found else "RestoreNotFollowed"
        assert play.answers() == [(workflow.token, told)]


@pytest.mark.fault("W9")
def test_a_workflow_that_step_functions_refused_for_a_day_is_told_of_the_end(
    stack: LocalStack,
) -> None:
    """The link of its download is gone by then, and the job leaves the index."""
    with playing(stack, "RUNNING", "COMPLETED", delivery="DOWNLOAD") as play:
        workflow = play.wait()
        play.world.advance(play.only)
        refused = STATES_FAULTS["throttled"]
        play.world.disturbances.last(asks_states, refused)
        play.check_now()
        play.world.pass_time(25 * 3600)
        play.sweeps.run(0)

        told = set(play.answers())
        play.world.disturbances.clear()
        play.sweeps.run(1)

        assert told == {(workflow.token, "COMPLETED")}
        assert workflow.answered
