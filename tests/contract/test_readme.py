"""The README says what is there, no more and no less."""

import inspect
import json
import re
import shlex
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from samcli.cli.types import CfnParameterOverridesType  # type: ignore[import-untyped]
from samcli.yamlhelper import yaml_parse  # type: ignore[import-untyped]

from restore_watch import errors
from restore_watch.restore_job import RestoreJob

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
SCHEMA = json.loads((ROOT / "events" / "restore-status-changed.schema.json").read_text())


def section(title: str) -> str:
    """The text under a heading, up to the next one."""
    return README.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def first_cells(text: str) -> set[str]:
    """Every name in backticks in the first column of the tables of a text."""
    rows = re.findall(r"^\|([^|]*)\|", text, re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row)}


def json_blocks(title: str) -> list[Any]:
    return [
        json.loads(block) for block in re.findall(r"```json\n(.*?)```", section(title), re.DOTALL)
    ]


def test_the_two_commands_are_on_the_first_screen() -> None:
    first_screen = README.splitlines()[:25]

    assert any(line.startswith("make demo") for line in first_screen)
    assert any(line.startswith("make test") for line in first_screen)


def test_every_parameter_is_described_and_no_other() -> None:
    template = yaml_parse((ROOT / "template.yaml").read_text())

    assert first_cells(section("Parameters")) == set(template["Parameters"])


def test_every_default_of_a_parameter_is_the_templates() -> None:
    parameters = yaml_parse((ROOT / "template.yaml").read_text())["Parameters"]
    rows = re.findall(r"^\| (`[^|]+)\|([^|]*)\|", section("Parameters"), re.MULTILINE)
    said = {
        name: default.strip().strip("`")
        for names, default in rows
        for name in re.findall(r"`([^`]+)`", names)
    }

    assert said == {
        name: str(parameter.get("Default", "")) or ("empty" if "Default" in parameter else "")
        for name, parameter in parameters.items()
    }


def test_every_deployment_shown_is_one_that_sam_understands() -> None:
    shown = re.findall(r"sam deploy --parameter-overrides (.+)", section("Deploy in five minutes"))
    read = [CfnParameterOverridesType().convert(shlex.split(one), None, None) for one in shown]

    ids = ("GroupId", "ClusterName", "RestoreId")
    assert read == [
        {"AtlasSecretArn": "<ARN>"},
        dict.fromkeys(ids, "<...>"),
        dict.fromkeys(ids, ""),
    ]


def test_every_output_is_described_and_no_other() -> None:
    template = yaml_parse((ROOT / "template.yaml").read_text())

    assert first_cells(section("Outputs")) == set(template["Outputs"])


def test_every_attribute_of_an_item_is_described_and_no_other() -> None:
    """Those of the job stand under Result; `cluster` and `restoreId` are the key."""
    source = (ROOT / "functions" / "restore_watch" / "table.py").read_text()
    written = set(re.findall(r"#(\w+)", source)) - {"status"}

    assert first_cells(section("What is stored")) == written


def test_every_error_is_described_and_no_other() -> None:
    leaves = {
        name
        for name, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, errors.RestoreWatchError) and not kind.__subclasses__()
    }

    assert first_cells(section("Errors")) == leaves
    assert all(name in (errors.__doc__ or "") for name in leaves)


def test_every_sample_event_is_listed_and_no_other() -> None:
    samples = {f"events/{path.name}" for path in (ROOT / "events").glob("*.json")}

    assert set(re.findall(r"\]\((events/[^)]+)\)", README)) == samples


def test_every_link_into_the_repository_leads_somewhere() -> None:
    links = re.findall(r"\]\(((?!https?:)[^)#]+)\)", README)

    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_every_field_of_a_job_is_described() -> None:
    fields = {
        field.alias or name
        for fields in (RestoreJob.model_fields, RestoreJob.model_computed_fields)
        for name, field in fields.items()
    }

    assert fields <= first_cells(section("Result"))


def test_the_message_shown_is_a_message() -> None:
    message, policy = json_blocks("Message")

    jsonschema.validate(message, SCHEMA, format_checker=jsonschema.FormatChecker())
    assert policy.keys() <= {"terminal", "clusterName", "$or"}


@pytest.mark.parametrize("title", ["Deploy in five minutes", "Events", "Result"])
def test_every_json_shown_is_json(title: str) -> None:
    assert json_blocks(title.strip())


def test_every_metric_is_described_and_no_other() -> None:
    source = (ROOT / "functions" / "restore_watch" / "telemetry.py").read_text()
    written = set(re.findall(r'"([A-Z]\w+)"', source))

    assert first_cells(section("What you see")) == written


def test_the_cases_are_as_many_as_the_table_of_faults_says() -> None:
    table = (ROOT / "tests" / "reliability" / "README.md").read_text()
    counted = re.findall(r"(\d+) cases prove (\d+) rows", table)

    assert re.findall(r"(\d+) in all", section("What is promised, and what happens when…")) == [
        cases for cases, _ in counted
    ]
    assert counted
