"""
How long it takes from a change in Atlas to its message, in accelerated time.

The real Sweeper asks the emulated Atlas over real sockets, with the real table and topic of the
local stack. Only the clock is ours: it stands still while something works, and jumps while the
sweep sleeps and between two ticks. A round of questions takes `ROUND_SECONDS` of it.

Jobs begin at any moment of an hour. Each is named once, at once, by a check. A tick comes at any
second of its minute, which is drawn anew each time, and may meet a sweep that is still at work.
"""

import io
import logging
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing import get_context
from random import Random
from unittest.mock import patch

from aws_lambda_powertools import Logger

from benchmark.timelines import Timeline, draw_timelines, percentile, polled
from foundation.deadline import Deadline
from local_stack.atlas import EmulatedRestore, Kind
from local_stack.in_process import clients, cold_start, sweeper_of
from local_stack.jumping_clock import ROUND_SECONDS, JumpingClock, Schedule
from local_stack.stack import LocalStack
from restore_watch.check.check import JobChecker
from restore_watch.event.actions import Sweep
from restore_watch.model.restore_job import RestoreTarget
from restore_watch.model.validation import Entry
from restore_watch.sweep.cadence import HOT
from restore_watch.sweep.sweep import Sweeper
from restore_watch.table.job_item import Recorded
from restore_watch.telemetry.telemetry import Telemetry

OF_EACH = 30
"""Jobs of each kind."""

ARRIVALS = 3600.0
"""Seconds in which they begin."""

INVOCATION = 124.5
"""Seconds that a sweep has: the template's timeout, less what the handler reserves."""

HOT_SECONDS = (10.0, 5.0, 0.0)
POLLS = (60.0, 300.0)
POLL_SAMPLES = 50
"""A plain schedule is so much faster to compute that it gets this many times as many jobs."""

SEED = 20261125
BEGIN = 1_790_000_000.0 // 60 * 60

_STATUSES = {"finished": "COMPLETED", "download-ready": "COMPLETED"}


@dataclass(frozen=True)
class Detection:
    """
    One change, and how many seconds later its message was published.

    `is_hot`: the job was young, or had changed, at most 30 minutes before. `is_followed`: a sweep
    had begun between the moment when the job was named and the change.
    """

    kind: str
    seconds: float
    is_hot: bool
    is_followed: bool


@dataclass(frozen=True)
class Detections:
    """What was detected with one schedule, and how many changes were overtaken by the next."""

    name: str
    seen: tuple[Detection, ...]
    overtaken: int
    sweep_seconds: float = 0.0
    hours: float = 0.0

    def seconds(self, *, hot: bool = True, followed: bool = False) -> list[float]:
        return [
            one.seconds
            for one in self.seen
            if one.is_hot is hot and (one.is_followed or not followed)
        ]

    def percentiles(self, **which: bool) -> tuple[float, float]:
        """The median and the 95th percentile of these changes."""
        seconds = self.seconds(**which)
        return percentile(seconds, 0.5), percentile(seconds, 0.95)


@dataclass
class _Job:
    timeline: Timeline
    begun: float
    restore: EmulatedRestore | None = None

    def changes(self) -> Iterable[tuple[float, float, str]]:
        """The moment of each change, that of the one before, and the id of its message."""
        assert self.restore is not None
        before = self.begun
        for after, step in self.timeline.steps:
            moment = self.begun + after
            yield moment, before, f"{self.restore.restore_id}:{_STATUSES.get(step, step)}"
            before = moment


class _World:
    """A stack with its sweeper, and the jobs that come and go in it."""

    def __init__(self, hot_seconds: float, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311 - no secret depends on it
        self._hot_seconds = hot_seconds
        self.clock = JumpingClock(BEGIN)
        self.stack = LocalStack(clock=self.clock)
        self._published: dict[str, float] = {}
        self._sweeps: list[float] = []
        self._sweep_seconds = 0.0
        self._jobs = [
            _Job(timeline, BEGIN + self._random.random() * ARRIVALS)
            for timeline in draw_timelines(self._random, OF_EACH)
        ]

    def run(self) -> Detections:
        """Let every job come to its end, and a few sweeps more."""
        with ExitStack() as self._open:
            self._checker = self._environment()[0]
            for number, job in enumerate(self._jobs):
                self._plan(number, job)
            self._open.enter_context(self.stack.atlas.wire.listen(self.clock.answer))
            schedule = Schedule(self.clock, self._sweeping, lambda: 60 * self._random.random())
            self.clock.sleep(max(job.begun + job.timeline.duration for job in self._jobs) - BEGIN)
            self.clock.sleep(420)  # a job that is not hot any more is asked within 5 minutes
            schedule.end()
        return self._detections()

    def _environment(self) -> tuple[JobChecker, Sweeper]:
        by = clients(self.stack)
        self._open.callback(by.close)
        checker = cold_start(
            self.stack,
            by,
            now=self.clock,
            sleep=self.clock.sleep,
            on_published=self._note_published,
        )
        telemetry = Telemetry(Logger(service="benchmark", stream=io.StringIO()))
        return checker, sweeper_of(
            self.stack, by, checker, telemetry, hot_seconds=self._hot_seconds
        )

    def _sweeping(self) -> Callable[[float], None]:
        """An environment that sweeps."""
        _, sweeper = self._environment()

        def sweep(tick: float) -> None:
            begun = self.clock.at
            result = sweeper.sweep(
                Sweep(datetime.fromtimestamp(tick, UTC)),
                Deadline.after(INVOCATION, self.clock.seconds),
            )
            assert not result.get("failures"), result
            if not result.get("skipped"):
                self._sweeps.append(begun)
            self._sweep_seconds += self.clock.at - begun

        return sweep

    def _note_published(self, entry: Entry, _: Recorded) -> None:
        self._published.setdefault(entry.event_id, self.clock.at)

    def _plan(self, number: int, job: _Job) -> None:
        self.clock.plan(job.begun, lambda: self._start(number, job))
        for after, _ in job.timeline.steps:
            self.clock.plan(job.begun + after, lambda: self._advance(job))

    def _start(self, number: int, job: _Job) -> None:
        kind: Kind = "flex" if job.timeline.kind == "Flex" else "dedicated"
        job.restore = self.stack.atlas.start_restore(
            f"6a1f3c9e5b7d204e8c61f0a{number % 3}",
            f"orders-{number}",
            kind,
            delivery_type="download" if job.timeline.kind == "download" else None,
        )
        at = self.clock.at
        target = RestoreTarget.model_validate(job.restore.event)
        self._checker.check(target, Deadline.after(INVOCATION, self.clock.seconds))
        self.clock.at = at  # it is another invocation, beside the sweep

    def _advance(self, job: _Job) -> None:
        assert job.restore is not None
        job.restore.advance()

    def _detections(self) -> Detections:
        seen, overtaken = list[Detection](), 0
        for job in self._jobs:
            first_sweep = min(at for at in self._sweeps if at > job.begun)
            for moment, before, event_id in job.changes():
                published = self._published.get(event_id)
                if published is None:
                    overtaken += 1
                    continue
                seen.append(
                    Detection(
                        kind=job.timeline.kind,
                        seconds=max(0.0, published - moment),
                        is_hot=moment - before < HOT.total_seconds(),
                        is_followed=first_sweep < moment,
                    )
                )
            assert event_id in self._published, "an end was not published"
        name = f"HOT_SECONDS {self._hot_seconds:g}"
        hours = (self.clock.at - BEGIN) / 3600
        return Detections(name, tuple(seen), overtaken, self._sweep_seconds, hours)


def detect(hot_seconds: float, seed: int = SEED) -> Detections:
    """Let the jobs run with this HOT_SECONDS. The same seed gives the same jobs."""
    # It warns about metrics of its own when a process ends.
    logging.getLogger("samtranslator").setLevel(logging.ERROR)
    names = {"POWERTOOLS_SERVICE_NAME": "benchmark", "POWERTOOLS_METRICS_NAMESPACE": "benchmark"}
    world = _World(hot_seconds, seed)
    with patch.dict(os.environ, names), redirect_stdout(io.StringIO()), world.stack:
        return world.run()


def poll(period: float, seed: int = SEED) -> Detections:
    """The same kinds of jobs, with a plain schedule that checks each in such a period."""
    random = Random(seed)  # noqa: S311 - no secret depends on it
    timelines = draw_timelines(random, OF_EACH * POLL_SAMPLES)
    seconds = [one + ROUND_SECONDS for one in polled(timelines, period, random)]
    seen = tuple(Detection("", one, is_hot=True, is_followed=True) for one in seconds)
    changes = sum(len(timeline.steps) for timeline in timelines)
    return Detections(f"plain, {period / 60:g} min", seen, changes - len(seen))


def share_overtaken(detections: Detections) -> float:
    """Share of the changes that the next change overtook before anybody asked."""
    return detections.overtaken / (detections.overtaken + len(detections.seen))


def measure_detection() -> list[Detections]:
    """All schedules, the plain ones last. They may run side by side: the clock stands still."""
    with ProcessPoolExecutor(2, get_context("spawn")) as processes:
        return [*processes.map(detect, HOT_SECONDS), *map(poll, POLLS)]
