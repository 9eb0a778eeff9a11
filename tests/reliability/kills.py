"""
The real thing: the built function in its real runtime, killed at random moments.

Each seed is one restore. It moves on, several environments check it at once, and one of them is
killed: at a random call on the wire, before or after its effect, or at a random moment of the
clock, or it is frozen until Lambda's own timeout kills it. Then everything is left in peace, and
after two checks the promise must hold.
"""

import itertools
import random
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from typing import Self

from local_stack.atlas import EmulatedRestore, Kind
from local_stack.runtime import Invocation, LambdaRuntime, Outcome, RuntimePool
from local_stack.stack import LocalStack, from_function
from local_stack.wire import Call, Close, Fault, Phase
from reliability.judgement import judge_messages, judge_secrecy, judge_table, status_of

GROUP = "6a1f3c9e5b7d204e8c61f0a3"

TIMELINES: tuple[tuple[Kind, str, tuple[str, ...]], ...] = (
    ("flex", "RESTORE", ("PENDING", "QUEUED", "RUNNING", "COMPLETED")),
    ("flex", "RESTORE", ("PENDING", "RUNNING", "FAILED")),
    ("flex", "RESTORE", ("RUNNING", "PAUSED", "COMPLETED")),
    ("dedicated", "automated", ("running", "finished")),
    ("dedicated", "automated", ("running", "cancelled")),
    ("dedicated", "download", ("running", "download-ready", "expired")),
)

CALLS = 4
"""A warm check that changes something makes so many."""

SLOWEST = 0.06
"""Seconds within which a warm check that changes something has ended."""

FREEZES = 0.01
"""The share of seeds that freeze an environment, each taking as long as Lambda's timeout."""

TIMEOUT = 3
"""Seconds after which the runtime kills an invocation, instead of the template's minute."""


class KillCampaign:
    """Plays seeds on a stack, with environments of its own; `tally` counts what happened."""

    def __init__(self, stack: LocalStack, environments: int = 3) -> None:
        self.stack = stack
        self.tally: Counter[str] = Counter()
        self._blocks = ExitStack()
        like = replace(stack.pool.runtimes[0].environment, timeout_seconds=TIMEOUT)
        pool = self._blocks.enter_context(RuntimePool(environments, like))
        self._runtimes = pool.runtimes
        self._threads = self._blocks.enter_context(ThreadPoolExecutor(2 * environments))
        stack.atlas.behaviour.lift_limits()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._blocks.close()

    def play(self, seed: int) -> None:
        """Raise AssertionError when a promise is broken; the same seed draws the same restore."""
        chance = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
        kind, delivery_type, timeline = chance.choice(TIMELINES)
        restore = self.stack.atlas.start_restore(
            GROUP, f"{kind}-{seed}", kind, delivery_type=delivery_type, timeline=timeline
        )
        said = [status_of(restore.step)]
        fatal = chance.randrange(len(timeline))
        for turn in range(len(timeline)):
            if turn:
                said.append(status_of(restore.advance()))
            racing = chance.sample(self._runtimes, chance.randint(1, 2))
            if turn == fatal:
                self._kill(racing, restore, chance)
            else:
                self._check(racing, restore)
        self._judge(restore, said)
        self.tally["seeds"] += 1

    def _check(self, racing: Sequence[LambdaRuntime], restore: EmulatedRestore) -> list[Invocation]:
        checks = [self._threads.submit(runtime.invoke, restore.event) for runtime in racing]
        return [check.result() for check in checks]

    def _kill(
        self, racing: Sequence[LambdaRuntime], restore: EmulatedRestore, chance: random.Random
    ) -> None:
        victim = racing[0]
        if chance.random() < FREEZES:
            how = self._freezing(victim)
        elif chance.random() < 0.5:
            how = self._at_a_call(victim, chance, alone=len(racing) == 1)
        else:
            how = self._at_a_moment(victim, chance.uniform(0, SLOWEST))
        with how:
            ends = self._check(racing, restore)
        died = ends[0].outcome in {Outcome.CRASH, Outcome.TIMEOUT}
        self.tally["killed while at work" if died else "killed after its work"] += 1
        self.tally["timed out by Lambda"] += ends[0].timed_out
        # A new start overlaps with the next seed; an event that names no job does no I/O.
        self._threads.submit(victim.invoke, {})

    @contextmanager
    def _at_a_call(
        self, victim: LambdaRuntime, chance: random.Random, *, alone: bool
    ) -> Iterator[None]:
        """Kill at the n-th call within the block, which then may or may not reach its service."""
        left = itertools.count(chance.randrange(CALLS), -1)
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

    def _judge(self, restore: EmulatedRestore, said: Sequence[str]) -> None:
        # By the stack's own environment, which nobody kills and whose timeout is the template's.
        for _ in range(2):
            last = self.stack.invoke(restore.event)
            assert last.outcome is Outcome.RESULT, f"I4: a check failed: {last}"
        item = self.stack.item(GROUP, restore.cluster, restore.restore_id)
        assert item is not None
        received = [
            message
            for message in self.stack.received()
            if message.event["subject"] == restore.restore_id
        ]
        judge_table(item, said, restore.delivery_type)
        self.tally["duplicates"] += judge_messages(item, received)
        self.tally["changes"] += len(item["history"])
        logs = [self.stack.logs(), *(runtime.logs() for runtime in self._runtimes)]
        judge_secrecy([repr(item), repr(received), repr(last), *logs])


def _is_same(call: Call, other: Call) -> bool:
    return call.number == other.number and call.service == other.service
