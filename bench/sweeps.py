"""
How long a sweep of thousands of open jobs takes, and what it asks.

The jobs are running Flex restores, two hours old, in 20 projects. Atlas is 100 ms away, in a
process of its own; 10,000 jobs are swept within its real rate limits. The index OpenJobs is
answered from prepared pages. CPU is that of the function's process, everything in a sweep included;
the peer makes 20 checks before each sweep, and a ratio is the median of the turns. A function of
each memory has its share of one processor.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice, product
from statistics import median
from typing import Any

from bench.contenders import PEER, Contender, contenders
from bench.far_atlas import FarAtlas, far_atlas
from bench.open_jobs import Fleet
from bench.prepared_table import PreparedTable, Units
from bench.processor import MEGABYTES_OF_ONE_VCPU, WATCH_MEGABYTES, Share, share_of
from bench.report import Report, Row, Target
from bench.runtime import Did, Function, MeasuredRuntime
from local_stack.stack import LocalStack
from restore_watch.table.open_jobs import INDEX

UNCHANGED = (Fleet(200), Fleet(2_000), Fleet(200, 10), Fleet(2_000, 10))
SCALE = (Fleet(10_000, 10), Fleet(10_000))
AIMS = ((WATCH_MEGABYTES, SCALE[0], 60), (MEGABYTES_OF_ONE_VCPU, SCALE[1], 25))
"""How many seconds a sweep may take, with so much memory."""

MEMORY = (WATCH_MEGABYTES, 1024, MEGABYTES_OF_ONE_VCPU)

ROUNDS = 4
PEER_CHECKS = 20
"""Checks of the peer between two sweeps, because other load on the machine affects both."""


@dataclass(frozen=True)
class Sweep:
    """
    A sweep.

    `asked` counts calls to Atlas, without that for a token, and the one of a day about credentials.
    `least` are those that the fleet needs. So many projects were `listed`.
    """

    fleet: Fleet
    did: Did
    asked: int
    least: int
    listed: int
    units: Units
    peak_megabytes: float

    @property
    def surplus(self) -> int:
        """Calls to Atlas beyond those that the fleet needs."""
        return self.asked - self.least

    @property
    def cpu_of_job(self) -> float:
        """Milliseconds of processor time for each job, everything included."""
        return 1000 * self.did.cpu_seconds / self.fleet.jobs

    def row(self, megabytes: int) -> Row:
        return (
            f"{self.fleet.name}; {megabytes:,} MB",
            *(f"{self.did.seconds:.1f} s", f"{self.did.cpu_seconds:.1f} s"),
            *(f"{self.peak_megabytes:.0f} MB", f"{self.asked:,}", f"{self.least:,}"),
            f"{self.did.seconds * megabytes / 1024:.2f} GB s",
        )


@dataclass(frozen=True)
class Beside:
    """Warm sweeps of one fleet, and the peer's milliseconds of processor time before each."""

    name: str
    sweeps: list[Sweep] = field(default_factory=list)
    peer_cpu: list[float] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """Of a job in a sweep to a check of the peer: the median of the ratios of each turn."""
        pairs = zip(self.sweeps, self.peer_cpu, strict=True)
        return median(sweep.cpu_of_job / peer for sweep, peer in pairs)

    @property
    def row(self) -> Row:
        cpu = median(sweep.cpu_of_job for sweep in self.sweeps)
        seconds = median(sweep.did.seconds for sweep in self.sweeps)
        figures = (f"{cpu:.2f} ms", f"{median(self.peer_cpu):.1f} ms", f"{self.ratio:.3f}")
        return (self.name, *figures, f"{seconds:.2f} s")


class Sweeping:
    """The function with open jobs, ready to be swept."""

    def __init__(
        self, function: Function, atlas: FarAtlas, fleet: Fleet, table: PreparedTable
    ) -> None:
        self.runtime = function.runtime
        self.table = table
        self._function = function
        self._atlas = atlas
        self._fleet = fleet

    def sweep(self) -> Sweep:
        """Sweep, and assert that every job was asked about and none had changed."""
        sweep = self.sweep_anything()
        result, jobs = sweep.did.answer.result, self._fleet.jobs
        assert (result["open"], result["checked"]) == (jobs, jobs), result
        assert result["changed"] == 0, result
        return sweep

    def sweep_anything(self) -> Sweep:
        """Sweep, and assert that nothing failed."""
        self._atlas.take_calls()
        self.table.take_units()
        did = self._function.measure(tick())
        calls, result = self._atlas.take_calls(), did.answer.result
        assert (result["notReached"], result["failures"]) == (0, []), result
        asked = calls.total() - calls["token"] - calls["service_account"]
        listed = calls["flex_clusters"]
        least = self._fleet.least_calls(listed)
        units, memory = self.table.take_units(), self.runtime.peak_megabytes
        return Sweep(self._fleet, did, asked, least, listed, units, memory)

    def beside(self, peer: Contender) -> Beside:
        """Sweep several times, each time after checks of the peer."""
        restore = peer.running()
        measured = Beside(self._fleet.name)
        self.sweep()
        for _ in range(ROUNDS):
            begun = peer.runtime.cpu_seconds
            for _ in range(PEER_CHECKS):
                peer.check(restore)
            measured.peer_cpu.append(1000 * (peer.runtime.cpu_seconds - begun) / PEER_CHECKS)
            measured.sweeps.append(self.sweep())
        return measured


def tick() -> dict[str, Any]:
    """What the schedule sends for a tick of this moment."""
    return {"action": "sweep", "scheduledTime": datetime.now(UTC).isoformat()}


@contextmanager
def sweeping(
    stack: LocalStack,
    atlas: FarAtlas,
    fleet: Fleet,
    megabytes: int = WATCH_MEGABYTES,
    *,
    lift_limits: bool = True,
    **variables: str,
) -> Iterator[Sweeping]:
    """Make the jobs, and an index in which all are as the function records the first of them."""
    atlas.furnish(fleet, lift_limits=lift_limits)
    stack.empty_table()
    environment = stack.pool.runtimes[0].environment
    variables = {**environment.variables, "ATLAS_BASE_URL": atlas.url(), **variables}
    environment = replace(environment, variables=variables, memory_megabytes=megabytes)
    with MeasuredRuntime(environment) as runtime:
        function = Function(stack, runtime)
        for target in islice(fleet.targets, 1):
            function.measure(target)
        index = {"TableName": stack.table_name, "IndexName": INDEX}
        recorded = stack.aws.client("dynamodb").scan(**index)["Items"]
        runtime.restart()
        table = PreparedTable(entry for record in recorded for entry in fleet.entries(record))
        with stack.aws.wire.inject(table.fault):
            yield Sweeping(function, atlas, fleet, table)


def measure() -> Report:
    """Measure warm sweeps beside the peer, and first sweeps of many jobs by memory."""
    unchanged, scale = list[Beside](), list[tuple[int, Sweep]]()
    with ExitStack() as blocks:
        # They end after the functions: a throttle cannot be removed while it has a process.
        shares = [blocks.enter_context(share_of(memory)) for memory in MEMORY]
        peer = blocks.enter_context(contenders())[PEER]
        atlas = blocks.enter_context(far_atlas(0.1))
        for fleet in UNCHANGED:
            with sweeping(peer.stack, atlas, fleet) as ready:
                unchanged.append(ready.beside(peer))
        for share, fleet in product(shares, SCALE):
            sweep = sweep_first(peer.stack, atlas, fleet, share)
            scale.append((share.memory_megabytes, sweep))
    report = Report(*_targets(unchanged, scale))
    head: Row = (
        *(f"first sweep of an environment, {shares[0].way}", "seconds", "CPU", "memory"),
        *("calls", "minimum", "Lambda"),
    )
    report.table(head, *(sweep.row(megabytes) for megabytes, sweep in scale))
    head = ("warm sweep of unchanged jobs", "CPU of a job", "peer's check", "ratio", "seconds")
    report.table(head, *(measured.row for measured in unchanged))
    return report


def sweep_first(stack: LocalStack, atlas: FarAtlas, fleet: Fleet, share: Share) -> Sweep:
    """Let a new environment sweep for the first time, with its share of a processor."""
    with sweeping(stack, atlas, fleet, share.memory_megabytes, lift_limits=False) as ready:
        ready.runtime.invoke({})  # refused, but then there is a process to hold
        with ready.runtime.held_by(share.throttle):
            return ready.sweep()


def _targets(unchanged: Sequence[Beside], scale: Sequence[tuple[int, Sweep]]) -> Iterator[Target]:
    first = [sweep for _, sweep in scale]
    warm = [sweep for measured in unchanged for sweep in measured.sweeps]
    writes = max(sweep.did.count("dynamodb", "UpdateItem") for sweep in warm)
    allowed = {"Query", "UpdateItem", "GetSecretValue"}
    others = sum(call.operation not in allowed for sweep in warm for call in sweep.did.calls)
    memory = max(sweep.peak_megabytes for sweep in first)
    surplus = max(sweep.surplus for sweep in (*first, *warm))
    seconds = {(size, sweep.fleet.name): sweep.did.seconds for size, sweep in scale}
    for megabytes, fleet, aim in AIMS:
        what = f"sweep of {fleet.name}; {megabytes:,} MB"
        yield Target.at_most(aim, what, seconds[megabytes, fleet.name], " s", 1)
    yield Target.at_most(256, "resident memory, 10,000 jobs", memory, " MB")
    yield Target.at_most(0, "Atlas calls beyond the minimum", surplus)
    yield Target.at_most(2, "writes of an unchanged sweep", writes)
    yield Target.at_most(0, "other calls to AWS than reads of the index", others)
    for measured in unchanged:
        name = f"CPU of a job, of the peer's check: {measured.name}"
        yield Target.at_most(0.10, name, measured.ratio, digits=3)
