"""`make bench`: measures, compares, and reports. A missed target is not a failure."""

import argparse
import json
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from benchmark.building import peer_with_bytecode
from benchmark.contenders import contenders, local_stack
from benchmark.measurement import measure
from benchmark.processor import share_of
from benchmark.report import as_json, machine, show


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
    show(console, figures, share, facts)
    if options.json:
        options.json.write_text(json.dumps(as_json(figures, share, facts), indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
