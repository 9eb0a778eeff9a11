"""What the policy of a key allows."""

import json
from typing import Any

import pytest

from operate.errors import OperateError
from operate.key_policy import missing_actions, names_of_role

ROLE = "arn:aws:iam::123456789012:role/watch"
ACCOUNT = "arn:aws:iam::123456789012:root"
BOTH = ["kms:Decrypt", "kms:GenerateDataKey"]
CONDITION = {"Bool": {"aws:SecureTransport": "false"}}


def statement(principal: Any, action: Any, effect: str = "Allow", **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Principal": principal, "Action": action, "Resource": "*", **more}


@pytest.mark.parametrize(
    ("statements", "lacking"),
    [
        ([statement({"AWS": ACCOUNT}, "kms:*")], []),
        ([statement({"AWS": "123456789012"}, ["kms:Decrypt", "kms:GenerateDataKey*"])], []),
        ([statement({"AWS": [ROLE]}, "KMS:generatedatakey"), statement("*", "kms:D*")], []),
        (statement({"AWS": "*"}, "*"), []),
        ([statement({"AWS": ROLE}, "kms:Decrypt")], ["kms:GenerateDataKey"]),
        ([statement({"AWS": f"{ROLE}er"}, "kms:*")], BOTH),
        ([statement({"Service": "sns.amazonaws.com"}, "kms:*")], BOTH),
        ([statement("*", "kms:*"), statement("*", "kms:Decrypt", "Deny")], ["kms:Decrypt"]),
        ([statement("*", "kms:*"), statement("*", "*", "Deny", Condition=CONDITION)], []),
        ([], BOTH),
    ],
    ids=[
        "the account",
        "the number of the account",
        "the role",
        "everybody",
        "one of two",
        "a longer name",
        "a service",
        "denied",
        "denied on a condition",
        "nothing",
    ],
)
def test_what_a_policy_does_not_allow_to_a_role(statements: Any, lacking: list[str]) -> None:
    assert missing_actions(json.dumps({"Statement": statements}), names_of_role(ROLE)) == lacking


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "7", '{"Statement": ["x"]}', "[" * 9999],
    ids=["empty", "a list", "an object", "a number", "a statement of another form", "too deep"],
)
def test_a_policy_of_another_form_is_said(text: str) -> None:
    with pytest.raises(OperateError, match="a form that is not known"):
        missing_actions(text, names_of_role(ROLE))
