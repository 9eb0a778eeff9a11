"""Which tests run which lines of the product, and how long each takes."""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator

from coverage import CoverageData

from mutants.checkout_copy import ROOT
from mutants.mutant import Edit, Mutant
from mutants.selected import TIMES

FOLDER = ROOT / ".mutants"
_COVERAGE, _SECONDS = FOLDER / "coverage", FOLDER / "seconds.json"
_OF_SOURCE = ("tests/contract/test_mutants.py", "tests/behaviour/invocation/test_build.py")
"""They compare the source with the tables and with the build, so they fail over every mutant."""

PACKAGES = ("foundation", "restore_watch", "notify_people", "deploy")

_ALARMS = "tests/behaviour/telemetry/test_alarms.py"
_OF_DEFINITIONS = ("tests/contract/", "tests/workflows/", _ALARMS)
"""They read the template, workflows and Terraform module, whose lines no coverage counts."""


def measure() -> None:
    """Run every test with coverage, those of the campaign too, in two processes."""
    FOLDER.mkdir(exist_ok=True)
    environment = os.environ | {"COVERAGE_FILE": str(_COVERAGE), TIMES: str(_SECONDS)}
    counted = [f"--cov={package}" for package in PACKAGES]
    command = [sys.executable, "-m", "pytest", "tests", "-p", "mutants.selected"]
    command += ["--numprocesses", "2", "--dist", "loadfile"]
    command += [*counted, "--cov-context=test", "--cov-report="]
    subprocess.run(command, cwd=ROOT, env=environment, check=False)  # noqa: S603 - our own command


def _words(text: str) -> set[str]:
    """The beginnings of its words."""
    return {word[:5] for word in re.findall(r"[a-z]{3,}", text.lower())}


class CoverageMap:
    """What `measure` found. Code that runs only in the real runtime is covered by no test."""

    def __init__(self) -> None:
        if not _SECONDS.exists():
            raise FileNotFoundError(f"{_SECONDS} is missing: run with --measure first")
        seconds: dict[str, float] = json.loads(_SECONDS.read_text())
        self.seconds = {k: took for k, took in seconds.items() if not k.startswith(_OF_SOURCE)}
        self._tests_with = Counter(word for test in self.seconds for word in _words(test))
        self._data = CoverageData(str(_COVERAGE))
        self._data.read()

    def tests_for(self, mutant: Mutant) -> list[str]:
        """Return the ids of the tests that may notice the mutant, the quickest first."""
        found = {test for edit in mutant.edits for test in self._running(edit)}
        if mutant.everywhere or not found:
            found = set(self.seconds)
        said = _words(" ".join([mutant.says, *(edit.file for edit in mutant.edits)]))

        def order(test: str) -> float:
            """The likelier and the quicker, the sooner: by the words that few tests have."""
            likely = sum(1 / self._tests_with[word] for word in said & _words(test))
            return -(likely + 0.001) / (self.seconds[test] + 0.1)

        return sorted(found & set(self.seconds), key=order)

    def _running(self, edit: Edit) -> Iterator[str]:
        if not edit.file.endswith(".py"):
            yield from (test for test in self.seconds if test.startswith(_OF_DEFINITIONS))
        path = ROOT / "functions" / edit.file
        path = path if path.exists() else ROOT / edit.file
        contexts = self._data.contexts_by_lineno(str(path))
        for line in edit.lines(path.read_text()):
            for context in contexts.get(line, ()):
                test, _, phase = context.rpartition("|")
                if phase == "run":
                    yield test
