"""The nightly refresh names outputs that exist, and its role allows what its workflow does."""

import json
import os
import re
from typing import Any

import pytest
import yaml
from cfnlint.api import lint  # type: ignore[import-untyped]
from cfnlint.config import ManualArgs  # type: ignore[import-untyped]
from samcli.yamlhelper import yaml_parse  # type: ignore[import-untyped]

from contract.deployed_template import CHECKOUT, granted, role_statements, source_template

FOLDER = CHECKOUT / "docs" / "nightly-refresh"
EXAMPLE: dict[str, Any] = yaml_parse((FOLDER / "template.yaml").read_text())
MACHINE = EXAMPLE["Resources"]["NightlyRefresh"]["Properties"]
ROLE = EXAMPLE["Resources"]["NightlyRefreshRole"]["Properties"]
TEXT = (FOLDER / MACHINE["DefinitionUri"]).read_text()
DEFINITION: dict[str, Any] = yaml.safe_load(TEXT)
TASKS = {name: one for name, one in DEFINITION["States"].items() if one["Type"] == "Task"}

NEEDED = {
    "http:invoke": {
        "states:InvokeHTTPEndpoint",
        "events:RetrieveConnectionCredentials",
        "secretsmanager:GetSecretValue",
        "secretsmanager:DescribeSecret",
    },
    "states:startExecution.sync:2": {
        "states:StartExecution",
        "states:DescribeExecution",
        "states:StopExecution",
        "events:PutTargets",
        "events:PutRule",
        "events:DescribeRule",
    },
    "lambda:invoke": {"lambda:InvokeFunction"},
    "sns:publish": {"sns:Publish"},
}
"""What each kind of task takes, by AWS's guide."""


def integration(task: dict[str, Any]) -> str:
    name: str = task["Resource"].partition(":::")[2]
    return name


def test_its_parameters_are_outputs_that_the_stack_always_has() -> None:
    outputs = source_template()["Outputs"]

    for name in ("FunctionArn", "AwaitRestoreStateMachineArn"):
        assert name in EXAMPLE["Parameters"]
        assert "Condition" not in outputs[name]


def test_its_role_allows_what_its_tasks_do_and_nothing_else() -> None:
    allowed = granted(json.loads(json.dumps(ROLE), object_hook=_as_text))

    assert set(allowed) == set().union(*(NEEDED[integration(one)] for one in TASKS.values()))
    assert "*" not in {resource for resources in allowed.values() for resource in resources}
    functions = {
        one["Parameters"]["FunctionName"]
        for one in TASKS.values()
        if integration(one) == "lambda:invoke"
    }
    assert allowed["lambda:InvokeFunction"] == functions


def test_its_role_names_the_addresses_that_are_called() -> None:
    named = {
        (condition["states:HTTPMethod"], _address(condition["states:HTTPEndpoint"]))
        for statement in role_statements(ROLE)
        if statement["Action"] == "states:InvokeHTTPEndpoint"
        for condition in [statement["Condition"]["StringEquals"]]
    }
    called = {
        (one["Parameters"]["Method"], _called(one["Parameters"]["ApiEndpoint.$"]))
        for one in TASKS.values()
        if integration(one) == "http:invoke"
    }

    assert named == called


def test_its_schedule_sends_what_the_workflow_takes() -> None:
    sent = EXAMPLE["Resources"]["Nightly"]["Properties"]["Target"]["Input"]["Fn::Sub"]
    event = json.loads(re.sub(r"\$\{\w+\}", "1", sent))
    taken = re.search(r"# Input: \{(.*?)\}", TEXT, re.DOTALL)

    assert taken
    assert list(event) == re.findall(r'"(\w+)"', taken[1])
    # All but what else states have put there.
    used = set(re.findall(r"(?<!\$)\$\.(\w+)", json.dumps(DEFINITION)))
    made = {one["ResultPath"][2:] for one in _with_paths(DEFINITION) if one["ResultPath"]}
    selected = {"ResponseBody", "Output"}
    assert used - made - selected == set(event)


@pytest.mark.parametrize("name", list(TASKS))
def test_no_error_of_a_task_goes_unheard(name: str) -> None:
    """Each one ends in a verdict or a page."""
    assert TASKS[name]["Catch"][-1]["ErrorEquals"] == ["States.ALL"]


def linted(definition: dict[str, Any]) -> list[str]:
    """cfn-lint reads no definition in a file of its own, so it gets this one within a template."""
    machine = {
        "Type": "AWS::StepFunctions::StateMachine",
        "Properties": {
            "RoleArn": "arn:aws:iam::123456789012:role/nightly",
            "Definition": definition,
        },
    }
    template = {"AWSTemplateFormatVersion": "2010-09-09", "Resources": {"NightlyRefresh": machine}}
    config = ManualArgs(regions=["us-east-1"], config_file=os.devnull)
    return [str(match) for match in lint(json.dumps(template), config=config)]


def test_cfn_lint_finds_nothing_in_its_definition() -> None:
    any_arn = "arn:aws:sns:us-east-1:123456789012:any"
    text = re.sub(r"\$\{\w+\}", any_arn, TEXT.replace("${Partition}", "aws"))
    definition = yaml.safe_load(text)

    assert linted(definition) == []
    del definition["States"]["Page someone"]["Resource"]
    assert linted(definition) != []


def _as_text(value: dict[str, Any]) -> Any:
    """The references of the role as the definition writes them."""
    match value:
        case {"Ref": str() as name}:
            return f"${{{name}}}"
        case {"Fn::GetAtt": [name, attribute]}:
            return f"${{{name}.{attribute}}}"
        case {"Fn::Sub": [text, dict()]} | {"Fn::Sub": str() as text}:
            return text
    return value


def _address(sub: dict[str, Any]) -> str:
    text, own = sub["Fn::Sub"]
    replaced: str = text.replace("${Path}", own["Path"])
    return replaced.replace("${SourceProjectId}", "{}").replace("${SourceCluster}", "{}")


def _called(format_of: str) -> str:
    text = re.fullmatch(r"States\.Format\('(.*)', \$\.groupId, \$\.clusterName\)", format_of)
    assert text
    return text[1]


def _with_paths(value: Any) -> list[dict[str, Any]]:
    match value:
        case dict():
            below = [one for part in value.values() for one in _with_paths(part)]
            return [value, *below] if "ResultPath" in value else below
        case list():
            return [one for part in value for one in _with_paths(part)]
    return []
