"""
What sweeps need as a fleet grows: ten clusters in each project, half of them Flex.

Atlas is 100 ms away, in a process of its own, with its real rate limits; what is large in the table
is prepared. First all projects are due, and a sweep lists as many as it may; the next one lists
none. From these a minute is computed, the mean of 15, in which each project is listed once. Atlas
alone: the calls of the slower sweep take so long, as many at once as the memory bears. In an outage
of two hours, restores begin and end.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from random import Random

from bench.accelerated import SEED
from bench.far_atlas import FarAtlas, far_atlas
from bench.open_jobs import Fleet
from bench.processor import MEGABYTES_OF_ONE_VCPU, WATCH_MEGABYTES, share_of
from bench.report import Report, Row, Target
from bench.sweeps import Sweep, Sweeping, sweeping
from local_stack.stack import LocalStack
from restore_watch.threads.how_many_threads import threads_for

SECONDS_AWAY = 0.1

CYCLE = 15
"""Minutes, and so sweeps, in which each project is listed once."""

DUE = timedelta(minutes=CYCLE + 1)
OUTAGE = timedelta(hours=2)
RESTORES = 1_000


@dataclass(frozen=True)
class Stage:
    """A fleet, the memory of the function, a sweep that lists projects and one that lists none."""

    fleet: Fleet
    megabytes: int = MEGABYTES_OF_ONE_VCPU
    sweeps: list[Sweep] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"{self.fleet.name}; {self.megabytes:,} MB"

    @property
    def slowest(self) -> Sweep:
        return max(self.sweeps, key=lambda sweep: sweep.did.seconds)

    @property
    def peak_megabytes(self) -> float:
        return max(sweep.peak_megabytes for sweep in self.sweeps)

    def mean(self, of: Callable[[Sweep], float]) -> float:
        """What sweeps need in a minute."""
        listing, quiet = self.sweeps
        # The projects that were listed stand for all.
        times = self.fleet.projects / listing.listed
        return (times * of(listing) + (CYCLE - times) * of(quiet)) / CYCLE

    @property
    def row(self) -> Row:
        did, asked = self.slowest.did, self.slowest.asked
        mean = self.mean(attrgetter("did.seconds"))
        alone = asked * SECONDS_AWAY / threads_for(self.megabytes)
        seconds = (did.seconds, alone, did.cpu_seconds, mean)
        return (
            self.name,
            *(f"{amount:.1f} s" for amount in seconds),
            f"{self.peak_megabytes:.0f} MB",
        )

    @property
    def row_of_minute(self) -> Row:
        names = ("did.seconds", "asked", "least", "units.read", "units.written")
        seconds, *numbers = (self.mean(attrgetter(name)) for name in names)
        counts = (f"{number:,.0f}" for number in numbers)
        return (self.name, *counts, f"{seconds * self.megabytes / 1024:.2f}")


def stages() -> list[Stage]:
    """From the smallest to the largest, which goes through an outage."""
    return [
        Stage(Fleet(0, projects=100, idle=1_000), megabytes=WATCH_MEGABYTES),
        Stage(Fleet(0, projects=1_000, idle=10_000), megabytes=WATCH_MEGABYTES),
        Stage(Fleet(0, projects=10_000, idle=100_000)),
    ]


@contextmanager
def staged(stack: LocalStack, atlas: FarAtlas, stage: Stage) -> Iterator[Sweeping]:
    """Within the block, the function is ready, with its share of a processor."""
    with (  # the share ends after the function, whose process it holds
        share_of(stage.megabytes) as share,
        sweeping(
            *(stack, atlas, stage.fleet, stage.megabytes),
            lift_limits=False,
            ATLAS_PROJECT_IDS="all",
        ) as ready,
    ):
        let_be_listed(ready, stage, timedelta())
        ready.sweep()
        with ready.runtime.held_by(share.throttle):
            yield ready


def let_be_listed(ready: Sweeping, stage: Stage, ago: timedelta) -> None:
    ready.table.put(stage.fleet.projects_listed(datetime.now(UTC) - ago))


def sweep_all(ready: Sweeping, stage: Stage) -> None:
    """Sweep while all projects are due, and while none is."""
    for ago in (DUE, timedelta()):
        let_be_listed(ready, stage, ago)
        stage.sweeps.append(ready.sweep())


def catch_up(ready: Sweeping, atlas: FarAtlas, stage: Stage) -> list[Row]:
    """Let all restores of an outage be found, tick by tick."""
    let_be_listed(ready, stage, OUTAGE)
    random = Random(SEED)  # noqa: S311 - no secret depends on it
    atlas.end_restores(random.sample(list(stage.fleet.places), RESTORES), OUTAGE / 2)
    rows, found = list[Row](), 0
    while found < RESTORES and len(rows) < CYCLE:
        sweep = ready.sweep_anything()
        found += sweep.did.answer.result["found"]
        seconds, calls = f"{sweep.did.seconds:.1f} s", f"{sweep.asked:,}"
        rows.append((f"tick {len(rows) + 1}", f"{found:,}", seconds, calls))
    return rows


def measure() -> Report:
    """Measure every stage."""
    grown = stages()
    *_, largest = grown
    with LocalStack() as stack, far_atlas(SECONDS_AWAY) as atlas:
        for stage in grown:
            with staged(stack, atlas, stage) as ready:
                sweep_all(ready, stage)
                if stage is largest:
                    ticks = catch_up(ready, atlas, stage)
    calls = max(sweep.asked / sweep.least for stage in grown for sweep in stage.sweeps)
    memory = max(stage.peak_megabytes for stage in grown)
    report = Report(
        Target.at_most(45, f"slowest sweep: {largest.name}", largest.slowest.did.seconds, " s", 1),
        Target.at_most(1.1, "calls to Atlas, of the minimum of a sweep", calls, digits=3),
        Target.at_most(256, "resident memory", memory, " MB"),
        Target.at_most(2, "ticks to find what an outage hid", len(ticks)),
    )
    head: Row = ("sweeps", "slowest", "Atlas alone", "CPU", "mean", "memory")
    report.table(head, *(stage.row for stage in grown))
    head = ("a minute", "calls", "least", "read", "written", "GB-seconds")
    report.table(head, *(stage.row_of_minute for stage in grown))
    report.table(("after an outage", "restores found", "sweep", "calls"), *ticks)
    return report
