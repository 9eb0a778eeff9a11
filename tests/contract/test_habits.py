"""What a developer's tools and the hosted workflow run is what `make check` and `.ci/run` run."""

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]

MAKEFILE = (ROOT / "Makefile").read_text()
HOOKS: list[dict[str, Any]] = [
    hook
    for repository in yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    for hook in repository["hooks"]
]
WORKFLOW: dict[str, Any] = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
AUDIT: dict[str, Any] = yaml.safe_load((ROOT / ".github/workflows/audit.yml").read_text())


def checks() -> set[str]:
    """The commands of `make check`, without how they are run."""
    recipe = MAKEFILE.partition("\ncheck:")[2].partition("\n\n")[0]
    lines = re.findall(r"^\t@(?:PYTHONPATH=\S+ )?\$\((?:RUN|MAKE)\) (.+)$", recipe, re.MULTILINE)
    return {line.removeprefix("--no-print-directory ").removesuffix(" .") for line in lines}


def test_the_hooks_run_exactly_the_checks() -> None:
    entries = {
        re.sub(r"^(env( \w+=\S+)+ |make --no-print-directory )", "", hook["entry"])
        .removeprefix(".venv/bin/")
        .removesuffix(" --force-exclude")
        for hook in HOOKS
    }

    assert entries == checks()


def test_the_hooks_fetch_nothing() -> None:
    configuration = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())

    assert {repository["repo"] for repository in configuration["repos"]} == {"local"}
    assert {hook["language"] for hook in HOOKS} == {"system"}


def test_the_hosted_workflow_runs_only_the_ci_script() -> None:
    (job,) = WORKFLOW["jobs"].values()

    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run"]
    assert WORKFLOW["permissions"] == {"contents": "read"}


def test_advisories_are_read_every_week_and_must_be_readable() -> None:
    """A vulnerability becomes known without a change here. YAML reads the word `on` as true."""
    (job,) = AUDIT["jobs"].values()
    triggers: Any = AUDIT[True]  # type: ignore[index]

    assert [step["run"] for step in job["steps"] if "run" in step] == ["make audit"]
    assert re.fullmatch(r"\d+ \d+ \* \* \d", triggers["schedule"][0]["cron"])
    assert AUDIT["permissions"] == {"contents": "read"}


def test_every_action_is_pinned_to_a_commit() -> None:
    used = [
        step["uses"]
        for workflow in (WORKFLOW, AUDIT)
        for job in workflow["jobs"].values()
        for step in job["steps"]
        if "uses" in step
    ]

    assert used
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", action) for action in used)
