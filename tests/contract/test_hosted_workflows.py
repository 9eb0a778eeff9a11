"""What the hosted workflows may do: a release is only as safe as what builds it."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]

WORKFLOWS: dict[str, dict[Any, Any]] = {
    path.name: yaml.safe_load(path.read_text()) for path in ROOT.glob(".github/workflows/*.yml")
}


def steps(workflow: dict[Any, Any]) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


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
