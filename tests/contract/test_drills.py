"""The example of a restore test in GitHub Actions: what it may do, and what its page says of it."""

import re
from typing import Any

import pytest
import yaml
from samcli.yamlhelper import yaml_parse  # type: ignore[import-untyped]

from contract.deployed_template import CHECKOUT, role_statements, source_template
from contract.documents import commands, names, page, quoted, section

FOLDER = CHECKOUT / "docs" / "drills"
TEXT = (FOLDER / "restore-test.yml").read_text()
WORKFLOW: dict[Any, Any] = yaml.safe_load(TEXT)
JOB: dict[str, Any] = WORKFLOW["jobs"]["restore-test"]
STEPS: list[dict[str, Any]] = JOB["steps"]
SCRIPTS = "".join(step.get("run", "") for step in STEPS).replace("\\\n", " ")
TEMPLATE: dict[str, Any] = yaml_parse((FOLDER / "role.yaml").read_text())
ROLE = TEMPLATE["Resources"]["RestoreTestRole"]["Properties"]
PAGE = page("drills")
NEEDS = section(PAGE, "Requirements")

NEEDED = {
    "stepfunctions start-execution": "states:StartExecution",
    "stepfunctions describe-execution": "states:DescribeExecution",
    "lambda invoke": "lambda:InvokeFunction",
}
"""What each command of the AWS CLI takes."""


def expressions(value: object) -> set[str]:
    return set(re.findall(r"\$\{\{ *(.*?) *\}\}", str(value)))


def used(context: str) -> set[str]:
    return {one.partition(".")[2] for one in expressions(TEXT) if one.startswith(f"{context}.")}


def test_no_expression_is_part_of_a_script() -> None:
    assert SCRIPTS
    assert expressions(SCRIPTS) == set()


def test_each_action_is_of_one_commit_that_a_comment_names() -> None:
    lines = re.findall(r"uses: (.+)", TEXT)

    assert len(lines) == 2
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", one) for one in lines)


def test_it_is_started_by_hand_and_waits_for_the_environment() -> None:
    assert set(WORKFLOW[True]) == {"workflow_dispatch"}
    inputs = WORKFLOW[True]["workflow_dispatch"]["inputs"]
    assert set(inputs) == used("inputs")
    assert all(one["required"] for one in inputs.values())
    assert JOB["environment"] == "restore-tests"
    assert WORKFLOW["permissions"] == {"contents": "read"}
    read = dict.fromkeys(("actions", "contents"), "read")
    assert JOB["permissions"] == {**read, "id-token": "write"}


def test_the_credentials_of_atlas_reach_one_step_alone() -> None:
    (holder,) = [step for step in STEPS if "secrets." in str(step)]

    assert holder["run"].startswith("atlas backups restores start automated ")
    assert "secrets." not in str({**JOB, "steps": []})


def test_nothing_is_started_before_it_is_refused_or_approved() -> None:
    first, second, *others = STEPS

    assert (first["name"], second["name"]) == (
        "Refuse what must not be restored",
        "See that a second person approved",
    )
    assert all("if" not in step and "continue-on-error" not in step for step in others)


def test_the_page_has_every_variable_and_secret() -> None:
    assert names(NEEDS) == used("vars") | used("secrets")


def test_the_page_names_outputs_that_the_stack_always_has() -> None:
    outputs = source_template()["Outputs"]
    named = {"AwaitRestoreStateMachineArn", "FunctionArn"}

    assert named <= set(quoted(NEEDS))
    assert [name for name in named if "Condition" in outputs[name]] == []
    assert {*TEMPLATE["Parameters"]} == {*named, "Subject"}
    assert set(TEMPLATE["Outputs"]) <= set(quoted(NEEDS))


def test_its_steps_that_the_page_names_exist() -> None:
    named = set(re.findall(r"(?:in|before) \*([^*]+)\*", section(PAGE, "What a run does")))

    assert named == {"Check the data", "Report the verdict", "Fail unless the data passed"}
    assert named <= {step.get("name") for step in STEPS}


def test_its_role_allows_what_its_commands_do_and_nothing_else() -> None:
    allowed = {one["Action"]: one["Resource"] for one in role_statements(ROLE)}
    ran = set(re.findall(r"\baws (\w+ [\w-]+)", SCRIPTS))
    (run,) = re.findall(r'--name "(restore-test-)\$GITHUB_RUN_ID"', SCRIPTS)

    assert set(allowed) == {NEEDED[one] for one in ran}
    assert allowed["states:StartExecution"] == {"Ref": "AwaitRestoreStateMachineArn"}
    assert allowed["lambda:InvokeFunction"] == {"Ref": "FunctionArn"}
    execution, _ = allowed["states:DescribeExecution"]["Fn::Sub"]
    assert execution.endswith(f":execution:${{Name}}:{run}*")


def test_its_role_is_for_the_environment_alone_and_as_long_as_the_job() -> None:
    (statement,) = ROLE["AssumeRolePolicyDocument"]["Statement"]
    provider = "token.actions.githubusercontent.com"
    (taken,) = [step["with"] for step in STEPS if "role-to-assume" in step.get("with", {})]

    assert statement["Condition"] == {
        "StringEquals": {
            f"{provider}:aud": "sts.amazonaws.com",
            f"{provider}:sub": {"Ref": "Subject"},
        }
    }
    seconds = JOB["timeout-minutes"] * 60
    assert taken["role-duration-seconds"] == ROLE["MaxSessionDuration"] == seconds
    restore = re.search(r"timeoutSeconds: (\d+)", SCRIPTS)
    check = re.search(r"timeout --kill-after (\d+) (\d+)", SCRIPTS)
    assert restore
    assert check
    assert int(restore[1]) + int(check[1]) + int(check[2]) < seconds


@pytest.mark.parametrize(
    ("subject", "fits"),
    [
        ("repo:octo-org/drills:environment:restore-tests", True),
        ("repo:octo-org@123456/drills@456789:environment:restore-tests", True),
        ("repo:octo-org/*:environment:restore-tests", False),
        ("repo:octo-org/drills:ref:refs/heads/main", False),
    ],
)
def test_its_role_takes_a_subject_of_the_environment(subject: str, *, fits: bool) -> None:
    pattern = TEMPLATE["Parameters"]["Subject"]["AllowedPattern"]

    assert bool(re.fullmatch(pattern, subject)) is fits


def test_the_command_that_makes_the_role_gives_each_parameter() -> None:
    (words,) = commands(NEEDS)

    given = {word.partition("=")[0] for word in words if "=" in word}
    assert given == TEMPLATE["Parameters"].keys()
