"""
A job of a GitHub workflow, whose scripts are really run, with bash as GitHub starts it.

Steps that use an action are left out. An expression is a name, such as
`steps.wait.outputs.outcome`; one that nobody gave is a KeyError, where GitHub puts nothing.
"""

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

_EXPRESSION = re.compile(r"\$\{\{ ([\w.-]+) \}\}")


@dataclass
class HostedJob:
    """
    The only job of a workflow, in a folder with the checkout in `work` and programs in `bin`.

    `given` is what expressions name, such as `inputs.cluster`. `environment` is what the runner and
    the actions set.
    """

    workflow: Path
    folder: Path
    given: dict[str, str]
    environment: Mapping[str, str]
    said: dict[str, str] = field(default_factory=dict)
    """What each step wrote, by its name."""

    def __post_init__(self) -> None:
        for name in ("bin", "work", "temp"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self._path = [str(self.folder / "bin"), os.environ["PATH"]]

    def program(self, name: str, text: str) -> None:
        """Put a program on the path."""
        _write_program(self.folder / "bin" / name, text)

    def checkout(self, name: str, text: str) -> None:
        """Put a program into the repository of the team."""
        _write_program(self.folder / "work" / name, text)

    def run(self, *only: str) -> str | None:
        """Run the steps, or `only` these. Return the name of the one that failed."""
        (job,) = yaml.safe_load(self.workflow.read_text())["jobs"].values()
        for step in job["steps"]:
            is_wanted = step.get("name") in only if only else "run" in step
            if is_wanted and self._fails(step, job["env"]):
                name: str = step["name"]
                return name
        return None

    def _fails(self, step: dict[str, Any], of_job: Mapping[str, str]) -> bool:
        script, outputs, path = (self.folder / "temp" / name for name in ("script", "out", "path"))
        script.write_text(step["run"])
        outputs.write_text("")
        path.write_text("")
        of_step = {**of_job, **step.get("env", {})}
        ran = subprocess.run(  # noqa: S603 - the workflow's own script
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", script],  # noqa: S607 - as GitHub
            cwd=self.folder / "work",
            env={
                **self.environment,
                **{name: self._filled(value) for name, value in of_step.items()},
                "GITHUB_OUTPUT": str(outputs),
                "GITHUB_PATH": str(path),
                "PATH": ":".join(self._path),
                "RUNNER_TEMP": str(self.folder / "temp"),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        self.said[step["name"]] = ran.stdout
        self.given |= {
            f"steps.{step['id']}.outputs.{name}": value
            for name, value in _pairs(outputs.read_text())
        }
        self._path[:0] = path.read_text().split()
        return ran.returncode != 0

    def _filled(self, value: str) -> str:
        return _EXPRESSION.sub(lambda found: self.given[found[1]], value)


def _write_program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        name, _, value = line.partition("=")
        yield name, value
