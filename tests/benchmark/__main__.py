"""`make bench`: measures, compares, and reports. A missed target is not a failure."""

import argparse
import json
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from benchmark.building import peer_with_bytecode
from benchmark.comparison import PEER
from benchmark.contenders import contenders, local_stack
from benchmark.costs import Prices
from benchmark.detection import measure_detection
from benchmark.find_report import FindReport
from benchmark.finding import measure_finding
from benchmark.measurement import measure
from benchmark.processor import share_of
from benchmark.report import as_json, machine, show
from benchmark.sweep_report import SweepReport
from benchmark.sweeping import measure_sweeps


def main() -> int:
    """Return 0 if the measurement ends, even if targets are missed."""
    parser = argparse.ArgumentParser(prog="benchmark", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every raw figure there")
    options = parser.parse_args()
    console = Console(width=120, highlight=False)
    facts = machine()
    with console.status("building the peer"):
        peer_with_bytecode()
    columns = (TextColumn("{task.description:<18}"), BarColumn(), TimeElapsedColumn())
    with (
        local_stack() as stack,
        share_of(stack.function.memory_megabytes) as share,
        contenders(stack) as measured,
        Progress(*columns, console=console, transient=True, refresh_per_second=1) as progress,
    ):
        figures = measure(measured, share, progress)
        (peer,) = (contender for contender in measured if contender.name == PEER)
        sweeps = measure_sweeps(stack, peer, progress)
    with console.status("detection"):
        detections = measure_detection()
    with console.status("finding"):
        finding = FindReport(*measure_finding())
    report = SweepReport(sweeps, detections, Prices.read())
    show(console, figures, share, facts)
    report.show(console)
    finding.show(console)
    if options.json:
        raw = {**as_json(figures, share, facts), "sweeping": report.as_json()}
        raw["finding"] = finding.as_json()
        options.json.write_text(json.dumps(raw, indent=1, default=str) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
