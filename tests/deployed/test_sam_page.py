"""What the page Deploying tells an operator to type who installs with SAM, typed."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from contract.deployed_template import source_template
from contract.documents import commands, page, rows, section
from contract.test_samconfig import ENVIRONMENTS, overrides
from deployed.cloud import PARAMETERS, Account
from deployed.stack import NAME, PROJECT, built_checkout

pytestmark = [pytest.mark.campaign, pytest.mark.timeout(300)]

DEFAULTS = {name: str(one.get("Default")) for name, one in source_template()["Parameters"].items()}
MANAGED = "aws-sam-cli-managed-default"


def deployments(title: str) -> list[list[str]]:
    """The words of each `sam deploy` that a section of the page has."""
    shown = commands(section(page("deploying"), title))
    return [words for words in shown if words[:2] == ["sam", "deploy"]]


def answers(given: Mapping[str, str]) -> str:
    """Enter to every question of `sam deploy --guided` but those for these parameters."""
    before, after = ["", ""], [""] * 6
    return "\n".join([*before, *(given.get(name, "") for name in DEFAULTS), *after, ""])


def parameters(account: Account, stack: str) -> dict[str, str]:
    (described,) = account.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    return {one["ParameterKey"]: one["ParameterValue"] for one in described["Parameters"]}


def saved(checkout: Path, environment: str) -> dict[str, str]:
    config: dict[str, Any] = tomllib.loads((checkout / "samconfig.toml").read_text())
    return overrides(config[environment]["deploy"]["parameters"]["parameter_overrides"])


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert text.count(old) == 1
    file.write_text(text.replace(old, new))


def test_a_stack_lives_by_sam_alone(account: Account, secret_arn: str, tmp_path: Path) -> None:
    """It is installed by answers to questions, changed, upgraded and deleted."""
    checkout = built_checkout(tmp_path / "checkout")
    given = {"AtlasSecretArn": secret_arn, "AtlasProjectIds": PROJECT, "NotifyEmail": "a@b.example"}
    guided, _ = deployments("Install with SAM")
    said = account.run(*guided, cwd=checkout, typed=answers(given | PARAMETERS) + "y\n")
    questions, _, _ = section(page("deploying"), "Install with SAM").partition("| it says |")
    asked = [row.names[0] for row in rows(questions)]
    positions = [said.index(one) for one in asked]
    assert asked[2:5] == [f"Parameter {name}" for name in given]
    assert positions == sorted(positions)
    installed = DEFAULTS | given | PARAMETERS
    assert parameters(account, NAME) == saved(checkout, "default") == installed

    edit(checkout / "samconfig.toml", r"LogLevel=\"INFO\"", r"LogLevel=\"DEBUG\"")
    (deploy,) = deployments("Upgrade")
    account.run(*deploy, cwd=checkout, typed="y\n")
    assert parameters(account, NAME) == installed | {"LogLevel": "DEBUG"}

    template = checkout / ".aws-sam" / "build" / "template.yaml"
    edit(template, "\nResources:\n", "\nResources:\n  Newer: { Type: AWS::SNS::Topic }\n")
    before = account.resources(NAME)
    account.run(*deploy, cwd=checkout, typed="y\n")
    after = account.resources(NAME)
    assert after.keys() - before.keys() == {"Newer"}
    assert after["RestoreJobsTable"] == before["RestoreJobsTable"]

    (delete,) = re.findall(r"with SAM by `(sam \w+)`", section(page("deploying"), "Uninstall"))
    account.run(*delete.split(), cwd=checkout, typed="y\ny\n")
    assert NAME not in account.stacks()
    assert after["RestoreJobsTable"] in account.client("dynamodb").list_tables()["TableNames"]
    uploads = {"Bucket": account.resources(MANAGED)["SamCliSourceBucket"], "Prefix": f"{NAME}/"}
    assert account.client("s3").list_objects_v2(**uploads)["KeyCount"] == 0


def test_an_environment_is_offered_and_saved(
    account: Account, secret_arn: str, tmp_path: Path
) -> None:
    checkout = built_checkout(tmp_path / "checkout")
    first, later = ([*words[:-1], "small"] for words in deployments("Environments"))
    account.run(*first, cwd=checkout, typed=answers({"AtlasSecretArn": secret_arn}))
    stored = ENVIRONMENTS["small"]
    expected = DEFAULTS | {"AtlasSecretArn": secret_arn} | overrides(stored["parameter_overrides"])

    assert parameters(account, stored["stack_name"]) == saved(checkout, "small") == expected
    account.run(*later, cwd=checkout)
    assert parameters(account, stored["stack_name"]) == expected
