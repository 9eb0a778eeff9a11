"""What a developer's tools and the hosted workflows run."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]

MAKEFILE = (ROOT / "Makefile").read_text()
REPOSITORIES = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
HOOKS = [hook for repository in REPOSITORIES for hook in repository["hooks"]]
WORKFLOWS: dict[str, dict[Any, Any]] = {
    path.name: yaml.safe_load(path.read_text()) for path in ROOT.glob(".github/workflows/*.yml")
}


def steps(workflow: dict[Any, Any]) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def test_the_hooks_run_exactly_the_checks_and_fetch_nothing() -> None:
    entries = {
        re.sub(r"^(env( \w+=\S+)+ |make --no-print-directory )", "", hook["entry"])
        .removeprefix(".venv/bin/")
        .removesuffix(" --force-exclude")
        for hook in HOOKS
    }

    checks: set[str] = set()
    for target in ("check", "check-code", "check-locks"):
        recipe = MAKEFILE.partition(f"\n{target}: ")[2].partition("\n\n")[0]
        lines = re.findall(r"^\t@(?:PYTHONPATH=\S+ )?\$\(RUN\) (.+)$", recipe, re.MULTILINE)
        checks |= {target} if target in entries else {line.removesuffix(" .") for line in lines}
    assert entries == checks
    assert {repository["repo"] for repository in REPOSITORIES} == {"local"}
    assert {hook["language"] for hook in HOOKS} == {"system"}


def test_the_hosted_jobs_run_what_ci_runs_at_once_and_lint_waits_for_none() -> None:
    lint, run = WORKFLOWS["ci.yml"]["jobs"].values()
    matrix = run["strategy"]["matrix"]
    of_ci = re.findall(r"^(make .+?)(?: --.+)?$", (ROOT / ".ci/run").read_text(), re.MULTILINE)

    assert [step["run"] for step in lint["steps"] if "run" in step] == ["make check-code"]
    assert matrix["command"] == of_ci
    assert matrix["include"] == [{"command": "make test demo", "runner": "ubuntu-24.04-arm"}]
    assert "needs" not in lint | run


def test_dependabot_looks_at_every_lock_and_at_the_actions() -> None:
    updates = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text())["updates"]
    python, npm, actions = (one.get("directories") or [one["directory"]] for one in updates)
    locks = re.findall(r"\$\(RESOLVE.*-o (.+)/requirements.txt$", MAKEFILE, re.MULTILINE)

    assert [one["package-ecosystem"] for one in updates] == ["pip", "npm", "github-actions"]
    assert set(python) == {"/", *(f"/{lock}" for lock in locks)}
    assert [ROOT / one[1:] / "package-lock.json" for one in npm] == [
        *ROOT.glob("tests/**/package-lock.json")
    ]
    assert actions == ["/"]


def test_the_help_of_make_lists_each_target() -> None:
    """The others are files, or what `sam build` calls."""
    phony = " ".join(re.findall(r"^\.PHONY: (.+)$", MAKEFILE, re.MULTILINE)).split()
    targets = {one for one in phony if not one.startswith("build-")} - {"FORCE"}
    rules = set(re.findall(r"^([a-z][\w-]*):", MAKEFILE, re.MULTILINE))
    listed = subprocess.run(
        ["make", "--no-print-directory", "help"],  # noqa: S607 - whatever make there is
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert targets == {one for one in rules if not one.startswith("build-")}
    assert targets - {"all"} == set(re.findall(r"^make ([\w-]+)  ", listed, re.MULTILINE))
    assert "eval" not in MAKEFILE


COMMANDS = {
    "audit.yml": "make audit",
    "mutants.yml": "make weekly mutants",
    "release.yml": '.ci/release "$GITHUB_REF_NAME"',
}


@pytest.mark.parametrize(("name", "command"), COMMANDS.items(), ids=COMMANDS)
def test_a_workflow_runs_one_command_for_each_change_or_every_week(name: str, command: str) -> None:
    """A vulnerability becomes known without a change here. YAML reads the word `on` as true."""
    assert next(step["run"] for step in steps(WORKFLOWS[name]) if "run" in step) == command
    weekly = [one["cron"] for one in WORKFLOWS[name][True].get("schedule", ())]
    assert all(re.fullmatch(r"\d+ \d+ \* \* \d", one) for one in weekly)
    assert len(weekly) == (name in {"audit.yml", "mutants.yml"})


def test_the_workflow_of_a_release_alone_may_write_and_attests_what_it_attaches() -> None:
    wanted = {
        name: job["permissions"]
        for name, workflow in WORKFLOWS.items()
        for job in workflow["jobs"].values()
        if "permissions" in job
    }
    *_, attest, attach = steps(WORKFLOWS["release.yml"])

    assert wanted == {
        "release.yml": dict.fromkeys(("attestations", "contents", "id-token"), "write")
    }
    assert WORKFLOWS["release.yml"][True] == {"push": {"tags": ["v*"]}}
    attached = " ".join(attest["with"]["subject-path"].split())
    assert attach["run"].endswith(f" {attached}")


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_may_only_read_and_uses_actions_of_one_commit(name: str) -> None:
    used = [step["uses"] for step in steps(WORKFLOWS[name]) if "uses" in step]

    assert WORKFLOWS[name]["permissions"] == {"contents": "read"}
    assert used
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", action) for action in used)
