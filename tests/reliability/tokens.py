"""Workflows that wait in the model's world: how they are registered, answered, and judged."""

import itertools
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from foundation.deadline import Deadline
from local_stack.canaries import CANARY_TASK_TOKEN
from local_stack.task_tokens import GONE, TaskTokens
from local_stack.wire import Call, Phase
from reliability.checks import INVOCATION, Check, Checks, settle
from reliability.disturbances import NthCall, Predicate
from reliability.judgement import recorded_words
from reliability.sweep_judgement import is_forgotten, judge_open, may_have_left
from reliability.token_judgement import (
    NOT_FOLLOWED,
    SUCCESS,
    WAITS_LIMIT,
    due_of,
    judge_answer_sent,
    judge_left,
    may_be_given_up,
    waits_of,
    word_in,
)
from reliability.world_parts import Job

_numbers = itertools.count(1)


@dataclass
class Workflow:
    """
    A state that waits for a job with its token.

    `stored` is true once the table has the token, `answered` once Step Functions took an answer,
    `is_gone` if the state does not wait any more, for another reason. `is_hopeless` if an answer
    was sent so late that the token may be given up.
    """

    token: str
    job: Job
    until: set[str] = field(default_factory=set)
    stored: bool = False
    answered: bool = False
    is_gone: bool = False
    is_hopeless: bool = False


@dataclass
class BegunWait:
    """A registration that began, and the number of earlier calls to AWS."""

    workflow: Workflow
    slot: int
    check: Check
    deletions: int
    calls: int


class Tokens:
    """Lets workflows wait, and judges every answer as it is sent."""

    def __init__(self, checks: Checks) -> None:
        self._checks = checks
        self._world = checks.world
        self._states = TaskTokens(self._world.stack)
        self._wrong: list[AssertionError] = []
        self._known: dict[tuple[int, str], Mapping[str, Any]] = {}
        self._listener = self._world.stack.aws.wire.listen(self._heard)
        self.workflows: dict[str, Workflow] = {}

    def close(self) -> None:
        self._checks.tally["workflows"] += len(self.workflows)
        answered = sum(one.answered for one in self.workflows.values())
        self._checks.tally["workflows answered"] += answered
        self._listener.remove()
        self._states.close()

    # What workflows do

    def begin(self, slot: int, job: Job, until: str, again: Workflow | None = None) -> BegunWait:
        """Prepare the registration of a new workflow, or of one that waits already."""
        world = self._world
        workflow = again or self._new(job)
        workflow.until.add(until)
        environment = world.begin(slot)
        event = workflow.job.event | {"taskToken": workflow.token, "waitUntil": until}
        deadline = Deadline.after(INVOCATION, lambda: world.uptime)

        def answered() -> Mapping[str, Any]:
            return environment.application.answer(event, deadline)

        return BegunWait(
            workflow,
            slot,
            Check(answered),
            deletions=len(workflow.job.deleted),
            calls=len(world.stack.aws.wire.calls),
        )

    def register(self, slot: int, job: Job, until: str, again: Workflow | None = None) -> Workflow:
        """Register a workflow, with no check or sweep making progress beside it."""
        begun = self.begin(slot, job, until, again)
        begun.check.run()
        outcome = self.end(begun)
        job = begun.workflow.job
        failed = isinstance(outcome, BaseException)
        if failed or self._checks.is_dead(slot) or len(job.deleted) > begun.deletions:
            return begun.workflow
        if not self._met(begun.slot, begun.calls, "states", "sns", "dynamodb"):
            due = due_of(self._world.item(job))
            assert not due, f"W8: a workflow that is registered last is not answered: {due}"
        return begun.workflow

    @contextmanager
    def slow(
        self, slot: int, job: Job, until: str, when: Predicate, phase: Phase
    ) -> Iterator[None]:
        """Within the block a registration is held at its first such call."""
        made = self._world.made(slot)
        begun = self.begin(slot, job, until)
        nth = NthCall(lambda call: made(call) and when(call), 0)
        with self._world.stack.aws.wire.hold(phase=phase, when=nth) as gate:
            begun.check.start()
            settle([begun.check], [made], [gate])
            yield
        self.end(begun)

    def end(self, begun: BegunWait) -> object:
        """Wait for the end of a registration, and judge its result."""
        outcome = begun.check.end("registration")
        self._checks.outcomes.append(outcome)
        failed = isinstance(outcome, BaseException)
        self._checks.tally[f"wait: {type(outcome).__name__ if failed else 'registered'}"] += 1
        workflow = begun.workflow
        item = self._world.item(workflow.job)
        if type(outcome).__name__ == "TooManyWaitsError":
            assert len(waits_of(item)) == WAITS_LIMIT, "W7: a workflow is refused for no reason"
        elif not failed:
            assert workflow.stored, "W5: a registered workflow is not stored"
        if item is not None:
            judge_open(item)
        return outcome

    def stop(self, place: int, how: str) -> None:
        """One of the states that wait was stopped, or timed out."""
        waiting = [one for one in self.workflows.values() if not (one.answered or one.is_gone)]
        if waiting:
            workflow = waiting[place % len(waiting)]
            workflow.is_gone = True
            self._states.end(workflow.token, how)

    def again(self, place: int) -> Workflow | None:
        """A workflow that was registered before."""
        known = list(self.workflows.values())
        return known[place % len(known)] if known else None

    # What must hold

    def judge(self) -> None:
        """At a moment at which nothing is under way."""
        if self._wrong:
            raise self._wrong[0]
        for workflow in self.workflows.values():
            job = workflow.job
            held = {
                token for one in [*job.deleted, self._world.item(job)] for _, token in waits_of(one)
            }
            is_over = workflow.answered or workflow.is_gone or workflow.is_hopeless
            is_settled = is_over or workflow.token in held
            assert is_settled or not workflow.stored, "W5: a workflow that waits is forgotten"

    def judge_end(self) -> None:
        """After the last two sweeps: who still waits is not due an answer."""
        self.judge()
        for workflow in self.workflows.values():
            due = due_of(self._world.item(workflow.job))
            assert not due, f"W4: two sweeps leave a workflow without an answer: {due}"

    def _met(self, slot: int, since: int, *services: str) -> bool:
        """A fault met a call of this slot to one of these services since so many calls to AWS."""
        made = self._world.made(slot)
        calls = self._world.stack.aws.wire.calls[since:]
        return any(
            call.service in services and made(call) and self._world.disturbances.met(call)
            for call in calls
        )

    def _new(self, job: Job) -> Workflow:
        workflow = Workflow(f"{CANARY_TASK_TOKEN}-{next(_numbers)}-", job)
        self.workflows[workflow.token] = workflow
        self._states.wait(workflow.token)
        return workflow

    # What the wire shows

    def _heard(self, call: Call, phase: Phase) -> None:
        if not self.workflows:
            return
        slot = next((n for n, by in enumerate(self._world.clients) if by.made(call)), None)
        if slot is None:
            return
        if call.operation == "UpdateItem" and phase == "after":
            self._stored(slot, json.loads(call.body), call.status)
        elif call.service == "states":
            self._answered(slot, json.loads(call.body), call.status, phase)

    def _stored(self, slot: int, update: Mapping[str, Any], status: int | None) -> None:
        """Remember how the job is stored when an environment has written, which reads it too."""
        restore_id = update["Key"]["restoreId"]["S"]
        job = next((one.job for one in self.workflows.values() if _id(one.job) == restore_id), None)
        if job is None:
            return
        item = self._world.stack.item(*job.cluster, restore_id)
        if item is not None:
            self._known[slot, restore_id] = item
        if status == 200 and "ADD #waiting" in update["UpdateExpression"]:
            _, _, token = update["ExpressionAttributeValues"][":text"]["S"].partition(" ")
            self.workflows[token].stored = True

    def _answered(
        self, slot: int, said: Mapping[str, Any], status: int | None, phase: Phase
    ) -> None:
        workflow = self.workflows[said["taskToken"]]
        if phase == "after":
            if status == 200:
                workflow.answered = True
                self._states.end(workflow.token, GONE[0])
            return
        try:
            self._judge_answer(slot, workflow, said)
        except AssertionError as wrong:
            self._wrong.append(wrong)

    def _judge_answer(self, slot: int, workflow: Workflow, said: Mapping[str, Any]) -> None:
        """At the moment at which Step Functions gets it."""
        job, world = workflow.job, self._world
        told = json.loads(said.get("output") or said["cause"])
        assert told["restoreId"] == _id(job), "W9: a workflow is told of another job"
        item = self._known[slot, _id(job)]
        workflow.is_hopeless |= may_be_given_up(item, world.clock.latest)
        answer = SUCCESS if "output" in said else said["error"]
        word = word_in(told)
        assert word in job.said, f"W9: a workflow is told what Atlas never said: {word}"
        if answer == NOT_FOLLOWED:
            now = world.clock.latest
            assert word == recorded_words(item)[-1], "W9: a workflow is told an older state"
            given_up = is_forgotten(item, now) or may_have_left(item, now)
            judge_left(workflow.until, item, is_given_up=given_up)
            return
        items = [item, *job.deleted]
        judge_answer_sent(workflow.until, answer, word, items, world.received(job))


def _id(job: Job) -> str:
    restore_id: str = job.restore.restore_id
    return restore_id
