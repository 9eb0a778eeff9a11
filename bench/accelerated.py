"""
A stack whose sweeps run in accelerated time.

The real Sweeper asks the emulated Atlas over real sockets, with the real table and topic of the
local stack. Only the clock is ours: it stands still while something works, and jumps while a sweep
sleeps and between two ticks. A round of questions takes `ROUND_SECONDS` of it. A tick comes at any
second of its minute, drawn anew each time, and may meet a sweep that is still at work.
"""

import io
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, redirect_stdout
from datetime import UTC, datetime
from functools import partial
from multiprocessing import get_context
from random import Random
from types import TracebackType
from typing import Self
from unittest.mock import patch

from aws_lambda_powertools import Logger

from foundation.deadline import Deadline
from local_stack.in_process import clients, cold_start, sweeper_of
from local_stack.jumping_clock import JumpingClock, Schedule
from local_stack.stack import LocalStack
from restore_watch.check.check import JobChecker
from restore_watch.event.actions import Sweep
from restore_watch.model.restore_job import RestoreTarget
from restore_watch.model.validation import Entry
from restore_watch.sweep.sweep import Sweeper
from restore_watch.table.job_item import Recorded
from restore_watch.telemetry.telemetry import Telemetry

INVOCATION = 124.5
"""Seconds that a sweep has: the template's timeout, less what the handler reserves."""

SEED = 20261125
BEGIN = 1_790_000_000.0 // 60 * 60

_VARIABLES = dict.fromkeys(("POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE"), "bench")


class Accelerated:
    """
    The stack, its clock, and what happened in it.

    `published` has the moment of each message by its id, `swept` the starts of the sweeps that were
    not skipped.
    """

    def __init__(self, hot_seconds: float, project_ids: Sequence[str] = ()) -> None:
        self.random = Random(SEED)  # noqa: S311 - no secret depends on it
        self.clock = JumpingClock(BEGIN)
        self.stack = LocalStack(clock=self.clock)
        self.published: dict[str, float] = {}
        self.swept: list[float] = []
        self._hot_seconds = hot_seconds
        self._project_ids = tuple(project_ids)
        self._blocks = ExitStack()

    def __enter__(self) -> Self:
        self._blocks.enter_context(patch.dict(os.environ, _VARIABLES))
        self._blocks.enter_context(redirect_stdout(io.StringIO()))
        self._blocks.enter_context(self.stack)
        self._blocks.enter_context(self.stack.atlas.wire.listen(self.clock.answer))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._blocks.close()

    def schedule(self) -> Schedule:
        """Ticks from now on."""
        return Schedule(self.clock, self.sweeping, lambda: 60 * self.random.random())

    def checking(self) -> Callable[[RestoreTarget], None]:
        """An environment that checks jobs, beside the sweeps: the clock stands still."""
        checker, _ = self._environment()

        def check(target: RestoreTarget) -> None:
            at = self.clock.at
            checker.check(target, Deadline.after(INVOCATION, self.clock.seconds))
            self.clock.at = at

        return check

    def sweeping(self) -> Callable[[float], None]:
        """An environment that sweeps."""
        _, sweeper = self._environment()

        def sweep(tick: float) -> None:
            begun = self.clock.at
            request = Sweep(datetime.fromtimestamp(tick, UTC))
            result = sweeper.sweep(request, Deadline.after(INVOCATION, self.clock.seconds))
            assert not result.get("failures"), result
            assert not result.get("notReached"), result
            if not result.get("skipped"):
                self.swept.append(begun)

        return sweep

    def _environment(self) -> tuple[JobChecker, Sweeper]:
        by = clients(self.stack)
        self._blocks.callback(by.close)
        checker = cold_start(
            self.stack, by, now=self.clock, sleep=self.clock.sleep, on_published=self._note
        )
        telemetry = Telemetry(Logger(service="bench", stream=io.StringIO()))
        how = partial(sweeper_of, hot_seconds=self._hot_seconds, project_ids=self._project_ids)
        return checker, how(self.stack, by, checker, telemetry)

    def _note(self, entry: Entry, _: Recorded) -> None:
        self.published.setdefault(entry.event_id, self.clock.at)


def side_by_side[T, R](measure: Callable[[T], R], *given: T) -> list[R]:
    """Measure in two processes. The clock stands still, so neither makes the other slower."""
    with ProcessPoolExecutor(2, get_context("spawn")) as processes:
        return list(processes.map(measure, given))
