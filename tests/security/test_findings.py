"""Every exception of the security tools stands in docs/security.md, and nowhere else."""

import re
from pathlib import Path

import pytest

from contract.deployed_template import (
    CHECKOUT,
    EVERYTHING,
    READERS,
    Stack,
    granted,
    source_template,
)
from contract.documents import rows, section
from security.explained import Finding, differences, explained
from security.template import linted

# How findings are compared

ROW = "\n## Findings that stay\n\n| check | where | why |\n| --- | --- | --- |\n"


def test_a_finding_without_a_row_and_a_row_without_a_finding_are_errors() -> None:
    rows_of_two = explained(f"{ROW}| `CKV_AWS_1` `CKV_AWS_2` | `TopicA` | a reason |\n")
    found = [Finding("CKV_AWS_1", "TopicA"), Finding("CKV_AWS_1", "TopicB", "not encrypted")]

    assert differences(found, rows_of_two) == [
        "CKV_AWS_1 TopicB: not encrypted. Fix it, or explain it in docs/security.md",
        "CKV_AWS_2 TopicA: finds nothing any more. Remove it from docs/security.md",
    ]


def test_nothing_is_skipped_in_the_template_but_what_is_in_the_table() -> None:
    ignored = source_template()["Metadata"]["cfn-lint"]["config"]["ignore_checks"]
    text = (CHECKOUT / "template.yaml").read_text()

    assert set(ignored) == {
        one.check for one in explained() if re.fullmatch(r"[EWI]\d{4}", one.check)
    }
    assert re.findall(r"checkov: ?skip|cfn-lint:|nosec|noqa", text) == ["cfn-lint:"]


# SQS does not accept this time: E3034.
QUEUE = {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": 999999}}


@pytest.mark.parametrize("folder", [pytest.param("home", marks=pytest.mark.campaign), "project"])
def test_a_configuration_of_cfn_lint_hides_nothing(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".cfnlintrc").write_text("ignore_checks: [E3034]\n")
    if folder == "home":
        monkeypatch.setenv("HOME", str(tmp_path))
    else:
        monkeypatch.chdir(tmp_path)

    assert "E3034" in {one.check for one in linted({"Resources": {"Queue": QUEUE}})}


def test_an_exception_in_a_resource_is_refused() -> None:
    ignoring = {"Metadata": {"cfn-lint": {"config": {"ignore_checks": ["E3034"]}}}}

    with pytest.raises(RuntimeError, match=r"^Queue has exceptions for cfn-lint itself"):
        linted({"Resources": {"Queue": QUEUE | ignoring}})


SERVICES = {
    "Step Functions": "states",
    "DynamoDB": "dynamodb",
    "EventBridge Scheduler": "scheduler",
    "Lambda": "lambda",
    "S3": "s3",
    "SNS": "sns",
    "SQS": "sqs",
    "Secrets Manager": "secretsmanager",
}


def test_the_threat_model_names_every_service_that_each_role_may_use() -> None:
    """The sentence after the table is about logs, keys and a VPC."""
    stack = Stack(**EVERYTHING, **READERS)
    may = {
        name: {action.partition(":")[0] for action in granted(stack.properties(name))}
        - {"ec2", "kms", "logs"}
        for name in stack.of_type("AWS::IAM::Role")
    }
    # A policy of its own, because a role cannot name the function that has it.
    (alone,) = stack.properties("StartSweepsPolicy")["PolicyDocument"]["Statement"]
    may["RestoreWatchFunctionRole"].add(alone["Action"].partition(":")[0])
    text = section((CHECKOUT / "SECURITY.md").read_text(), "What is protected, and from whom")

    assert may == {
        row.names[0]: {SERVICES[name] for name in re.findall(r"(\w[\w ]*):", row.cells[0])}
        for row in rows(text)
        if row.names[0].endswith("Role")
    }
