"""The environments of samconfig.toml: what they list exists, and `make deploy` passes it on."""

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from samcli.cli.types import (  # type: ignore[import-untyped]
    CfnParameterOverridesType,
    CfnTags,
)

from contract.deployed_template import source_template
from contract.documents import DOCUMENTS, commands, page, quoted, rows, section
from contract.test_make import dry_sam, make

ROOT = Path(__file__).parents[2]
CONFIGURED: dict[str, Any] = tomllib.loads((ROOT / "samconfig.toml").read_text())
ENVIRONMENTS = {
    name: one["deploy"]["parameters"] for name, one in CONFIGURED.items() if name != "version"
}
PARAMETERS = source_template()["Parameters"]

type Ran = subprocess.CompletedProcess[str]

every_environment = pytest.mark.parametrize("environment", ENVIRONMENTS)


def overrides(environment: str) -> dict[str, str]:
    text = ENVIRONMENTS[environment].get("parameter_overrides", "")
    read: dict[str, str] = CfnParameterOverridesType().convert(text, None, None)
    return read


def deploy(tmp_path: Path, *words: str) -> Ran:
    """Run `make deploy` with a program in the place of SAM that prints its arguments."""
    return make("--old-file=build", "deploy", dry_sam(tmp_path), *words)


def passed(ran: Ran, option: str) -> str:
    words = ran.stdout.splitlines()
    return words[words.index(f"[{option}]") + 1][1:-1]


def test_there_is_a_default_and_an_environment_for_development_and_for_production() -> None:
    assert list(ENVIRONMENTS) == ["default", "dev", "prod"]


@every_environment
def test_every_parameter_listed_is_one_of_the_template_and_has_a_value_it_accepts(
    environment: str,
) -> None:
    for name, value in overrides(environment).items():
        parameter = PARAMETERS[name]
        assert re.search(parameter.get("AllowedPattern", ""), value)
        assert value in map(str, parameter.get("AllowedValues", [value]))
        if parameter["Type"] == "Number":
            assert float(value) >= parameter.get("MinValue", float(value))
            assert float(value) <= parameter.get("MaxValue", float(value))


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_an_environment_sets_its_log_level_retention_and_tags(environment: str) -> None:
    assert {"LogLevel", "LogRetentionDays"} <= overrides(environment).keys()
    assert CfnTags().convert(ENVIRONMENTS[environment]["tags"], None, None) == {
        "Application": "atlas-restore-watch",
        "Environment": environment,
    }


def test_production_logs_less_and_keeps_it_longer() -> None:
    assert overrides("dev")["LogLevel"] == "DEBUG"
    assert overrides("prod")["LogLevel"] == PARAMETERS["LogLevel"]["Default"]
    assert int(overrides("prod")["LogRetentionDays"]) > int(overrides("dev")["LogRetentionDays"])


def test_only_development_is_deployed_without_a_question() -> None:
    assert {name: one["confirm_changeset"] for name, one in ENVIRONMENTS.items()} == {
        "default": True,
        "dev": False,
        "prod": True,
    }


@every_environment
def test_an_environment_has_all_that_the_default_has(environment: str) -> None:
    """SAM reads one environment only, and nothing of the default beside it."""
    assert ENVIRONMENTS["default"].keys() <= ENVIRONMENTS[environment].keys()


@pytest.mark.parametrize("option", ["stack_name", "s3_prefix"])
def test_no_two_environments_share_a_stack_or_a_folder(option: str) -> None:
    assert len({one[option] for one in ENVIRONMENTS.values()}) == len(ENVIRONMENTS)


@every_environment
def test_every_environment_may_name_roles(environment: str) -> None:
    """A stack keeps its NamePrefix when a later deployment does not name it."""
    assert ENVIRONMENTS[environment]["capabilities"] == "CAPABILITY_NAMED_IAM"


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_make_passes_an_environment_and_its_parameters_to_sam(
    environment: str, tmp_path: Path
) -> None:
    ran = deploy(tmp_path, f"ENVIRONMENT={environment}")

    assert ran.returncode == 0
    assert passed(ran, "--config-env") == environment
    given = passed(ran, "--parameter-overrides")
    assert CfnParameterOverridesType().convert(given, None, None) == overrides(environment)


def test_what_the_command_line_gives_counts_more_than_the_environment(tmp_path: Path) -> None:
    ran = deploy(
        tmp_path, "ENVIRONMENT=prod", "PARAMETERS=LogLevel=DEBUG", "SECRET_ARN=arn:aws:one"
    )

    given = passed(ran, "--parameter-overrides")
    assert CfnParameterOverridesType().convert(given, None, None) == {
        **overrides("prod"),
        "LogLevel": "DEBUG",
        "AtlasSecretArn": "arn:aws:one",
    }


def test_an_environment_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """SAM itself deploys without any of its options then."""
    ran = deploy(tmp_path, "ENVIRONMENT=production")

    assert ran.returncode != 0
    assert ran.stdout == ""
    assert "samconfig.toml has no environment production. It has: default dev prod." in ran.stderr


def test_the_docs_list_what_each_environment_sets() -> None:
    said = {row.names[0]: row.cells for row in rows(section(page("deploying"), "Environments"))}

    assert said.keys() == {"dev", "prod"}
    for environment, (stack, listed, asks) in said.items():
        assert quoted(stack) == (ENVIRONMENTS[environment]["stack_name"],)
        assert dict(one.split("=") for one in quoted(listed)) == overrides(environment)
        assert (asks == "yes") is ENVIRONMENTS[environment]["confirm_changeset"]


def test_uninstalling_fits_every_stack() -> None:
    """No command names the stack or the folder of one environment."""
    shown = [
        words for words in commands(section(page("deploying"), "Uninstall")) if words[0] == "aws"
    ]
    own = {one[option] for one in ENVIRONMENTS.values() for option in ("stack_name", "s3_prefix")}

    assert ["aws", "cloudformation", "delete-stack", "--stack-name", "<stack>"] in shown
    assert [
        words
        for words in shown
        if any(re.search(rf"^{name}$|/{name}$", word) for word in words for name in own)
    ] == []


def test_uninstalling_deletes_every_secret_that_the_docs_store() -> None:
    def named(text: str, command: str) -> set[str]:
        found = (words for words in commands(text) if words[1:3] == ["secretsmanager", command])
        return {
            words[words.index(option) + 1]
            for words in found
            for option in ("--name", "--secret-id")
            if option in words
        }

    stored = set().union(*(named(path.read_text(), "create-secret") for path in DOCUMENTS))

    assert stored
    assert named(section(page("deploying"), "Uninstall"), "delete-secret") == stored
