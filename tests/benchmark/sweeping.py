"""
How long a sweep of thousands of jobs takes, what it costs, and what it asks.

The function runs in the real runtime, and the emulated Atlas in a separate process, `FAR` away.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from statistics import median
from typing import Any

from rich.progress import Progress, TaskID

from benchmark.atlas_process import AtlasProcess, atlas_process
from benchmark.cold_start import MeasuredRuntime
from benchmark.contenders import Answering, Contender, our_environment
from benchmark.fleet import Fleet, recorded
from benchmark.prepared_index import prepared_index, projected
from benchmark.processor import Share, share_of
from local_stack.stack import LocalStack, from_function

FAR = 0.1
"""Seconds by which Atlas's answers come late."""

SCALE = (Fleet(10_000, jobs_of_cluster=10), Fleet(10_000))
UNCHANGED = (Fleet(200), Fleet(2_000), Fleet(200, 10), Fleet(2_000, 10))
SMALL = (Fleet(0), Fleet(1), Fleet(100))
OLD = Fleet(2_000, age=timedelta(hours=7))
"""Asked about every five minutes. Between, a sweep only reads the index."""

THROTTLED = (Fleet(2_000), Fleet(2_000, 10))
MEMORY = (512, 1024, 1769)

ROUNDS = 4
SMALL_ROUNDS = 10
PEER_CHECKS = 20
"""Checks of the peer between two sweeps, because other load on the machine affects both."""

_STEPS = len(SCALE) + len(UNCHANGED) * (ROUNDS + 1) + len(SMALL) + 1 + len(MEMORY) * len(THROTTLED)


@dataclass(frozen=True)
class Sweep:
    """
    One sweep, as it was seen from outside.

    `table_seconds` is how long the emulated AWS worked; `aws_calls` counts `service operation`;
    `log_bytes` is what the function wrote, and `metrics` are the names in it.
    """

    fleet: Fleet
    result: Mapping[str, Any]
    seconds: float
    cpu_seconds: float
    table_seconds: float
    atlas_calls: Mapping[str, int]
    aws_calls: Mapping[str, int]
    peak_megabytes: float
    log_bytes: int
    metrics: tuple[str, ...]

    @property
    def asked(self) -> int:
        """Calls to Atlas, without that for a token."""
        return sum(self.atlas_calls.values()) - self.atlas_calls.get("token", 0)

    @property
    def surplus(self) -> int:
        """Calls to Atlas beyond those that the fleet needs."""
        return self.asked - self.fleet.least_calls

    @property
    def writes(self) -> int:
        return self.aws_calls.get("dynamodb UpdateItem", 0)

    @property
    def cpu_of_job(self) -> float:
        """Milliseconds of processor time for each job, everything included."""
        return 1000 * self.cpu_seconds / self.fleet.jobs

    def estimated_at(self, share: float) -> float:
        """
        Estimate the seconds on a share of a processor.

        Threads wait while others compute, so the longer of both counts; with one job they add up.
        """
        computing = self.cpu_seconds / share
        waiting = max(0.0, self.seconds - self.cpu_seconds)
        return max(self.seconds, computing) if self.fleet.jobs > 100 else waiting + computing


@dataclass
class Unchanged:
    """Warm sweeps of one fleet, and the peer's milliseconds of processor time before each."""

    sweeps: list[Sweep] = field(default_factory=list)
    peer_cpu: list[float] = field(default_factory=list)

    @property
    def cpu_of_job(self) -> float:
        return median(sweep.cpu_of_job for sweep in self.sweeps)

    @property
    def ratio(self) -> float:
        """Of a job in a sweep to a check of the peer: the median of the ratios of each turn."""
        pairs = zip(self.sweeps, self.peer_cpu, strict=True)
        return median(sweep.cpu_of_job / peer for sweep, peer in pairs)


@dataclass(frozen=True)
class Throttled:
    """A sweep with the processor of so much memory: `way` is throttled or estimated."""

    memory_megabytes: int
    fleet: Fleet
    seconds: float
    way: str

    def seconds_of(self, jobs: int) -> float:
        """The same for another number of jobs: a sweep's time is proportional to it."""
        return self.seconds * jobs / self.fleet.jobs


@dataclass
class SweepFigures:
    """
    All that was measured.

    `scale` are first sweeps of new environments, with Atlas's real rate limits. `small` are warm.
    `reading` found no job due.
    """

    scale: list[Sweep] = field(default_factory=list)
    unchanged: list[Unchanged] = field(default_factory=list)
    small: list[list[Sweep]] = field(default_factory=list)
    reading: list[Sweep] = field(default_factory=list)
    throttled: list[Throttled] = field(default_factory=list)


class Sweeping:
    """The function with open jobs, ready to be swept."""

    def __init__(self, stack: LocalStack, atlas: AtlasProcess, fleet: Fleet) -> None:
        self.fleet = fleet
        self._stack = stack
        self._atlas = atlas
        self._answering = Answering()
        environment = our_environment(stack, stack.secret_arn)
        variables = {**environment.variables, "ATLAS_BASE_URL": atlas.url}
        self.runtime = MeasuredRuntime(replace(environment, variables=variables))

    def sweep(self, asked: int | None = None) -> Sweep:
        """Sweep, and assert that so many jobs, else all, were checked and none had changed."""
        expected = self.fleet.jobs if asked is None else asked
        self._atlas.take_calls()
        self._stack.forget_calls()
        self.runtime.logs()
        begun = self.runtime.cpu_seconds
        with self._stack.aws.wire.listen(self._answering):
            answer = self.runtime.invoke({"action": "sweep"})
        cpu_seconds = self.runtime.cpu_seconds - begun
        result = answer.result
        assert (result["open"], result["checked"]) == (self.fleet.jobs, expected), result
        assert (result["changed"], result["notReached"], result["failures"]) == (0, 0, []), result
        logs = self.runtime.logs()
        aws = filter(from_function, self._stack.aws.wire.calls)
        return Sweep(
            fleet=self.fleet,
            result=result,
            seconds=answer.milliseconds / 1000,
            cpu_seconds=cpu_seconds,
            table_seconds=self._answering.take() / 1000,
            atlas_calls=dict(self._atlas.take_calls()),
            aws_calls=dict(Counter(f"{call.service} {call.operation}" for call in aws)),
            peak_megabytes=self.runtime.peak_megabytes,
            log_bytes=len(logs.encode()),
            metrics=tuple(sorted(set(_metrics(logs)))),
        )


def _metrics(logs: str) -> Iterator[str]:
    """The names of the metrics in the lines of the embedded metric format."""
    for line in logs.splitlines():
        if '"_aws"' in line:
            for directive in json.loads(line)["_aws"]["CloudWatchMetrics"]:
                yield from (metric["Name"] for metric in directive["Metrics"])


@contextmanager
def sweeping(
    stack: LocalStack, atlas: AtlasProcess, fleet: Fleet, *, lift_limits: bool = True
) -> Iterator[Sweeping]:
    """Make the jobs of the fleet, in Atlas and in the index, and a function that sweeps them."""
    restores = fleet.restores()
    atlas.furnish(restores, lift_limits=lift_limits)
    ready = Sweeping(stack, atlas, fleet)
    entries = [projected(recorded(restore)) for restore in restores]
    with prepared_index(stack, entries), ready.runtime:
        yield ready


def measure_sweeps(stack: LocalStack, peer: Contender, progress: Progress) -> SweepFigures:
    """Measure everything about sweeps but how fast they detect a change."""
    figures = SweepFigures()
    steps = progress.add_task("sweeps", total=_STEPS)
    with atlas_process() as atlas:
        atlas.answer_after(FAR)
        for fleet in UNCHANGED:
            figures.unchanged.append(_measure_unchanged(stack, atlas, fleet, peer))
            progress.advance(steps, ROUNDS + 1)
        for fleet in SMALL:
            with sweeping(stack, atlas, fleet) as ready:
                ready.sweep()
                figures.small.append([ready.sweep() for _ in range(SMALL_ROUNDS)])
            progress.advance(steps)
        with sweeping(stack, atlas, OLD) as ready:
            ready.sweep()
            figures.reading = [ready.sweep(asked=0) for _ in range(ROUNDS)]
        progress.advance(steps)
        figures.throttled = _throttled(stack, atlas, (progress, steps))
        for fleet in SCALE:
            with sweeping(stack, atlas, fleet, lift_limits=False) as ready:
                figures.scale.append(ready.sweep())
            progress.advance(steps)
    return figures


def _measure_unchanged(
    stack: LocalStack, atlas: AtlasProcess, fleet: Fleet, peer: Contender
) -> Unchanged:
    measured = Unchanged()
    restore = peer.start_restore()
    peer.check(restore)
    with sweeping(stack, atlas, fleet) as ready:
        ready.sweep()
        for _ in range(ROUNDS):
            begun = peer.runtime.cpu_seconds
            for _ in range(PEER_CHECKS):
                peer.check(restore)
            measured.peer_cpu.append(1000 * (peer.runtime.cpu_seconds - begun) / PEER_CHECKS)
            measured.sweeps.append(ready.sweep())
    return measured


def _throttled(
    stack: LocalStack, atlas: AtlasProcess, steps: tuple[Progress, TaskID]
) -> list[Throttled]:
    measured = list[Throttled]()
    with ExitStack() as blocks:
        # They end after the functions: a throttle cannot be removed while it has a process.
        shares = [blocks.enter_context(share_of(memory)) for memory in MEMORY]
        for fleet in THROTTLED:
            with sweeping(stack, atlas, fleet) as ready:
                full = ready.sweep()
                for share in shares:
                    measured.append(_at_share(ready, share, full))
                    steps[0].advance(steps[1])
    return measured


def _at_share(ready: Sweeping, share: Share, full: Sweep) -> Throttled:
    memory = share.memory_megabytes
    if share.throttle is None:
        seconds = full.estimated_at(share.of_processor)
        return Throttled(memory, ready.fleet, seconds, share.way)
    with ready.runtime.held_by(share.throttle):
        return Throttled(memory, ready.fleet, ready.sweep().seconds, share.way)


def small_of(figures: SweepFigures, jobs: int) -> Sequence[Sweep]:
    """Return the warm sweeps of so few jobs."""
    return next(sweeps for sweeps in figures.small if sweeps[0].fleet.jobs == jobs)
