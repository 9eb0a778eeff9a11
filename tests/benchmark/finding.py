"""
What finding restores costs in calls to Atlas, and how long it takes, in accelerated time.

The real Sweeper asks the emulated Atlas over real sockets; only the clock is ours, as in
`benchmark.detection`. Half of the clusters are Flex, half dedicated; a dedicated one has two lists.
"""

import io
import math
import os
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from multiprocessing import get_context
from random import Random
from unittest.mock import patch

from aws_lambda_powertools import Logger

from benchmark.detection import BEGIN, INVOCATION, SEED
from benchmark.timelines import percentile
from foundation.deadline import Deadline
from local_stack.atlas import EmulatedRestore, Kind
from local_stack.in_process import clients, cold_start, sweeper_of
from local_stack.jumping_clock import JumpingClock, Schedule
from local_stack.stack import LocalStack
from restore_watch.event.actions import Sweep
from restore_watch.model.validation import Entry
from restore_watch.sweep.find.wake import LISTED_AT_ONCE
from restore_watch.sweep.sweep import Sweeper
from restore_watch.table.job_item import Recorded
from restore_watch.telemetry.telemetry import Telemetry

CYCLE = 15
"""Sweeps, one a minute: each project is listed once in as many minutes."""

RESTORES = 100
"""Restores of each kind whose first message is timed."""

ARRIVALS = 7200.0
"""Seconds in which they begin."""

COLLECTION_RUNS = 1800.0
"""Seconds that a collection restore runs here; how long real ones do was never recorded."""

KINDS: tuple[Kind, ...] = ("flex", "dedicated", "collection")


@dataclass(frozen=True)
class Estate:
    """So many clusters in so many projects. In `active` of them a restore runs."""

    projects: int
    clusters: int
    active: int = 0

    @property
    def name(self) -> str:
        what = f"{self.clusters:,} clusters in {self.projects:,} projects"
        return f"{what}, {self.active:,} active" if self.active else f"{what}, idle"

    @property
    def least_calls(self) -> int:
        """Calls a minute that nothing can do without: one for each project and active cluster."""
        return self.projects + self.active


ESTATES = tuple(
    Estate(projects, clusters, active)
    for projects, clusters in ((1, 1), (10, 100), (1_000, 10_000))
    for active in (0, max(1, clusters // 100))
)


@dataclass(frozen=True)
class Calls:
    """Calls to Atlas in a sweep without a listing, and a minute on average, listings included."""

    estate: Estate
    quiet: float
    average: float
    listing: int


@dataclass(frozen=True)
class Found:
    """Seconds from the start of restores to their first messages."""

    kind: str
    seconds: tuple[float, ...]

    def percentile(self, share: float) -> float:
        return percentile(list(self.seconds), share)


class _World:
    """A stack that watches projects, swept once a minute."""

    def __init__(self) -> None:
        self.clock = JumpingClock(BEGIN)
        self.stack = LocalStack(clock=self.clock)
        self.published: dict[str, float] = {}
        self._tick = BEGIN

    @contextmanager
    def watching(self, groups: list[str], hot_seconds: float = 0) -> Iterator[None]:
        """Within the block, environments watch these projects."""
        with ExitStack() as clients_of:

            def environment() -> Sweeper:
                by = clients(self.stack)
                clients_of.callback(by.close)
                checker = cold_start(
                    self.stack,
                    by,
                    now=self.clock,
                    sleep=self.clock.sleep,
                    on_published=self._note,
                )
                telemetry = Telemetry(Logger(service="benchmark", stream=io.StringIO()))
                return sweeper_of(
                    self.stack,
                    by,
                    checker,
                    telemetry,
                    hot_seconds=hot_seconds,
                    project_ids=groups,
                )

            self.environment = environment
            self._sweeper = environment()
            yield

    def sweep(self) -> Counter[str]:
        """Wait for the next minute, and sweep. Return the calls to Atlas by their operations."""
        self.clock.sleep(max(0.0, self._tick - self.clock.at))
        self.stack.forget_calls()
        self._sweep(self._sweeper, self._tick)
        self._tick += 60
        calls = (call for call in self.stack.http_calls() if call.service == "atlas")
        return Counter(call.operation for call in calls)

    def schedule(self, random: Random) -> Schedule:
        """Ticks at any second of their minutes, and sweeps that may meet."""

        def sweeping() -> Callable[[float], None]:
            return partial(self._sweep, self.environment())

        return Schedule(self.clock, sweeping, lambda: 60 * random.random())

    def _sweep(self, sweeper: Sweeper, tick: float) -> None:
        result = sweeper.sweep(
            Sweep(datetime.fromtimestamp(tick, UTC)),
            Deadline.after(INVOCATION, self.clock.seconds),
        )
        assert not result.get("failures"), result
        assert not result.get("notReached"), result

    def _note(self, entry: Entry, _: Recorded) -> None:
        self.published.setdefault(entry.job.restore_id, self.clock.at)


@contextmanager
def _world() -> Iterator[_World]:
    names = {"POWERTOOLS_SERVICE_NAME": "benchmark", "POWERTOOLS_METRICS_NAMESPACE": "benchmark"}
    world = _World()
    with patch.dict(os.environ, names), redirect_stdout(io.StringIO()), world.stack:
        yield world


def count_calls(estate: Estate) -> Calls:
    """Sweep once a minute until each project was listed once more, after the first time."""
    with _world() as world:
        groups = _furnish(world.stack, estate)
        with world.watching(groups):
            world.sweep()
            for group, name, kind in _clusters(estate, groups)[: estate.active]:
                world.stack.atlas.start_restore(group, name, kind)
            for _ in range(3):  # the events of the starts wake their projects twice
                world.sweep()
            # Many projects take turns, at first over several sweeps.
            turns = math.ceil(estate.projects / LISTED_AT_ONCE) - 1
            sweeps = [world.sweep() for _ in range(CYCLE + turns)]
    totals = sorted(sweep.total() for sweep in sweeps)
    for_listings = sum(total - totals[0] for total in totals)
    return Calls(estate, totals[0], totals[0] + for_listings / CYCLE, totals[-1])


def time_first_messages(kind: Kind) -> Found:
    """Let restores begin at any moment, and sweep until each was reported."""
    random = Random(SEED)  # noqa: S311 - no secret depends on it
    estate = Estate(projects=3, clusters=12)
    with _world() as world:
        groups = _furnish(world.stack, estate)
        places = [
            place for place in _clusters(estate, groups) if (place[2] == "flex") == (kind == "flex")
        ]
        begun: dict[str, float] = {}

        def begin() -> None:
            group, name, _ = random.choice(places)
            restore = world.stack.atlas.start_restore(group, name, kind)
            begun[restore.restore_id] = world.clock.at
            if kind == "collection":
                world.clock.plan(world.clock.at + COLLECTION_RUNS, lambda: _end(restore))

        with (
            world.watching(groups, hot_seconds=10),
            world.stack.atlas.wire.listen(world.clock.answer),
        ):
            schedule = world.schedule(random)
            for _ in range(RESTORES):
                world.clock.plan(BEGIN + 120 + ARRIVALS * random.random(), begin)
            world.clock.sleep(ARRIVALS)
            while len(begun) < RESTORES or begun.keys() - world.published.keys():
                world.clock.sleep(60)
            schedule.end()
    return Found(kind, tuple(world.published[one] - at for one, at in begun.items()))


def measure_finding() -> tuple[list[Calls], list[Found]]:
    """Count and time everything. The clock stands still, so two may run side by side."""
    with ProcessPoolExecutor(2, get_context("spawn")) as processes:
        calls = processes.map(count_calls, ESTATES)
        found = processes.map(time_first_messages, KINDS)
        return list(calls), list(found)


def _furnish(stack: LocalStack, estate: Estate) -> list[str]:
    groups = [f"6a1f3c9e5b7d204e8c{number:06x}" for number in range(estate.projects)]
    for group, name, kind in _clusters(estate, groups):
        stack.atlas.add_cluster(group, name, kind)
    return groups


def _clusters(estate: Estate, groups: list[str]) -> list[tuple[str, str, Kind]]:
    """Projects take turns, so that all have the same number."""
    return [
        (groups[number % len(groups)], f"orders-{number}", _kind(number // len(groups)))
        for number in range(estate.clusters)
    ]


def _kind(number: int) -> Kind:
    return "flex" if number % 2 == 0 else "dedicated"


def _end(restore: EmulatedRestore) -> None:
    restore.run_to_end()
