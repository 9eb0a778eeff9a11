"""A copy of the checkout, in which one mutant after the other is put into the product."""

import json
import os
import py_compile
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from mutants.mutant import Mutant
from mutants.selected import CHOSEN, FAILED

ROOT = Path(__file__).parents[2]
BUILT = Path(".aws-sam/build")
LONGEST = 3600
"""Seconds after which the tests of a mutant are ended: three times what all of them take."""

HANGS = "the tests hang"


class Copy:
    """Its built functions are real copies too. The tools are those of the checkout."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for name in filter(None, listed.split("\0")):
            if (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / name)
        shutil.copytree(ROOT / ".aws-sam", folder / ".aws-sam", symlinks=True)
        for name in (".venv", ".tools", ".git"):
            (folder / name).symlink_to((ROOT / name).resolve())

    def failures(self, mutant: Mutant, tests: Sequence[str], enough: int) -> list[str]:
        """Return the ids of the first tests that fail over the mutant, as many as are enough."""
        chosen, failed = self.folder / ".chosen.json", self.folder / ".failed.json"
        chosen.write_text(json.dumps(tests))
        failed.write_text("[]")
        files = list(dict.fromkeys(test.partition("::")[0] for test in tests))
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "-p"]
        command += ["mutants.selected", "-p", "no:cacheprovider", f"--maxfail={enough}"]
        # A file of tests that the mutant breaks at import keeps no other from noticing it.
        command += ["--continue-on-collection-errors", *files]
        environment = os.environ | {
            CHOSEN: str(chosen),
            FAILED: str(failed),
            "PYTHONPATH": "functions:tests:.",
        }
        with self._mutated(mutant):
            hangs = _ran_too_long(command, self.folder, environment)
        names: list[str] = json.loads(failed.read_text())
        return names + [HANGS] * hangs

    @contextmanager
    def _mutated(self, mutant: Mutant) -> Iterator[None]:
        before: dict[Path, str] = {}
        for edit in mutant.edits:
            for path in self._places(edit.file):
                source = path.read_text()
                before.setdefault(path, source)
                path.write_text(edit.applied(source))
        for path in before:
            self._compile(path)
        try:
            yield
        finally:
            for path, source in before.items():
                path.write_text(source)
                self._compile(path)

    def _places(self, file: str) -> Iterator[Path]:
        """The file in the checkout, and in each built function."""
        in_checkout = self.folder / "functions" / file
        yield in_checkout if in_checkout.exists() else self.folder / file
        yield from (self.folder / BUILT).glob(f"*Function/{file}")

    def _compile(self, path: Path) -> None:
        """Replace the bytecode. That of a built function names its source as Lambda will."""
        shutil.rmtree(path.parent / "__pycache__", ignore_errors=True)
        built = self.folder / BUILT
        if built in path.parents:
            function = built / path.relative_to(built).parts[0]
            for one in path.parent.glob("*.py"):
                py_compile.compile(
                    str(one),
                    dfile=str("/var/task" / one.relative_to(function)),
                    doraise=True,
                    invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
                )


def _ran_too_long(command: Sequence[str], folder: Path, environment: dict[str, str]) -> bool:
    """Run the command with everything that it starts. True if it had to be ended."""
    with (folder / ".pytest.log").open("w") as log:
        running = subprocess.Popen(  # noqa: S603 - our own command
            command,
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            running.wait(LONGEST)
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)
            running.wait()
            return True
    return False
