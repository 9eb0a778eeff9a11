"""The figures side by side, and the performance targets beside what was measured."""

import os
import platform
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from statistics import median, quantiles
from typing import Any

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from benchmark.measurement import Checks, Figures, Size

OURS, PEER, COMPILED_PEER = "ours, API key", "peer", "peer, bytecode"

_PACKAGES = (
    "boto3",
    "httpx",
    "pydantic",
    "aws-lambda-powertools",
    "requests",
    "awslambdaric",
    "aws-sam-cli",
    "moto",
)


@dataclass(frozen=True)
class Target:
    """What was aimed at. `met` says whether `measured`, a text, is within it."""

    name: str
    aim: str
    measured: str
    met: bool


@dataclass(frozen=True)
class Row:
    """One figure of every contender: a summary of samples that were taken in the same order."""

    name: str
    samples: Callable[[Figures], list[float]]
    summary: Callable[[list[float]], float] = median
    unit: str = "ms"
    digits: int = 0

    def figure(self, of: Figures) -> float:
        return self.summary(self.samples(of))

    def ratio(self, ours: Figures, peer: Figures) -> float:
        """A median is compared turn by turn: load that comes and goes would shift two medians."""
        if self.summary is not median:
            return self.figure(ours) / self.figure(peer)
        pairs = zip(self.samples(ours), self.samples(peer), strict=True)
        return median(one / other for one, other in pairs)


def _p95(values: list[float]) -> float:
    return quantiles(values, n=20)[-1]


def _most_calls(checks: Checks) -> int:
    return max(map(len, checks.calls))


def _megabytes(figures: Figures, size: Callable[[Size], int]) -> list[float]:
    return [sum(map(size, figures.sizes.values())) / 1e6]


_COLD = Row("total, median", lambda of: [start.total for start in of.cold_starts])
_CPU = Row("CPU for each", lambda of: [of.unchanged.cpu_milliseconds], digits=2)
_SECTIONS = {
    "cold start": [
        _COLD,
        Row("total, fastest", _COLD.samples, min),
        Row("of which INIT, median", lambda of: [start.init for start in of.cold_starts]),
        Row(
            "of which first answer, median",
            lambda of: [start.total - start.init for start in of.cold_starts],
        ),
    ],
    "warm check, unchanged": [
        Row("median", lambda of: of.unchanged.milliseconds, digits=1),
        Row("95th percentile", lambda of: of.unchanged.milliseconds, _p95, digits=1),
        Row("without the emulators", lambda of: of.unchanged.own_milliseconds, digits=1),
        _CPU,
        Row("HTTP calls", lambda of: [_most_calls(of.unchanged)], unit=""),
    ],
    "warm check, changed": [
        Row("median", lambda of: of.changed.milliseconds, digits=1),
        Row("without the emulators", lambda of: of.changed.own_milliseconds, digits=1),
        Row("CPU for each", lambda of: [of.changed.cpu_milliseconds], digits=2),
        Row("HTTP calls", lambda of: [_most_calls(of.changed)], unit=""),
    ],
    "package": [
        Row("zipped", lambda of: _megabytes(of, lambda size: size.zipped), unit="MB", digits=1),
        Row("unzipped", lambda of: _megabytes(of, lambda size: size.unzipped), unit="MB", digits=1),
    ],
}


def machine() -> dict[str, Any]:
    """What the absolute figures depend on."""
    return {
        "cores": os.cpu_count(),
        "processor": platform.machine(),
        "system": platform.system(),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 1),
        "versions": {name: version(name) for name in _PACKAGES},
    }


def targets(figures: Mapping[str, Figures]) -> list[Target]:
    """The performance targets, each with ours of either credential that does worse."""
    ours = [one for name, one in figures.items() if name.startswith("ours")]
    peer = figures[PEER]

    def at_most(limit: float, row: Row) -> tuple[str, bool]:
        ratio = max(row.ratio(one, peer) for one in ours)
        return f"{ratio:.2f}", ratio <= limit

    def exactly(count: int, checks: Callable[[Figures], Checks]) -> tuple[str, bool]:
        counts = {len(calls) for one in ours for calls in checks(one).calls}
        measured = ", ".join(map(str, sorted(counts)))
        return f"{measured} (peer {_most_calls(checks(peer))})", counts == {count}

    return [
        Target("HTTP calls, unchanged", "2", *exactly(2, lambda of: of.unchanged)),
        Target("HTTP calls, changed", "4", *exactly(4, lambda of: of.changed)),
        Target("CPU for each warm check", "at most 0.25 of the peer's", *at_most(0.25, _CPU)),
        Target("cold start", "at most 0.75 of the peer's", *at_most(0.75, _COLD)),
    ]


def as_json(figures: Mapping[str, Figures], facts: Mapping[str, Any]) -> dict[str, Any]:
    """Every raw figure."""
    return {
        "machine": facts,
        "figures": {name: asdict(one) for name, one in figures.items()},
        "targets": [asdict(target) for target in targets(figures)],
    }


def show(console: Console, figures: Mapping[str, Figures], facts: Mapping[str, Any]) -> None:
    """Print it for people."""
    console.print(Group(_figures_table(figures), _targets_table(figures), _notes(figures, facts)))


def _figures_table(figures: Mapping[str, Figures]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title="Ours beside a plain handler written the usual way")
    table.add_column()
    for name in figures:
        table.add_column(name.replace(", ", "\n"), justify="right")
    for peer in ("the peer", "with bytecode"):
        table.add_column(f"ratio to\n{peer}", justify="right")
    for section, rows in _SECTIONS.items():
        table.add_row(Text(section, style="bold"))
        for row in rows:
            table.add_row(f"  {row.name}", *_cells(row, figures))
        table.add_section()
    return table


def _cells(row: Row, figures: Mapping[str, Figures]) -> list[str]:
    values = [f"{row.figure(one):,.{row.digits}f} {row.unit}".rstrip() for one in figures.values()]
    peers = (figures[PEER], figures[COMPILED_PEER])
    return [*values, *(f"{row.ratio(figures[OURS], peer):.2f}" for peer in peers)]


def _targets_table(figures: Mapping[str, Figures]) -> Table:
    table = Table("target", "aim", "measured", "", box=box.SIMPLE_HEAD)
    for target in targets(figures):
        verdict = "[green]met[/]" if target.met else "[red]missed[/]"
        table.add_row(target.name, target.aim, target.measured, verdict)
    return table


def _notes(figures: Mapping[str, Figures], facts: Mapping[str, Any]) -> RenderableType:
    peer, sizes = figures[PEER], figures[OURS].sizes
    versions = ", ".join(f"{name} {number}" for name, number in facts["versions"].items())
    return Text(
        "The peer has the same API key and is built by plain sam build, so without bytecode; beside"
        " it the same compiled as ours is. The ratios are those of ours with the API key, of a"
        " median turn by turn; a target is held against the worse of ours."
        f" {len(peer.cold_starts)} cold starts, {len(peer.unchanged.milliseconds)} unchanged and"
        f" {len(peer.changed.milliseconds)} changed checks of each, in turns. CPU is that of the"
        " function's process; INIT is what the emulator reports. The peer is one package; ours is"
        f" a function of {sizes['function'].zipped / 1e6:.1f} MB zipped"
        f" ({sizes['function'].unzipped / 1e6:.1f} MB unzipped) and a layer of"
        f" {sizes['layer'].zipped / 1e6:.1f} ({sizes['layer'].unzipped / 1e6:.1f}).\n"
        f"{facts['cores']} cores ({facts['processor']}), load {facts['load']},"
        f" Python {facts['python']}; {versions}.\n"
        "Absolute times are of this machine; ratios transfer.",
        style="dim",
    )
