"""Which tests run which lines of the product, and how long each takes."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from coverage import CoverageData

from mutants.checkout_copy import ROOT
from mutants.mutant import Edit, Mutant
from mutants.selected import TIMES

FOLDER = ROOT / ".mutants"
PACKAGES = ("foundation", "restore_watch", "notify_people", "operate")


def measure(parts: Sequence[Sequence[str]]) -> None:
    """Run every test with coverage, each part of the arguments of pytest in its own process."""
    FOLDER.mkdir(exist_ok=True)
    running = [_start(number, part) for number, part in enumerate(parts)]
    for one in running:
        one.wait()


def _start(number: int, arguments: Sequence[str]) -> subprocess.Popen[bytes]:
    environment = os.environ | {
        "COVERAGE_FILE": str(FOLDER / f"{number}.coverage"),
        TIMES: str(FOLDER / f"{number}.times.json"),
    }
    counted = [f"--cov={package}" for package in PACKAGES]
    command = [sys.executable, "-m", "pytest", "-q", "-m", "not campaign", "-p", "mutants.selected"]
    command += [*counted, "--cov-context=test", "--cov-report=", *arguments]
    with (FOLDER / f"{number}.log").open("w") as log:
        return subprocess.Popen(  # noqa: S603 - our own command
            command, cwd=ROOT, env=environment, stdout=log, stderr=log
        )


class CoverageMap:
    """What `measure` found. Code that runs only in the real runtime is covered by no test."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._data = CoverageData(no_disk=True)
        self.seconds: dict[str, float] = {}
        for file in sorted(folder.glob("*.coverage")):
            one = CoverageData(str(file))
            one.read()
            self._data.update(one)
            self.seconds |= json.loads(file.with_suffix(".times.json").read_text())
        if not self.seconds:
            raise FileNotFoundError(f"{folder} has no coverage: run with --measure first")

    def tests_for(self, mutant: Mutant) -> list[str]:
        """Return the ids of the tests that may notice the mutant, the quickest first."""
        found = {test for edit in mutant.edits for test in self._running(edit)}
        if mutant.everywhere or not found:
            found = set(self.seconds)
        return sorted(found & set(self.seconds), key=lambda test: self.seconds[test])

    def _running(self, edit: Edit) -> Iterator[str]:
        path = ROOT / "functions" / edit.file
        path = path if path.exists() else ROOT / edit.file
        contexts = self._data.contexts_by_lineno(str(path))
        for line in edit.lines(path.read_text()):
            for context in contexts.get(line, ()):
                test, _, phase = context.rpartition("|")
                if phase == "run":
                    yield test
