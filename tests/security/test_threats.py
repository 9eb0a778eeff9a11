"""The threat model names what is there, and is open about what remains."""

import re

from contract.deployed_template import EVERYTHING, READERS, Stack, granted
from contract.documents import ROOT, rows, section, table

TEXT = (ROOT / "SECURITY.md").read_text()
STRIDE = (
    "spoofing",
    "tampering",
    "repudiation",
    "information disclosure",
    "denial of service",
    "elevation of privilege",
)
SERVICES = {
    "Step Functions": "states",
    "DynamoDB": "dynamodb",
    "EventBridge Scheduler": "scheduler",
    "Lambda": "lambda",
    "SNS": "sns",
    "SQS": "sqs",
    "Secrets Manager": "secretsmanager",
}
AFTER = {"ec2", "kms", "logs", "xray"}


def threats() -> list[list[str]]:
    return table(section(TEXT, "Threats"))[2:]


def test_every_kind_of_threat_is_considered_in_the_order_of_stride() -> None:
    kinds = [kind for kind, *_ in threats()]

    assert tuple(dict.fromkeys(kinds)) == STRIDE
    assert kinds == sorted(kinds, key=STRIDE.index)


def test_every_threat_says_what_stops_it_and_what_remains() -> None:
    for row in threats():
        assert len(row) == 4
        assert all(len(cell) > 5 for cell in row)


def test_the_table_of_roles_names_every_service_that_each_may_use() -> None:
    """The sentence after it is about logs, traces, keys and a VPC."""
    stack = Stack(**EVERYTHING, **READERS)
    may = {
        name: {action.partition(":")[0] for action in granted(stack.properties(name))} - AFTER
        for name in stack.of_type("AWS::IAM::Role")
    }
    said = {
        row.names[0]: {SERVICES[name] for name in re.findall(r"(\w[\w ]*):", row.cells[0])}
        for row in rows(section(TEXT, "What is protected, and from whom"))
    }

    assert said == may
