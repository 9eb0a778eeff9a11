"""The example of a nightly refresh fits the stack, and allows what it does."""

import json
import re
from typing import Any

import pytest
import yaml
from samcli.yamlhelper import yaml_parse  # type: ignore[import-untyped]

from contract.deployed_template import CHECKOUT, granted, role_statements, source_template
from contract.documents import blocks, commands, page, section
from restore_watch.atlas.read_credentials import read_credentials

FOLDER = CHECKOUT / "docs" / "nightly-refresh"
EXAMPLE: dict[str, Any] = yaml_parse((FOLDER / "template.yaml").read_text())
REFRESH = section(page("workflows"), "A nightly refresh")
OVERRIDES = "--parameter-overrides"
MACHINE = EXAMPLE["Resources"]["NightlyRefresh"]["Properties"]
CONNECTION = EXAMPLE["Resources"]["AtlasConnection"]["Properties"]
OAUTH = CONNECTION["AuthParameters"]["OAuthParameters"]
ROLE = EXAMPLE["Resources"]["NightlyRefreshRole"]["Properties"]
TEXT = (FOLDER / MACHINE["DefinitionUri"]).read_text()
DEFINITION: dict[str, Any] = yaml.safe_load(TEXT)
TASKS = {name: one for name, one in DEFINITION["States"].items() if one["Type"] == "Task"}

NEEDED = {
    "http:invoke": {
        *("states:InvokeHTTPEndpoint", "events:RetrieveConnectionCredentials"),
        *("secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"),
    },
    "states:startExecution.sync:2": {
        *("states:StartExecution", "states:DescribeExecution", "states:StopExecution"),
        *("events:PutTargets", "events:PutRule", "events:DescribeRule"),
    },
    "lambda:invoke": {"lambda:InvokeFunction"},
    "sns:publish": {"sns:Publish"},
}
"""What each kind of task takes, by AWS's guide."""


def of_kind(kind: str) -> list[dict[str, Any]]:
    """The parameters of the tasks of a kind."""
    return [one["Parameters"] for one in TASKS.values() if one["Resource"].endswith(f":::{kind}")]


def test_it_uses_outputs_that_the_stack_always_has() -> None:
    outputs = source_template()["Outputs"]
    used = {"FunctionArn", "AwaitRestoreStateMachineArn"}

    assert used <= EXAMPLE["Parameters"].keys()
    assert [name for name in used if "Condition" in outputs[name]] == []


@pytest.mark.parametrize(
    ("spelling", "keys"),
    [("client_id", ("client_id", "client_secret")), ("clientId", ("clientId", "clientSecret"))],
    ids=["client_id", "clientId"],
)
def test_its_connection_reads_a_secret_that_the_function_reads_too(
    spelling: str, keys: tuple[str, str]
) -> None:
    parameter = EXAMPLE["Parameters"]["AtlasSecretSpelling"]
    _, is_camel_case = EXAMPLE["Conditions"]["IsCamelCase"]["Fn::Equals"]
    client = OAUTH["ClientParameters"]
    read = []
    for text, own in (client[name]["Fn::Sub"] for name in ("ClientID", "ClientSecret")):
        condition, then, otherwise = own["Key"]["Fn::If"]
        assert condition == "IsCamelCase"
        assert text == "{{resolve:secretsmanager:${AtlasSecretArn}:SecretString:${Key}}}"
        read.append(then if spelling == is_camel_case else otherwise)

    assert (parameter["Default"], spelling in parameter["AllowedValues"]) == ("client_id", True)
    assert tuple(read) == keys
    assert read_credentials(json.dumps(dict(zip(keys, "ab", strict=True))))


def test_its_connection_reads_the_secret_again_for_another_text() -> None:
    """CloudFormation resolves the secret of a resource that changes."""
    assert "${CredentialsOf}" in CONNECTION["Description"]["Fn::Sub"]
    (deployed,) = [one for one in commands(REFRESH) if one[0] == "sam" and OVERRIDES in one]
    (name, value) = deployed[deployed.index(OVERRIDES) + 1].split("=")
    parameter = EXAMPLE["Parameters"][name]

    assert value != parameter["Default"]
    assert re.fullmatch(parameter["AllowedPattern"], value)
    assert re.fullmatch(parameter["AllowedPattern"], parameter["Default"])


def test_its_role_allows_what_its_tasks_do_and_nothing_else() -> None:
    allowed = granted(json.loads(json.dumps(ROLE), object_hook=_as_text))

    assert sum(len(of_kind(kind)) for kind in NEEDED) == len(TASKS)
    assert set(allowed) == set().union(*NEEDED.values())
    assert "*" not in {resource for resources in allowed.values() for resource in resources}
    functions = {one["FunctionName"] for one in of_kind("lambda:invoke")}
    assert allowed["lambda:InvokeFunction"] == functions


def test_its_role_names_the_addresses_that_are_called() -> None:
    named = {
        (condition["states:HTTPMethod"], _address(condition["states:HTTPEndpoint"]))
        for statement in role_statements(ROLE)
        if statement["Action"] == "states:InvokeHTTPEndpoint"
        for condition in [statement["Condition"]["StringEquals"]]
    }
    of_cluster = r"States\.Format\('(.*)', \$\.groupId, \$\.clusterName\)"
    called = {
        (one["Method"], re.sub(of_cluster, r"\1", one["ApiEndpoint.$"]))
        for one in of_kind("http:invoke")
    }

    assert named == called


def test_the_state_to_try_out_is_the_one_that_lists_the_snapshots() -> None:
    (shown,) = map(json.loads, blocks(REFRESH, "json"))
    state = TASKS["List the snapshots"]

    assert shown["ResultSelector"] == state["ResultSelector"]
    for name in ("Method", "Headers"):
        assert shown["Parameters"][name] == state["Parameters"][name]
    assert shown["Parameters"]["ApiEndpoint"].endswith("/backup/snapshots")


def test_its_schedule_sends_what_the_workflow_takes() -> None:
    sent = EXAMPLE["Resources"]["Nightly"]["Properties"]["Target"]["Input"]["Fn::Sub"]
    event = json.loads(re.sub(r"\$\{\w+\}", "1", sent))
    taken = re.search(r"# Input: \{(.*?)\}", TEXT, re.DOTALL)

    assert taken
    assert list(event) == re.findall(r'"(\w+)"', taken[1])
    # All but what other states have put there.
    used = set(re.findall(r"(?<!\$)\$\.(\w+)", json.dumps(DEFINITION)))
    made = re.findall(r"ResultPath: \$\.(\w+)", TEXT)
    assert used - {*made} - {"ResponseBody", "Output"} == set(event)


@pytest.mark.parametrize("name", list(TASKS))
def test_every_error_of_a_task_ends_in_a_verdict_or_a_page(name: str) -> None:
    assert TASKS[name]["Catch"][-1]["ErrorEquals"] == ["States.ALL"]


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
