"""
What sweeps need as a fleet grows: ten clusters in each project, half of them Flex.

Atlas is 100 ms away, in a process of its own, with its real rate limits; what is large in the table
is prepared. Workers sweep one after the other in one environment, so that its memory is the most
that it can be. First all projects are due, and a sweep lists as many as it may; the last one lists
none. From these a minute is computed, the mean of 15, in which each project is listed once. Atlas
alone: the calls of the slowest sweep take so long, 32 at once. At once: each worker has an
environment, on the processors of this machine. In an outage of two hours, restores begin and end.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from random import Random

from bench.accelerated import SEED
from bench.costs import MINUTES, WATCH_MEGABYTES, Prices, Usage
from bench.far_atlas import FarAtlas, far_atlas
from bench.open_jobs import Fleet
from bench.processor import MEGABYTES_OF_ONE_VCPU, share_of
from bench.report import Report, Row, Target
from bench.runtime import MeasuredRuntime
from bench.sweeps import Sweep, Sweeping, event_of, sweeping
from local_stack.stack import LocalStack
from restore_watch.model.shares import Worker
from restore_watch.threads.workers import THREADS

SECONDS_AWAY = 0.1

CYCLE = 15
"""Minutes, and so sweeps, in which each project is listed once."""

DUE = timedelta(minutes=CYCLE + 1)
OUTAGE = timedelta(hours=2)
RESTORES = 1_000
WHOLE = 4  # of so many workers, the first really lists all that it has


@dataclass(frozen=True)
class Stage:
    """A fleet, the workers that sweep it and their memory, and the sweeps of each."""

    fleet: Fleet
    workers: int = 1
    megabytes: int = MEGABYTES_OF_ONE_VCPU
    sweeps: dict[Worker, list[Sweep]] = field(default_factory=dict)

    @property
    def all_workers(self) -> list[Worker]:
        return [Worker(number, self.workers) for number in range(self.workers)]

    @property
    def all_sweeps(self) -> list[Sweep]:
        return [sweep for sweeps in self.sweeps.values() for sweep in sweeps]

    @property
    def name(self) -> str:
        return f"{self.fleet.name}; {self.workers} x {self.megabytes:,} MB"

    @property
    def slowest(self) -> Sweep:
        return max(self.all_sweeps, key=lambda one: one.did.seconds)

    @property
    def peak_megabytes(self) -> float:
        return max(one.peak_megabytes for one in self.all_sweeps)

    def mean(self, of: Callable[[Sweep], float]) -> float:
        """What all workers need in a minute."""
        total = 0.0
        for worker, (*listing, quiet) in self.sweeps.items():
            # Some of the projects stand for all.
            times = self.fleet.projects_of(worker) / max(1, sum(one.listed for one in listing))
            total += times * sum(map(of, listing)) + (CYCLE - times * len(listing)) * of(quiet)
        return total / CYCLE

    @property
    def row(self) -> Row:
        did, asked = self.slowest.did, self.slowest.asked
        mean = self.mean(attrgetter("did.seconds")) / self.workers
        seconds = (did.seconds, asked * SECONDS_AWAY / THREADS, did.cpu_seconds, mean)
        return (self.name, *(f"{one:.1f} s" for one in seconds), f"{self.peak_megabytes:.0f} MB")

    @property
    def row_of_minute(self) -> Row:
        names = ("did.seconds", "asked", "least", "units.read", "units.written")
        seconds, *numbers = (self.mean(attrgetter(name)) for name in names)
        *_, read, written = numbers
        used = (
            Usage(lambda_gb_second=seconds * self.megabytes / 1024, lambda_request=self.workers),
            Usage(dynamodb_read_unit=read, dynamodb_write_unit=written),
        )
        dollars = (one.times(MINUTES).dollars(Prices.read()) for one in used)
        counts = (f"{one:,.0f}" for one in numbers)
        return (self.name, *counts, *(f"{one:.2f}" for one in dollars))


def stages() -> list[Stage]:
    """From the smallest to the largest; the last but one goes through an outage."""
    return [
        Stage(Fleet(0, projects=100, idle=1_000), megabytes=WATCH_MEGABYTES),
        Stage(Fleet(0, projects=1_000, idle=10_000), megabytes=WATCH_MEGABYTES),
        Stage(Fleet(0, projects=5_000, idle=50_000)),
        Stage(Fleet(0, projects=10_000, idle=100_000), workers=4),
        Stage(Fleet(100_000, 5, projects=10_000, idle=80_000), workers=16),
    ]


@contextmanager
def staged(stack: LocalStack, atlas: FarAtlas, stage: Stage) -> Iterator[Sweeping]:
    """Within the block, the function is ready, with its share of a processor."""
    variables = {"ATLAS_PROJECT_IDS": "all", "SWEEP_WORKERS": str(stage.workers)}
    with (  # the share ends after the function, whose process it holds
        share_of(stage.megabytes) as share,
        sweeping(stack, atlas, stage.fleet, lift_limits=False, **variables) as ready,
    ):
        let_be_listed(ready, stage, timedelta())
        ready.sweep(stage.all_workers[0])
        with ready.runtime.held_by(share.throttle):
            yield ready


def let_be_listed(ready: Sweeping, stage: Stage, ago: timedelta) -> None:
    ready.table.put(stage.fleet.projects_listed(datetime.now(UTC) - ago, stage.workers))


def sweep_all(ready: Sweeping, stage: Stage) -> None:
    """Let the first worker sweep until it lists nothing, and each other once: it ends so, too."""
    first, *others = stage.all_workers
    let_be_listed(ready, stage, DUE)
    sweeps = stage.sweeps[first] = [ready.sweep(first)]
    while sweeps[-1].listed:
        if stage.workers != WHOLE:
            let_be_listed(ready, stage, timedelta())
        sweeps.append(ready.sweep(first))
    let_be_listed(ready, stage, DUE)
    stage.sweeps.update((worker, [ready.sweep(worker), sweeps[-1]]) for worker in others)


def at_once(ready: Sweeping, stage: Stage) -> Iterator[Row]:
    """Let all workers sweep beside each other."""
    let_be_listed(ready, stage, DUE)
    with ExitStack() as blocks:
        made = [MeasuredRuntime(ready.runtime.environment) for _ in stage.all_workers]
        runtimes = list(map(blocks.enter_context, made))
        pool = blocks.enter_context(ThreadPoolExecutor(stage.workers))
        answers = pool.map(MeasuredRuntime.invoke, runtimes, map(event_of, stage.all_workers))
        for worker, runtime, answer in zip(stage.all_workers, runtimes, answers, strict=True):
            assert answer.result["failures"] == [], answer
            seconds = (f"{one:.1f} s" for one in (answer.milliseconds / 1000, runtime.cpu_seconds))
            yield f"worker {worker.number}", *seconds, f"{runtime.peak_megabytes:.0f} MB"


def catch_up(ready: Sweeping, atlas: FarAtlas, stage: Stage) -> list[Row]:
    """Let all restores of an outage be found, tick by tick."""
    let_be_listed(ready, stage, OUTAGE)
    random = Random(SEED)  # noqa: S311 - no secret depends on it
    atlas.end_restores(random.sample(list(stage.fleet.places), RESTORES), OUTAGE / 2)
    rows, found = list[Row](), 0
    while found < RESTORES and len(rows) < CYCLE:
        sweeps = [ready.sweep_of(worker) for worker in stage.all_workers]
        found += sum(one.did.answer.result["found"] for one in sweeps)
        seconds, calls = max(one.did.seconds for one in sweeps), sum(one.asked for one in sweeps)
        rows.append((f"tick {len(rows) + 1}", f"{found:,}", f"{seconds:.1f} s", f"{calls:,}"))
    return rows


def measure() -> Report:
    """Measure every stage."""
    grown = stages()
    *_, idle, busy = grown
    with LocalStack() as stack, far_atlas(SECONDS_AWAY) as atlas:
        for stage in grown:
            with staged(stack, atlas, stage) as ready:
                sweep_all(ready, stage)
                if stage is idle:
                    beside, ticks = list(at_once(ready, stage)), catch_up(ready, atlas, stage)
    calls = max(one.asked / one.least for stage in grown for one in stage.all_sweeps)
    memory = max(stage.peak_megabytes for stage in grown)
    report = Report(
        Target.at_most(25, f"slowest sweep: {idle.name}", idle.slowest.did.seconds, " s", 1),
        Target.at_most(20, f"slowest sweep: {busy.name}", busy.slowest.did.seconds, " s", 1),
        Target.at_most(1.1, "calls to Atlas, of the minimum of a sweep", calls, digits=3),
        Target.at_most(256, "resident memory", memory, " MB"),
        Target.at_most(2, "ticks to find what an outage hid", len(ticks)),
    )
    head: Row = ("sweeps", "slowest", "Atlas alone", "CPU", "mean", "memory")
    report.table(head, *(stage.row for stage in grown))
    head = ("a minute; dollars a month", "calls", "least", "read", "written", "Lambda", "DynamoDB")
    report.table(head, *(stage.row_of_minute for stage in grown))
    report.table((f"at once: {idle.name}", "seconds", "CPU", "memory"), *beside)
    report.table(("after an outage", "restores found", "slowest sweep", "calls"), *ticks)
    return report
