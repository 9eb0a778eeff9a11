"""`make mutants`: put each mutant into the product, and list the tests that notice it."""

import argparse
import itertools
import json
import queue
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mutants.checkout_copy import Copy
from mutants.coverage_map import FOLDER, CoverageMap, measure
from mutants.mutant import TABLES, Mutant, read

ENOUGH = 1
"""Tests that have to fail over a mutant. Another one costs every test that could be the second."""


def main(arguments: Sequence[str]) -> int:
    """Return 1 if a mutant is noticed by nobody."""
    given = _parser().parse_args(arguments)
    if given.measure:
        measure()
    mutants = {
        says: mutant
        for says, mutant in read(given.table and [TABLES / f"{given.table}.toml"]).items()
        if given.only in says
    }
    found = _play(mutants, given.jobs, given.out)
    print(_summary(found))
    return int(not all(found.values()))


def _play(mutants: Mapping[str, Mutant], jobs: int, out: Path) -> dict[str, list[str]]:
    """Return the failed tests of each mutant, and write them down as they are known."""
    covered = CoverageMap()
    found: dict[str, list[str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        copies: queue.SimpleQueue[Copy] = queue.SimpleQueue()
        for number in range(jobs):
            copies.put(Copy(Path(folder, str(number))))

        def play(mutant: Mutant) -> None:
            copy = copies.get()
            tests = covered.tests_for(mutant)
            found[mutant.says] = copy.failures(mutant, tests, ENOUGH)
            copies.put(copy)
            noticed = f"{len(found[mutant.says])} of {len(tests)} tests notice"
            print(f"{noticed}: {mutant.says}", flush=True)
            out.write_text(json.dumps(found, indent=1, sort_keys=True))

        with ThreadPoolExecutor(jobs) as threads:
            list(threads.map(play, mutants.values()))
    return found


def _summary(found: Mapping[str, Sequence[str]]) -> str:
    counts = [len(tests) for tests in found.values()]
    levels = itertools.groupby(
        sorted(test.split("/")[1] for tests in found.values() for test in tests if "/" in test)
    )
    unnoticed = counts.count(0)
    noticed_by = ", ".join(f"{level} {len(list(tests))}" for level, tests in levels)
    return "\n".join(
        [
            f"{len(counts)} mutants; no test notices {unnoticed}",
            f"the first tests that fail, by folder: {noticed_by}",
            *(f"nobody notices: {says}" for says, tests in sorted(found.items()) if not tests),
        ]
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make mutants")
    parser.add_argument("--measure", action="store_true", help="first see which tests run what")
    parser.add_argument("--table", help="only the mutants of this table")
    parser.add_argument("--only", default="", help="only mutants that say this")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, default=FOLDER / "noticed.json")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
