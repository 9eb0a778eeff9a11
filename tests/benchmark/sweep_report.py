"""Prints what was measured of sweeps: their speed, detection, and the dollars of a month."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import mean, median
from typing import Any

from rich import box
from rich.console import Console, Group
from rich.table import Column, Table
from rich.text import Text

from benchmark.comparison import Target
from benchmark.costs import ASKING_ENDS, MINUTES, Measured, Prices, Usage, Watched, month_of_old
from benchmark.detection import (
    ARRIVALS,
    HOT_SECONDS,
    OF_EACH,
    Detections,
    share_overtaken,
)
from benchmark.fleet import PROJECTS, Fleet, recorded
from benchmark.prepared_index import projected, size_of
from benchmark.processor import MEGABYTES_OF_ONE_VCPU
from benchmark.sweeping import FAR, MEMORY, PEER_CHECKS, Sweep, SweepFigures
from benchmark.timelines import AUTOMATED, DOWNLOAD, FLEX, Recorded
from local_stack.jumping_clock import ROUND_SECONDS

MANY = 10_000
OUR_MEMORY = 512
RESTORES = 1000

DOLLARS: Mapping[str, tuple[str, ...]] = {
    "Lambda": ("lambda_gb_second", "lambda_request"),
    "DynamoDB": ("dynamodb_write_unit", "dynamodb_read_unit"),
    "metrics": ("metric_month",),
    "logs": ("log_gb",),
    "secret": ("secret_month", "secret_call"),
    "other": ("sns_publish", "email_delivery", "schedule_invocation", "trace", "queue_request"),
    "traffic": ("sent_gb",),
}
"""The columns of the table of dollars."""


@dataclass(frozen=True)
class SweepReport:
    """Everything that was measured of sweeps."""

    sweeps: SweepFigures
    detections: Sequence[Detections]
    prices: Prices

    def as_json(self) -> dict[str, Any]:
        """Every raw figure."""
        return {
            "sweeps": asdict(self.sweeps),
            "detections": [asdict(one) for one in self.detections],
            "dollars": {name: usage.dollars(self.prices) for name, usage in self.months().items()},
            "targets": [asdict(target) for target in self.targets()],
        }

    def show(self, console: Console) -> None:
        """Print the report for people."""
        tables = (
            self._scale_table(),
            self._unchanged_table(),
            self._memory_table(),
            self._detection_table(),
            self._dollars_table(),
            self._targets_table(),
        )
        notes = f"{self._on_sweeps()}\n{self._on_detection()}\n{self._on_dollars()}"
        console.print(Group(*tables, Text(notes, style="dim")))

    def targets(self) -> list[Target]:
        """The performance targets of sweeps."""
        figures = self.sweeps
        slowest = max(figures.scale, key=lambda sweep: sweep.seconds)
        memory = max(sweep.peak_megabytes for sweep in figures.scale)
        measured = [sweep for one in figures.unchanged for sweep in one.sweeps]
        surplus = max(
            sweep.asked - sweep.fleet.least_calls for sweep in (*figures.scale, *measured)
        )
        writes = max(sweep.writes for sweep in measured)
        others = {name for sweep in measured for name in sweep.aws_calls} - {
            "dynamodb Query",
            "dynamodb UpdateItem",
            "secretsmanager GetSecretValue",
        }
        hot = self.detections[0]
        middle, late = hot.percentiles()
        return [
            _at_most(60, f"seconds of a sweep, {MANY:,} jobs", slowest.seconds, " s", 1),
            _at_most(256, f"resident memory, {MANY:,} jobs", memory, " MB", 0),
            _at_most(0, "Atlas calls beyond the minimum", surplus, "", 0),
            _at_most(2, "writes of an unchanged sweep", writes, "", 0),
            _at_most(0, "other calls to AWS than reads of the index", len(others), "", 0),
            *(
                _at_most(0.10, f"CPU of a job, of the peer's check: {name}", ratio, "", 3)
                for name, ratio in self._ratios().items()
            ),
            _at_most(6, f"change to message, median, {hot.name}", middle, " s", 1),
            _at_most(15, f"change to message, 95 of 100, {hot.name}", late, " s", 1),
        ]

    def months(self) -> dict[str, Usage]:
        """What is used in a month, by the name of the case."""
        idle, many = self._measured(0), self._many()
        reading = self._reading()
        months = {"nothing open": idle.month()}
        for jobs in (1, 100):
            asking = self._measured(jobs)
            months[f"{jobs:,} open, under 6 hours old"] = asking.month()
            months[f"{jobs:,} open, hot all the time"] = asking.hot(HOT_SECONDS[0]).month()
        months[f"{MANY:,} open, under 6 hours old"] = many.month()
        months[f"{MANY:,} open, older"] = month_of_old(many, reading)
        months[f"{MANY:,} open, hot all the time"] = many.hot(HOT_SECONDS[0]).month()
        more_metrics = Usage(metric_month=self._measured(1).metrics - idle.metrics)
        for name, recorded_as, changes in (
            ("Flex", FLEX, 4),
            ("dedicated, automated", AUTOMATED, 2),
            ("dedicated, downloads", DOWNLOAD, 3),
        ):
            one = Watched(recorded_as.median, changes)
            # A status has a metric of its own; duration and latency have one for each end.
            own = more_metrics + Usage(metric_month=changes + 2)
            months[f"{RESTORES:,} restores, {name}"] = (
                idle.month() + one.usage(OUR_MEMORY).times(RESTORES) + own
            )
        return months

    def _ratios(self) -> dict[str, float]:
        return {one.sweeps[0].fleet.name: one.ratio for one in self.sweeps.unchanged}

    def _measured(self, jobs: int) -> Measured:
        sweeps = next(some for some in self.sweeps.small if some[0].fleet.jobs == jobs)
        share = OUR_MEMORY / MEGABYTES_OF_ONE_VCPU
        return self._of(sweeps[-1], median(sweep.estimated_at(share) for sweep in sweeps), jobs)

    def _many(self) -> Measured:
        sweep = next(one for one in self.sweeps.scale if one.fleet.jobs_of_cluster == 1)
        seconds = min(self._seconds_at(OUR_MEMORY, jobs_of_cluster=1), ASKING_ENDS)
        return self._of(sweep, seconds, MANY)

    def _reading(self) -> Measured:
        """A sweep of many jobs of which none is due: it grows with their number."""
        idle = self._measured(0)
        share = OUR_MEMORY / MEGABYTES_OF_ONE_VCPU
        sweeps = self.sweeps.reading
        seconds = median(sweep.cpu_seconds for sweep in sweeps) / share
        factor = MANY / sweeps[0].fleet.jobs
        return self._of(sweeps[-1], idle.seconds + factor * seconds, MANY)

    def _of(self, sweep: Sweep, seconds: float, jobs: int) -> Measured:
        return Measured(
            seconds=seconds,
            jobs=jobs,
            questions=sweep.asked,
            entry_bytes=entry_bytes(),
            log_bytes=sweep.log_bytes,
            metrics=len(sweep.metrics),
            memory_megabytes=OUR_MEMORY,
        )

    def _seconds_at(self, memory: int, jobs_of_cluster: int) -> float:
        (one,) = (
            one
            for one in self.sweeps.throttled
            if (one.memory_megabytes, one.fleet.jobs_of_cluster) == (memory, jobs_of_cluster)
        )
        return one.seconds_of(MANY)

    def _scale_table(self) -> Table:
        table = Table(
            "first sweep of a new environment",
            *map(_right, ("seconds", "CPU seconds", "emulated AWS", "memory", "calls", "minimum")),
            box=box.SIMPLE_HEAD,
            title=f"Sweeps with Atlas {1000 * FAR:.0f} ms away",
        )
        for sweep in self.sweeps.scale:
            table.add_row(
                sweep.fleet.name,
                f"{sweep.seconds:.1f} s",
                f"{sweep.cpu_seconds:.1f} s",
                f"{sweep.table_seconds:.2f} s",
                f"{sweep.peak_megabytes:.0f} MB",
                f"{sweep.asked:,}",
                f"{sweep.fleet.least_calls:,}",
            )
        return table

    def _unchanged_table(self) -> Table:
        table = Table(
            "warm sweep of unchanged jobs",
            *map(_right, ("CPU for a job", "peer's check", "ratio", "calls", "writes", "seconds")),
            box=box.SIMPLE_HEAD,
        )
        for one in self.sweeps.unchanged:
            last = one.sweeps[-1]
            table.add_row(
                last.fleet.name,
                f"{one.cpu_of_job:.2f} ms",
                f"{median(one.peer_cpu):.1f} ms",
                f"{one.ratio:.3f}",
                f"{last.asked:,}",
                f"{last.writes}",
                f"{median(sweep.seconds for sweep in one.sweeps):.2f} s",
            )
        return table

    def _memory_table(self) -> Table:
        way = self.sweeps.throttled[0].way
        table = Table(
            f"{MANY:,} jobs by memory, {way}",
            *map(_right, ("of a processor", "a cluster each", "Lambda", "ten in each", "Lambda")),
            box=box.SIMPLE_HEAD,
        )
        for memory in MEMORY:
            cells = list[str]()
            for jobs_of_cluster in (1, 10):
                seconds = self._seconds_at(memory, jobs_of_cluster)
                dollars = MINUTES * seconds * memory / 1024 * self.prices.usd["lambda_gb_second"]
                cells += [f"{seconds:.1f} s", f"{dollars:.2f} $ a month"]
            table.add_row(f"{memory} MB", f"{memory / MEGABYTES_OF_ONE_VCPU:.2f}", *cells)
        return table

    def _detection_table(self) -> Table:
        table = Table(
            "change to message, seconds",
            *map(_right, ("changes", "overtaken", "median", "95 of 100")),
            *map(_right, ("followed: median", "95 of 100", "not hot: at most")),
            box=box.SIMPLE_HEAD,
        )
        for one in self.detections:
            followed = one.percentiles(followed=True) if one.hours else ()
            cold = one.seconds(hot=False)
            table.add_row(
                one.name,
                f"{len(one.seen):,}",
                f"{100 * share_overtaken(one):.0f} %",
                *(f"{value:.1f}" for value in one.percentiles()),
                *(f"{value:.1f}" for value in followed),
                *([f"{max(cold):.1f}"] if cold else []),
            )
        return table

    def _dollars_table(self) -> Table:
        table = Table(
            f"US dollars a month, {OUR_MEMORY} MB",
            *map(_right, DOLLARS),
            _right("total"),
            box=box.SIMPLE_HEAD,
        )
        for name, usage in self.months().items():
            dollars = usage.dollars(self.prices)
            cells = [sum(dollars[one] for one in names) for names in DOLLARS.values()]
            table.add_row(name, *(f"{value:.2f}" for value in cells), f"{sum(cells):.2f}")
        return table

    def _targets_table(self) -> Table:
        table = Table("target", "aim", "measured", "", box=box.SIMPLE_HEAD)
        for target in self.targets():
            verdict = "[green]met[/]" if target.met else "[red]missed[/]"
            table.add_row(target.name, target.aim, target.measured, verdict)
        return table

    def _on_sweeps(self) -> str:
        return (
            f"Sweeps: the built function in the real runtime, with a service account; the jobs are"
            f" running Flex restores, two hours old, in {PROJECTS} projects with Atlas's real rate"
            " limits. The emulated Atlas is a separate process on the same machine. The index"
            " OpenJobs is answered from prepared pages, because moto takes seconds for a Query over"
            " thousands of items. CPU is that of the function's process, everything in a sweep"
            f" included; the peer makes {PEER_CHECKS} checks before each sweep, and a ratio is the"
            " median of the turns. By memory: 2,000 jobs were swept on that share of one"
            " processor, and the time is multiplied by five; the processor is this machine's."
        )

    def _on_detection(self) -> str:
        def words(of: Recorded) -> str:
            return f"{of.shortest:g}, {of.median:g} and {of.longest:,} s"

        return (
            "Detection: the real sweeper with a clock that jumps, and"
            f" {3 * OF_EACH} jobs that begin at any moment of {ARRIVALS / 3600:g} hour; a third are"
            f" Flex restores ({words(FLEX)}: shortest, median, longest), automated restores"
            f" ({words(AUTOMATED)}) and downloads until the link ({words(DOWNLOAD)}). Drawn"
            " uniformly below the median, and above it uniformly in the logarithm of what exceeds"
            " it; a Flex restore is queued within the first tenth, and runs within the next three."
            f" Each is named once, at once. A round of questions takes {ROUND_SECONDS} s. A"
            " message counts from the change to its publication. Followed: a sweep had begun"
            " between naming and change; until then, nothing asks about the job. Overtaken: the"
            " next change came before anybody asked, so there is no message. Not hot: no change"
            " for 30 minutes. A plain schedule asks about each job in its period, at any phase."
        )

    def _on_dollars(self) -> str:
        prices = self.prices
        hot = self.detections[0]
        share = hot.sweep_seconds / 3600 / hot.hours
        return (
            f"Dollars: list prices of {prices.date}, {prices.region}, arm64, without free tiers"
            f" (prices.toml), for {MINUTES:,} sweeps. A sweep of few jobs is billed for what was"
            f" measured, its CPU stretched to {OUR_MEMORY} MB; many are a cluster each. Hot all the"
            " time is the dearest that can be: sweep after sweep. Restores are of the"
            " median duration, none at the same time as another. Other: SNS, Scheduler, X-Ray, and"
            " the empty receives by which Lambda polls the queue. Traffic: requests to Atlas. With"
            f" the {3 * OF_EACH} jobs above, sweeps were at work for {100 * share:.0f} % of the"
            f" {hot.hours:.1f} hours with {hot.name}."
        )


def entry_bytes() -> float:
    """Bytes of an entry of the index, by DynamoDB's rules."""
    return mean(size_of(projected(recorded(restore))) for restore in Fleet(16).restores())


def _right(heading: str) -> Column:
    return Column(heading, justify="right")


def _at_most(limit: float, name: str, value: float, unit: str, digits: int) -> Target:
    aim = f"at most {limit:g}{unit}"
    return Target(name, aim, f"{value:,.{digits}f}{unit}", value <= limit)
