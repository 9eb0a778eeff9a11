"""Prints the figures side by side, the targets with the measured values, and notes on both."""

import os
import platform
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from rich import box
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from benchmark.comparison import COMPILED_PEER, MODULE_PEER, OURS, PEER, Row, sections, targets
from benchmark.measurement import Figures
from benchmark.processor import Share

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


def as_json(
    figures: Mapping[str, Figures], share: Share, facts: Mapping[str, Any]
) -> dict[str, Any]:
    """Every raw figure."""
    return {
        "machine": facts,
        "share": {
            "memory_megabytes": share.memory_megabytes,
            "of_processor": share.of_processor,
            "way": share.way,
            "why_estimated": share.why_estimated,
        },
        "figures": {name: asdict(one) for name, one in figures.items()},
        "targets": [asdict(target) for target in targets(figures, share)],
    }


def show(
    console: Console, figures: Mapping[str, Figures], share: Share, facts: Mapping[str, Any]
) -> None:
    """Print the report for people."""
    notes = Text(
        "\n".join([_on_peers(figures), _on_figures(figures), _on_share(share), _on_machine(facts)]),
        style="dim",
    )
    console.print(Group(_figures_table(figures, share), _targets_table(figures, share), notes))


def _figures_table(figures: Mapping[str, Figures], share: Share) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title="Ours beside a plain handler written the usual way")
    table.add_column()
    for name in figures:
        table.add_column(_heading(name), justify="right")
    for peer in (PEER, COMPILED_PEER, MODULE_PEER):
        table.add_column(f"ratio to\n{_heading(peer)}", justify="right")
    for section, rows in sections(share).items():
        table.add_row(Text(section, style="bold"))
        for row in rows:
            table.add_row(f"  {row.name}", *_cells(row, figures))
        table.add_section()
    return table


def _heading(name: str) -> str:
    return name.replace(", ", "\n").replace(" ", "\n")


def _cells(row: Row, figures: Mapping[str, Figures]) -> list[str]:
    values = [f"{row.figure(one):,.{row.digits}f} {row.unit}".rstrip() for one in figures.values()]
    peers = (figures[PEER], figures[COMPILED_PEER], figures[MODULE_PEER])
    return [*values, *(f"{row.ratio(figures[OURS], peer):.2f}" for peer in peers)]


def _targets_table(figures: Mapping[str, Figures], share: Share) -> Table:
    table = Table("target", "aim", "measured", "", box=box.SIMPLE_HEAD)
    for target in targets(figures, share):
        verdict = "[green]met[/]" if target.met else "[red]missed[/]"
        table.add_row(target.name, target.aim, target.measured, verdict)
    return table


def _on_peers(figures: Mapping[str, Figures]) -> str:
    sizes = figures[OURS].sizes
    function, layer = sizes["function"], sizes["layer"]
    return (
        "Peers: all have the API key and come from one plain sam build, which ships no bytecode."
        " The peer makes its clients in the handler; beside it are the same compiled as ours is,"
        " and, not compiled, the same check with its clients at module level."
        f" A peer is one package; ours is a function of {function.zipped / 1e6:.1f} MB zipped"
        f" ({function.unzipped / 1e6:.1f} MB unzipped) and a layer of"
        f" {layer.zipped / 1e6:.1f} ({layer.unzipped / 1e6:.1f})."
    )


def _on_figures(figures: Mapping[str, Figures]) -> str:
    peer = figures[PEER]
    return (
        f"Figures: {len(peer.cold_starts)} cold starts, {len(peer.unchanged.milliseconds)}"
        f" unchanged and {len(peer.changed.milliseconds)} changed checks of each, in turns."
        " CPU is that of the function's process; INIT is what the emulator reports. Ratios are"
        " those of ours with the API key, of a median turn by turn; a target is held against the"
        " worse of ours."
    )


def _on_share(share: Share) -> str:
    way = (
        "Throttled: from the end of INIT to the first answer, the kernel holds the function's"
        " process to it in each period of 20 ms."
        if share.throttle
        else "Estimated, not measured: of the first answer on a full processor, the CPU time"
        " divided by the share, and the waiting as it was, which is more than the truth for short"
        " answers. This machine allows no throttling:"
        f" {share.why_estimated}."
    )
    return (
        f"Share: {share.memory_megabytes} MB buy {share.of_processor:.3f} of a processor; INIT"
        f" runs on a full one, as on Lambda. {way}"
    )


def _on_machine(facts: Mapping[str, Any]) -> str:
    versions = ", ".join(f"{name} {number}" for name, number in facts["versions"].items())
    return (
        f"Machine: {facts['cores']} cores ({facts['processor']}), load {facts['load']},"
        f" Python {facts['python']}; {versions}."
        " Absolute times are of this machine; ratios transfer."
    )
