"""
The built function in its real runtime, killed at random moments.

Each seed is one restore, or several that one EventBridge event names. It moves on, several
environments check it at once, and one of them is killed: at a random call on the wire, before or
after its effect, or at a random moment of the clock, or it is frozen until Lambda's own timeout
kills it. Then everything works again, and after two more checks the promise must hold.
"""

import itertools
import random
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from typing import Any, Self

from local_stack.atlas import EmulatedRestore, Kind
from local_stack.runtime import Invocation, LambdaRuntime, Outcome, RuntimePool
from local_stack.stack import LocalStack, from_function
from local_stack.wire import Call, Close, Fault, Phase
from reliability.judgement import (
    Word,
    judge_done,
    judge_history,
    judge_messages,
    judge_secrecy,
    word_of,
)
from restore_watch.event.event import DETAIL_TYPE

GROUP = "6a1f3c9e5b7d204e8c61f0a3"

TIMELINES: tuple[tuple[Kind, str, tuple[str, ...]], ...] = (
    ("flex", "RESTORE", ("PENDING", "QUEUED", "RUNNING", "COMPLETED")),
    ("flex", "RESTORE", ("PENDING", "RUNNING", "FAILED")),
    ("flex", "RESTORE", ("RUNNING", "PAUSED", "COMPLETED")),
    ("flex", "RESTORE", ("CANCELLING", "HALTED", "HALTED+finished", "CANCELED")),
    ("flex", "DOWNLOAD", ("RUNNING", "COMPLETED", "FAILED")),
    ("dedicated", "automated", ("running", "finished")),
    ("dedicated", "automated", ("running", "cancelled")),
    ("dedicated", "download", ("running", "download-ready", "expired")),
    ("dedicated", "download", ("running", "download-ready", "cancelled")),
)

SEVERAL = 0.25
"""The share of seeds in which one EventBridge event names several restores."""

CALLS = 4
"""A warm check that changes something makes so many."""

SLOWEST = 0.06
"""Seconds within which a warm check that changes something has ended."""

FREEZES = 0.01
"""The share of seeds that freeze an environment, each taking as long as Lambda's timeout."""

TIMEOUT = 3
"""Seconds after which the runtime kills an invocation, instead of the template's minute."""


class Course:
    """A restore on its way through its timeline, and what Atlas has said about it."""

    def __init__(self, restore: EmulatedRestore, kind: Kind, steps: int) -> None:
        self.restore = restore
        self.said: list[Word] = []
        self._kind = kind
        self._left = steps
        self._steps: list[str] = []
        self._note()

    def advance(self) -> None:
        """Take the next step, if there is one."""
        if self._left:
            self.restore.advance()
            self._note()

    def _note(self) -> None:
        self._left -= 1
        self._steps.append(self.restore.step)
        self.said.append(word_of(self._kind, self.restore.delivery_type, self._steps))


class KillCampaign:
    """Plays seeds on a stack, with environments of its own; `tally` counts what happened."""

    def __init__(self, stack: LocalStack, environments: int = 3) -> None:
        self.stack = stack
        self.tally: Counter[str] = Counter()
        self._blocks = ExitStack()
        product = stack.pool.runtimes[0].environment
        # Without hot jobs a sweep ends as soon as it has asked about each job.
        product = replace(product, variables={**product.variables, "HOT_SECONDS": "0"})
        like = replace(product, timeout_seconds=TIMEOUT)
        self.runtimes = self._blocks.enter_context(RuntimePool(environments, like)).runtimes
        # Nobody kills this one, and its timeout is the template's.
        self.survivor = self._blocks.enter_context(RuntimePool(1, product))
        self._threads = self._blocks.enter_context(ThreadPoolExecutor(2 * environments))
        stack.atlas.behaviour.lift_limits()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._blocks.close()

    def play(self, seed: int) -> None:
        """Raise AssertionError when a promise is broken; the same seed draws the same restore."""
        chance = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
        count = chance.choice((2, 3)) if chance.random() < SEVERAL else 1
        timelines = [chance.choice(TIMELINES) for _ in range(count)]
        courses = [self.begin(*one, f"{seed}-{n}") for n, one in enumerate(timelines)]
        event = event_of([course.restore for course in courses])
        turns = max(len(timeline) for _, _, timeline in timelines)
        fatal = chance.randrange(turns)
        for turn in range(turns):
            if turn:
                for course in courses:
                    course.advance()
            racing = chance.sample(self.runtimes, chance.randint(1, 2))
            if turn == fatal:
                self.kill(racing, event, chance, CALLS * count)
            else:
                self.invoke(racing, event)
        self.judge(courses, event)
        self.tally["seeds"] += 1
        self.tally["seeds of several restores"] += count > 1

    def begin(self, kind: Kind, delivery_type: str, timeline: Sequence[str], name: str) -> Course:
        restore = self.stack.atlas.start_restore(
            GROUP, f"{kind}-{name}", kind, delivery_type=delivery_type, timeline=timeline
        )
        return Course(restore, kind, len(timeline))

    def invoke(self, racing: Sequence[LambdaRuntime], event: Any) -> list[Invocation]:
        invocations = [self._threads.submit(runtime.invoke, event) for runtime in racing]
        return [invocation.result() for invocation in invocations]

    def kill(
        self, racing: Sequence[LambdaRuntime], event: Any, chance: random.Random, calls: int
    ) -> None:
        victim = racing[0]
        if chance.random() < FREEZES:
            how = self._freezing(victim)
        elif chance.random() < 0.5:
            how = self._at_a_call(victim, chance, calls, alone=len(racing) == 1)
        else:
            how = self._at_a_moment(victim, chance.uniform(0, SLOWEST * calls / CALLS))
        with how:
            ends = self.invoke(racing, event)
        died = ends[0].outcome in {Outcome.CRASH, Outcome.TIMEOUT}
        self.tally["killed while at work" if died else "killed after its work"] += 1
        self.tally["timed out by Lambda"] += ends[0].timed_out
        # A new start overlaps with the next seed; an event that names no job does no I/O.
        self._threads.submit(victim.invoke, {})

    @contextmanager
    def _at_a_call(
        self, victim: LambdaRuntime, chance: random.Random, calls: int, *, alone: bool
    ) -> Iterator[None]:
        """Kill at the n-th call within the block, which then may or may not reach its service."""
        left = itertools.count(chance.randrange(calls), -1)
        fatal: Phase = chance.choice(("before", "after"))
        lost = fatal == "before" and chance.random() < 0.5
        lock = threading.Lock()
        wires = (self.stack.atlas.wire, self.stack.aws.wire)

        def watch(call: Call, phase: Phase) -> None:
            if phase != fatal or not from_function(call):
                return
            with lock:
                if next(left) != 0:
                    return
            victim.kill()
            if alone:
                what = "lost with" if lost else phase
                self.tally[f"killed {what} {call.service} {call.operation}"] += 1
            if lost:
                dead = Fault(service=call.service, times=None, action=Close())
                for wire in wires:
                    wire.inject(replace(dead, when=partial(_is_same, call)))

        with ExitStack() as listening:
            for wire in wires:
                listening.enter_context(wire.listen(watch))
            yield
        for wire in wires:
            wire.heal()

    @contextmanager
    def _at_a_moment(self, victim: LambdaRuntime, seconds: float) -> Iterator[None]:
        """Kill so many seconds after the block begins."""
        timer = threading.Timer(seconds, victim.kill)
        timer.start()
        yield
        timer.join()
        self.tally["killed by the clock"] += 1

    @contextmanager
    def _freezing(self, victim: LambdaRuntime) -> Iterator[None]:
        """Freeze at the first write, until Lambda's own timeout kills."""

        def watch(call: Call, phase: Phase) -> None:
            if phase == "after" and call.operation == "UpdateItem" and from_function(call):
                victim.freeze()

        with self.stack.aws.wire.listen(watch):
            yield

    def judge(self, courses: Sequence[Course], event: Any) -> None:
        """What the same event twice more must have finished."""
        for _ in range(2):
            last = self.survivor.invoke(event)
            assert last.outcome is Outcome.RESULT, f"I4: an invocation failed: {last}"
            assert last.result != {"skipped": True}, "F66: a sweep was skipped"
        received = self.stack.received()
        for course in courses:
            restore = course.restore
            item = self.stack.item(GROUP, restore.cluster, restore.restore_id)
            assert item is not None, "I4: a job is not recorded"
            self.judge_last(item, course)
            judge_history(item, course.said)
            own = [one for one in received if one.event["subject"] == restore.restore_id]
            self.tally["duplicates"] += judge_messages([], item, own)
            self.tally["changes"] += len(item["history"])
            judge_secrecy([repr(item)])
        logs = [self.survivor.logs(), *(runtime.logs() for runtime in self.runtimes)]
        judge_secrecy([repr(received), repr(last), *logs])

    def judge_last(self, item: Mapping[str, Any], course: Course) -> None:
        """The last thing that Atlas said is recorded."""
        judge_done(item, course.said[-1])


def event_of(restores: Sequence[EmulatedRestore]) -> dict[str, Any]:
    """The event of one restore, or an EventBridge event of several."""
    targets = [restore.event for restore in restores]
    if len(targets) == 1:
        return dict(targets[0])
    return {"detail-type": DETAIL_TYPE, "detail": {"targets": targets}}


def _is_same(call: Call, other: Call) -> bool:
    return call.number == other.number and call.service == other.service
