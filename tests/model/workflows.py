"""Workflows that wait with a task token: registered, answered, stopped, and never forgotten."""

import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from local_stack.canaries import CANARY_TASK_TOKEN
from local_stack.task_tokens import GONE, TaskTokens
from local_stack.wire import Call, Phase
from model import promises
from model.example import Example, Job, Outcome
from model.said import word_in

_numbers = itertools.count(1)


@dataclass
class Workflow:
    """
    A state that waits for a job.

    It is `stored` once the table has its token. It is over if Step Functions took an answer, if the
    state was stopped, or if an answer has been due for so long that it may be given up.
    """

    token: str
    job: Job
    wishes: set[str] = field(default_factory=set)
    stored: bool = False
    is_over: bool = False

    def event(self, until: str) -> dict[str, Any]:
        return self.job.event | {"taskToken": self.token, "waitUntil": until}

    def judge_registration(self, outcome: Outcome) -> None:
        """What was answered with a result is in the table."""
        assert outcome.error is not None or self.stored, "W5: a workflow is not stored"


class Workflows:
    """Every answer is judged as Step Functions gets it."""

    def __init__(self, example: Example) -> None:
        self._example = example
        self._states = TaskTokens(example.world.stack)
        self._broken: list[str] = []
        self._listener = example.world.aws.wire.listen(self._heard)
        self.known: dict[str, Workflow] = {}

    def close(self) -> None:
        self._listener.remove()
        self._states.close()

    def begin(self, job: Job, until: str, *, again: bool) -> Workflow:
        """A workflow that is going to wait; perhaps one that waits already."""
        if again and self.known:
            workflow = next(iter(self.known.values()))
        else:
            workflow = Workflow(f"{CANARY_TASK_TOKEN}-{next(_numbers)}-", job)
            self.known[workflow.token] = workflow
            self._states.wait(workflow.token)
        workflow.wishes.add(until)
        return workflow

    def stop(self, place: int, how: str) -> None:
        """A state that waits is stopped, or its time is over."""
        waiting = [one for one in self.known.values() if not one.is_over]
        if waiting:
            workflow = waiting[place % len(waiting)]
            workflow.is_over = True
            self._states.end(workflow.token, how)

    def judge(self) -> None:
        """Whoever waits is in the table."""
        assert not self._broken, self._broken
        for one in self.known.values():
            items = [*one.job.deleted, self._example.world.item(one.job.restore)]
            held = {token for item in items for _, token in promises.waits_of(item)}
            is_settled = one.is_over or not one.stored or one.token in held
            assert is_settled, "W5: a workflow that waits is forgotten"

    def judge_end(self) -> None:
        """Sweeps have answered whoever is due an answer."""
        for one in self.known.values():
            due = promises.due_of(self._example.world.item(one.job.restore))
            assert not due, f"W4: sweeps leave a workflow without an answer: {due}"

    def _heard(self, call: Call, phase: Phase) -> None:
        if not self.known or not any(by.made(call) for by in self._example.by):
            return
        is_update = call.operation == "UpdateItem" and phase == "after" and call.status == 200
        if is_update and b"ADD #waiting" in call.body:
            values = json.loads(call.body)["ExpressionAttributeValues"]
            (text,) = values[":waiting"]["SS"]
            self.known[text.partition(" ")[2]].stored = True
        elif call.service == "states":
            said = json.loads(call.body)
            workflow = self.known[said["taskToken"]]
            if phase == "before":
                try:
                    self._judge_answer(workflow, said)
                except AssertionError as broken:
                    self._broken.append(str(broken))
            elif call.status == 200:
                workflow.is_over = True
                self._states.end(workflow.token, GONE[0])

    def _judge_answer(self, workflow: Workflow, said: Mapping[str, Any]) -> None:
        """At the moment at which Step Functions gets it."""
        job, world, now = workflow.job, self._example.world, self._example.latest()
        told = json.loads(said.get("output") or said["cause"])
        assert told["restoreId"] == job.restore.restore_id, "W9: a workflow is told of another job"
        item = world.item(job.restore)
        items = [*([item] if item else []), *job.deleted]
        workflow.is_over |= any(promises.may_be_given_up(one, now) for one in items)
        answer = promises.SUCCESS if "output" in said else said["error"]
        assert word_in(told) in job.said, f"W9: Atlas never said {word_in(told)}"
        if answer == promises.NOT_FOLLOWED:
            is_left = any(
                promises.is_forgotten(one, now) or promises.may_have_left(one, now) for one in items
            )
            assert is_left, "W9: a workflow is told that its job is not followed, and it is"
            return
        received = world.messages(job.restore)
        promises.judge_told(workflow.wishes, answer, word_in(told), items, received)
