"""`make bench`: measures all parts or one, and prints them. A missed target is not a failure."""

import argparse
import inspect
import os
import platform
import sys

from rich.console import Console

from bench import cold, detection, finding, fleet_report, scale, sweeps, warm

PARTS = {
    "cold": cold,
    "warm": warm,
    "sweeps": sweeps,
    "detection": detection,
    "finding": finding,
    "scale": scale,
    "report": fleet_report,
}


def machine() -> str:
    """What the absolute figures depend on."""
    return (
        f"{os.cpu_count()} cores ({platform.machine()}), load {os.getloadavg()[0]:.1f}, Python"
        f" {platform.python_version()}. Absolute times are of this machine; ratios transfer."
    )


def main() -> int:
    """Return 0 if the measurement ends, even if targets are missed."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("part", nargs="?", choices=("all", *PARTS), default="all")
    part = parser.parse_args().part
    console = Console(width=120, highlight=False)
    console.print(machine(), style="dim")
    for name in PARTS if part == "all" else (part,):
        with console.status(name):
            report = PARTS[name].measure()
        report.show(console)
        console.print(inspect.getdoc(PARTS[name]), style="dim", markup=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
