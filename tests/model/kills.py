"""
The built function in its real runtime, killed at random moments.

Each seed is a few restores. They move on, environments check them, by name or in sweeps, at once,
and one environment is killed: at a random call on the wire, before or after its effect, at a random
moment of the clock, or frozen until Lambda's own timeout kills it. Then everything works again, and
after two more invocations the promise must hold.
"""

import itertools
import random
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Self

from local_stack.atlas import EmulatedRestore, Kind
from local_stack.loopback import HungUp
from local_stack.runtime import Invocation, LambdaRuntime, Outcome, RuntimePool
from local_stack.stack import LocalStack, from_function
from local_stack.wire import Call, Phase
from model import promises
from model.said import Word, word_of

GROUP = "6a1f3c9e5b7d204e8c61f0a3"
LEASE = {"cluster": {"S": "sweeps"}, "restoreId": {"S": "lease"}}
SWEEP = {"action": "sweep"}

TIMELINES: tuple[tuple[Kind, str, tuple[str, ...]], ...] = (
    ("flex", "RESTORE", ("PENDING", "QUEUED", "RUNNING", "COMPLETED")),
    ("flex", "RESTORE", ("PENDING", "RUNNING", "FAILED")),
    ("flex", "RESTORE", ("CANCELLING", "HALTED", "HALTED+finished", "CANCELED")),
    ("flex", "DOWNLOAD", ("RUNNING", "COMPLETED", "FAILED")),
    ("dedicated", "automated", ("running", "finished")),
    ("dedicated", "download", ("running", "download-ready", "expired")),
)

SLOWEST = 0.08
"""Seconds within which a warm invocation that changes something has nearly always ended."""

FREEZES = 0.02
"""The share of seeds that freeze an environment, each taking as long as Lambda's timeout."""

TIMEOUT = 3
"""Seconds after which the runtime kills an invocation, instead of the template's minutes."""


@dataclass
class Course:
    """A restore on its way through its timeline, and what Atlas has said about it."""

    restore: EmulatedRestore
    words: list[Word]
    told: int = 1

    def advance(self) -> None:
        """Take the next step, if there is one."""
        if self.told < len(self.words):
            self.restore.advance()
            self.told += 1


class Kills:
    """Plays seeds on a stack, with environments of its own; `tally` counts what happened."""

    def __init__(self, stack: LocalStack, environments: int = 3) -> None:
        self.stack = stack
        self.tally: Counter[str] = Counter()
        self._blocks = ExitStack()
        product = stack.pool.runtimes[0].environment
        # Without hot jobs a sweep ends as soon as it has asked about each job.
        product = replace(product, variables={**product.variables, "HOT_ROUNDS": "no"})
        mortal = RuntimePool(environments, replace(product, timeout_seconds=TIMEOUT))
        self._mortals = self._blocks.enter_context(mortal).runtimes
        self._survivor = self._blocks.enter_context(RuntimePool(1, product))
        self._threads = self._blocks.enter_context(ThreadPoolExecutor(2 * environments))
        stack.atlas.behaviour.lift_limits()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._blocks.close()

    def play(self, seed: int) -> None:
        """Raise AssertionError when a promise is broken; the same seed draws the same restores."""
        chance = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
        is_swept = chance.random() < 0.5
        timelines = [chance.choice(TIMELINES) for _ in range(chance.randint(1, 3))]
        courses = [self._begin(*one, cluster=f"{one[0]}-{seed}") for one in timelines]
        named = event_of([course.restore for course in courses])
        if is_swept:
            self._survivor.invoke(named)
        event = SWEEP if is_swept else named
        turns = max(len(course.words) for course in courses)
        fatal = chance.randrange(turns)
        for turn in range(turns):
            if turn or is_swept:
                for course in courses:
                    course.advance()
            racing = chance.sample(self._mortals, chance.randint(1, 2))
            if turn == fatal:
                self._kill(racing, event, chance, 4 * len(courses) + 6 * is_swept)
                self._free_lease()
            else:
                self._invoke(racing, event)
        self._judge(courses, event)
        self.tally["seeds of sweeps" if is_swept else "seeds of checks"] += 1

    def _begin(
        self, kind: Kind, delivery_type: str, timeline: Sequence[str], cluster: str
    ) -> Course:
        restore = self.stack.atlas.start_restore(
            GROUP, cluster, kind, delivery_type=delivery_type, timeline=timeline
        )
        steps = range(1, len(timeline) + 1)
        return Course(restore, [word_of(kind, delivery_type, timeline[:n]) for n in steps])

    def _invoke(self, racing: Sequence[LambdaRuntime], event: Any) -> list[Invocation]:
        event = _at_a_tick(event)
        invocations = [self._threads.submit(runtime.invoke, event) for runtime in racing]
        return [invocation.result() for invocation in invocations]

    def _kill(
        self, racing: Sequence[LambdaRuntime], event: Any, chance: random.Random, calls: int
    ) -> None:
        with self._death(racing[0], chance, calls):
            ends = self._invoke(racing, event)
        is_dead = ends[0].outcome in {Outcome.CRASH, Outcome.TIMEOUT}
        self.tally["killed while at work" if is_dead else "killed after its work"] += 1
        # A new start overlaps with the next seed; an event that names no job does no I/O.
        self._threads.submit(racing[0].invoke, {})

    def _death(
        self, victim: LambdaRuntime, chance: random.Random, calls: int
    ) -> AbstractContextManager[object]:
        if chance.random() < FREEZES:
            return self._at_a_call(victim.freeze, itertools.count(0, -1), "after", lost=False)
        if chance.random() < 0.3:
            return _at_a_moment(victim, chance.uniform(0, SLOWEST * calls / 4))
        left, lost = itertools.count(chance.randrange(calls), -1), chance.random() < 0.3
        return self._at_a_call(
            victim.kill, left, "before" if lost else chance.choice(("before", "after")), lost=lost
        )

    @contextmanager
    def _at_a_call(
        self, kill: Any, left: Iterator[int], fatal: Phase, *, lost: bool
    ) -> Iterator[None]:
        """Kill at the n-th call within the block; one that is lost does not reach its service."""
        lock = threading.Lock()

        def strike(call: Call, phase: Phase) -> None:
            if phase != fatal or not from_function(call):
                return
            with lock:
                if next(left) != 0:
                    return
            kill()
            if lost:
                raise HungUp

        with self.stack.atlas.wire.listen(strike), self.stack.aws.wire.listen(strike):
            yield

    def _free_lease(self) -> None:
        """The clock of a real runtime cannot be moved; so an operator deletes what was left."""
        table = self.stack.table_name
        dynamodb = self.stack.aws.client("dynamodb")
        gone = dynamodb.delete_item(TableName=table, Key=LEASE, ReturnValues="ALL_OLD")
        self.tally["killed with the lease"] += "validUntil" in gone.get("Attributes", {})

    def _judge(self, courses: Sequence[Course], event: Any) -> None:
        """What the same event twice more must have finished."""
        for _ in range(2):
            last = self._survivor.invoke(_at_a_tick(event))
            assert last.outcome is Outcome.RESULT, f"I4: an invocation failed: {last}"
            assert last.result != {"skipped": True}, "F66: a sweep was skipped"
        received, now = self.stack.received(), self.stack.atlas.now()
        for course in courses:
            restore = course.restore
            item = self.stack.item(GROUP, restore.cluster, restore.restore_id)
            assert item is not None, "I4: a job is not recorded"
            promises.judge_item(item, course.words[: course.told])
            # No sweep asks about a job that an unknown word has ended.
            if not (event == SWEEP and item["status"] == "UNKNOWN" and item["terminal"]):
                promises.judge_done(item, course.words[course.told - 1], now)
            own = [one for one in received if one.event["subject"] == restore.restore_id]
            promises.judge_messages([], item, own)
            self.tally["changes"] += len(item["history"])
        logs = [self._survivor.logs(), *(runtime.logs() for runtime in self._mortals)]
        promises.judge_secrecy(repr(self.stack.items()), repr(received), repr(last), *logs)


def _at_a_tick(event: Any) -> Any:
    """A sweep without a tick asks about hot jobs only, and a ready download is none."""
    if event != SWEEP:
        return event
    return {**SWEEP, "scheduledTime": datetime.now(UTC).isoformat()}


@contextmanager
def _at_a_moment(victim: LambdaRuntime, seconds: float) -> Iterator[None]:
    """Kill so many seconds after the block begins."""
    timer = threading.Timer(seconds, victim.kill)
    timer.start()
    yield
    timer.join()


def event_of(restores: Sequence[EmulatedRestore]) -> dict[str, Any]:
    """The event of one restore, or an EventBridge event of several."""
    targets = [restore.event for restore in restores]
    if len(targets) == 1:
        return dict(targets[0])
    return {"detail-type": "Atlas Restore Watch Requested", "detail": {"targets": targets}}
