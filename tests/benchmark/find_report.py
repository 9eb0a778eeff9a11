"""Prints what finding restores costs, and how long it takes."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich import box
from rich.console import Console, Group
from rich.table import Column, Table
from rich.text import Text

from benchmark.comparison import Target
from benchmark.finding import ARRIVALS, COLLECTION_RUNS, CYCLE, RESTORES, Calls, Found

TICK = 65.0
"""Seconds within which a restore with an event has its first message: one tick, and five."""

LISTING = 15 * 60 + TICK
"""The same without an event: it waits for the next listing."""

NOTES = (
    "Finding: the real sweeper with a clock that jumps, a sweep a minute. Calls are counted until"
    f" each project was listed once, which is every {CYCLE} minutes, after the sweeps that the"
    " starts of the active restores woke. Without a listing, the minimum is a call for each project"
    f" and each active cluster. {RESTORES} restores of each kind begin at any moment of"
    f" {ARRIVALS / 3600:g} hours, collection restores run {COLLECTION_RUNS / 60:g} minutes; nobody"
    " names them. A first message counts from the start of its restore."
)


@dataclass(frozen=True)
class FindReport:
    """Everything that was measured of finding."""

    calls: Sequence[Calls]
    found: Sequence[Found]

    def as_json(self) -> dict[str, Any]:
        """Every raw figure."""
        return {
            "calls": [asdict(one) for one in self.calls],
            "found": [asdict(one) for one in self.found],
            "targets": [asdict(one) for one in self.targets()],
        }

    def targets(self) -> list[Target]:
        """The performance targets of finding."""
        surplus = max(one.quiet - one.estate.least_calls for one in self.calls)
        aims = {one.kind: LISTING if one.kind == "collection" else TICK for one in self.found}
        return [
            Target(
                "Atlas calls of a sweep beyond the minimum, nothing listed",
                "at most 0",
                f"{surplus:g}",
                surplus <= 0,
            ),
            *(
                Target(
                    f"start to first message, 95 of 100, {one.kind}",
                    f"at most {aims[one.kind]:g} s",
                    f"{one.percentile(0.95):.1f} s",
                    one.percentile(0.95) <= aims[one.kind],
                )
                for one in self.found
            ),
        ]

    def show(self, console: Console) -> None:
        """Print the report for people."""
        calls = Table(
            "finding: calls to Atlas a minute",
            *(
                Column(heading, justify="right")
                for heading in ("minimum", "nothing listed", "on average", "most in one sweep")
            ),
            box=box.SIMPLE_HEAD,
        )
        for one in self.calls:
            calls.add_row(
                one.estate.name,
                f"{one.estate.least_calls:,}",
                f"{one.quiet:,}",
                f"{one.average:,.1f}",
                f"{one.listing:,}",
            )
        found = Table(
            "start to first message, nobody named it",
            *(Column(heading, justify="right") for heading in ("median", "95 of 100", "longest")),
            box=box.SIMPLE_HEAD,
        )
        for kind in self.found:
            seconds = (kind.percentile(0.5), kind.percentile(0.95), max(kind.seconds))
            found.add_row(kind.kind, *(f"{value:.1f} s" for value in seconds))
        targets = Table("target", "aim", "measured", "", box=box.SIMPLE_HEAD)
        for target in self.targets():
            verdict = "[green]met[/]" if target.met else "[red]missed[/]"
            targets.add_row(target.name, target.aim, target.measured, verdict)
        console.print(Group(calls, found, targets, Text(NOTES, style="dim")))
