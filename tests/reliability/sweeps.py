"""Sweeps in the model's world: how they run, end, and are judged as they end."""

import itertools
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, redirect_stdout
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from foundation.deadline import Deadline
from local_stack.wire import Phase
from reliability.checks import SLACK, TIME_LIMIT, Check, Checks, settle
from reliability.deliveries import VARIABLES
from reliability.disturbances import NthCall, Predicate
from reliability.judgement import judge_secrecy
from reliability.leases import PATIENCE
from reliability.sweep_judge import Begun, Printed, SweepJudge, is_skipped
from reliability.world import OUTPUT
from restore_watch.event.actions import Sweep

SWEEP = 125.0
"""Seconds of a sweep's invocation, skipped waits included."""

HOT_ROUNDS = 13
"""A sweep asks about a job this many times at most, if the hot ones are asked every ten seconds."""


class Sweeps:
    """Lets environments sweep. What holds after each sweep is judged from outside."""

    def __init__(self, checks: Checks) -> None:
        self._checks = checks
        self._world = checks.world
        self.judge = SweepJudge(checks)

    @contextmanager
    def watched(self) -> Iterator[Printed]:
        """Within the block, what the invocations print is caught; what they say is judged."""
        one = Printed()
        OUTPUT.seek(0)
        OUTPUT.truncate()
        with redirect_stdout(one.printed), patch.dict(os.environ, VARIABLES):
            yield one
        judge_secrecy([OUTPUT.getvalue(), one.printed.getvalue()])

    def begin(
        self,
        slot: int,
        tick: float | None = None,
        *,
        deadline: Deadline | None = None,
        calm: bool = False,
        is_stale: bool = False,
        is_timed: bool = True,
    ) -> Begun:
        """
        Prepare a sweep; the caller runs or starts it.

        `tick` is how many seconds ago the schedule fired. A `deadline` leaves it too little time.
        Its waits are judged if it `is_timed`: if time passes by nothing but its own waits.
        """
        world = self._world
        at = world.clock()
        fired = None if tick is None else (at - timedelta(seconds=tick)).replace(microsecond=0)
        request = Sweep(fired)
        by = deadline or Deadline.after(SWEEP, lambda: world.uptime)
        jobs = world.every_job
        environment = world.begin(
            slot,
            max(1, len(jobs)) * HOT_ROUNDS,
            sweep=request,
            deadline=by if is_timed else None,
        )
        last_tick = world.leases.last_tick
        before = [
            (job, world.item(job), len(world.received(job)), len(job.deleted)) for job in jobs
        ]

        def answered() -> Mapping[str, Any]:
            # A check without an application has no telemetry: this one has.
            return environment.application.answer(_event(request), by)

        return Begun(
            slot=slot,
            invocation=environment.invocation,
            check=Check(answered),
            request=request,
            deadline=by,
            at=at,
            lease_ends=world.lease_ends(),
            last_tick=last_tick,
            marks=world.marks(),
            before=before,
            bookkept=world.bookkept(),
            calm=calm and world.is_healthy and not self._checks.is_dying(slot),
            is_stale=is_stale,
            is_hurried=deadline is not None,
        )

    def run(
        self,
        slot: int,
        tick: float | None = None,
        *,
        deadline: Deadline | None = None,
        disturbed: AbstractContextManager[object] | None = None,
        is_stale: bool = False,
        is_changed: bool = False,
        is_timed: bool = True,
    ) -> Begun:
        """
        Run one sweep to its end, with nothing else making progress beside it.

        Atlas `is_changed` by something that happens meanwhile.
        """
        calm = deadline is None and disturbed is None and not (is_stale or is_changed)
        begun = self.begin(
            slot, tick, deadline=deadline, calm=calm, is_stale=is_stale, is_timed=is_timed
        )
        with self.watched() as seen:
            with disturbed or nullcontext():
                begun.check.run()
            self.end(begun)
        self.judge.judge_alone(begun, seen)
        return begun

    def run_beside(self, slot: int) -> None:
        """Run one sweep to its end while others are held."""
        begun = self.begin(slot, is_timed=False)
        begun.check.run()
        self.end(begun, is_late=True)

    def meet(self, first: int, second: int, nap: int) -> None:
        """
        A tick comes while a sweep sleeps between its hot rounds, if there are so many.

        The other one then waits, and its next look at the lease comes after the end of the first.
        """
        world = self._world
        naps, met = itertools.count(), list[tuple[Begun, float]]()
        waits, over = threading.Event(), threading.Event()

        def slept(slot: int) -> None:
            if slot == second and met:
                waits.set()
                over.wait(TIME_LIMIT)
            elif slot == first and not met and next(naps) == nap:
                met.append((self.begin(second, 0.0, is_timed=False), world.uptime))
                check = met[0][0].check
                check.start()
                while check.is_alive() and not waits.wait(0.001):
                    pass

        holder = self.begin(first, is_timed=False)
        world.slept = slept
        try:
            holder.check.run()
            ended = world.uptime
        finally:
            over.set()
            self.end(holder, is_late=True)
            for other, begun in met:
                self.end(other, is_late=True)
                if waits.is_set():
                    late = ended - begun
                    assert late < PATIENCE, "F95: a sweep keeps the lease although another waits"
                    skipped = is_skipped(other.check.outcome)
                    assert not skipped, "F95: nobody goes on with jobs that are hot"
            world.slept = lambda _: None
        self._checks.tally["sweeps met" if waits.is_set() else "sweeps did not meet"] += 1

    def end(self, begun: Begun, *, is_late: bool = False) -> None:
        """Wait for a sweep's end, and judge how it ended. `is_late` excuses its end."""
        outcome = begun.check.end("sweep")
        if not (is_late or begun.is_hurried):
            late = self._world.uptime - begun.deadline.at
            assert late < SLACK, "I6: a sweep ended after its deadline"
        self._world.environments[begun.slot].sweep = None
        self._world.environments[begun.slot].deadline = None
        self.judge.find.judge(begun.bookkept)
        self._checks.outcomes.append(outcome)
        self._checks.tally["sweeps"] += 1
        how = "skipped" if is_skipped(outcome) else type(outcome).__name__
        self._checks.tally[f"sweep: {how}"] += 1

    @contextmanager
    def slow(
        self, slot: int, when: Predicate, *, nth: int = 0, phase: Phase = "before"
    ) -> Iterator[Begun]:
        """Within the block a sweep in this slot is held at its n-th call of a kind."""
        world = self._world
        made = world.made(slot)
        begun = self.begin(slot, is_timed=False)
        selected = NthCall(lambda call: made(call) and when(call), nth)
        with (
            world.stack.aws.wire.hold(phase=phase, when=selected) as aws,
            world.stack.atlas.wire.hold(phase=phase, when=selected) as atlas,
        ):
            begun.check.start()
            settle([begun.check], [made], [aws, atlas])
            yield begun
        self.end(begun, is_late=True)
        self._checks.tally["sweep held" if selected.struck else "sweep not held"] += 1


def _event(request: Sweep) -> dict[str, Any]:
    if request.tick is None:
        return {"action": "sweep"}
    return {"action": "sweep", "scheduledTime": request.tick.isoformat()}
