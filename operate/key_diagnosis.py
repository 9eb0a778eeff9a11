"""
Diagnoses the policies of customer managed keys, which a function cannot read.

Conditions are not looked at, so an Allow here may still be refused. IAM's own simulator takes the
policy of a resource for a user only, not for a role: SimulatePrincipalPolicy, IAM API Reference.
"""

from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from foundation.json_text import read_json
from operate.aws import Aws
from operate.deployed_stack import DeployedStack
from operate.doctor_question import looked
from restore_watch.diagnosis.line import Line

NEEDED = ("kms:Decrypt", "kms:GenerateDataKey")
"""SNS needs these from a publisher to its topic, and itself for an encrypted queue."""

_SNS = "sns.amazonaws.com"
_GONE = "Deploy the stack with another TopicKmsKeyArn or KmsKeyArn"


def key_policies(aws: Aws, stack: DeployedStack) -> Iterator[Line]:
    """Look at the key of the topics, and at that of the queue of people."""
    stack_key = stack.parameters.get("KmsKeyArn", "")
    topic_key = stack.parameters.get("TopicKmsKeyArn") or stack_key

    def of_function(check: str) -> Line:
        name = stack.function_name
        held = aws.ask("lambda", "get_function_configuration", FunctionName=name)
        return _look(aws, check, topic_key, of_role(held["Role"]))

    def of_sns(check: str) -> Line:
        return _look(aws, check, stack_key, [_SNS])

    if topic_key:
        yield looked("key policy: function", of_function, gone=_GONE)
    if stack_key and stack.outputs.get("NoticeQueueArn"):
        yield looked("key policy: SNS", of_sns, gone=_GONE)


def _look(aws: Aws, check: str, key: str, principals: list[str]) -> Line:
    policy = aws.ask("kms", "get_key_policy", KeyId=key, PolicyName="default")
    try:
        lacking = missing(policy["Policy"], principals)
    except ValueError as error:
        return Line(check, ok=None, found=str(error))
    if lacking:
        fix = f"Add the statements of docs/security.md to the policy of the key {key}"
        return Line(check, ok=False, found=f"does not allow {' and '.join(lacking)}", fix=fix)
    found = "allows what is needed; conditions were not looked at"
    return Line(check, ok=True, found=found)


def missing(policy: str, principals: Iterable[str]) -> list[str]:
    """Return the actions that no statement allows to any of these. Raises ValueError."""
    try:
        statements = _listed(read_json(policy)["Statement"])
        names = {"*", *principals}
        return [action for action in NEEDED if not _is_allowed(statements, action, names)]
    except (AttributeError, LookupError, TypeError):
        raise ValueError("the policy of the key is in a form that is not known") from None


def of_role(arn: str) -> list[str]:
    """Return the names by which a policy may mean a role: its own, and those of its account."""
    _, partition, _, _, account, _ = arn.split(":", 5)
    return [arn, account, f"arn:{partition}:iam::{account}:root"]


def _is_allowed(statements: list[Any], action: str, names: set[str]) -> bool:
    applying = [one for one in statements if _applies(one, action, names)]
    is_denied = any(one["Effect"] == "Deny" and not one.get("Condition") for one in applying)
    return not is_denied and any(one["Effect"] == "Allow" for one in applying)


def _applies(statement: Mapping[str, Any], action: str, names: set[str]) -> bool:
    given = statement.get("Principal", {})
    principals = (
        [name for values in given.values() for name in _listed(values)]
        if isinstance(given, dict)
        else _listed(given)
    )
    is_action = any(
        fnmatchcase(action.lower(), pattern.lower())
        for pattern in _listed(statement.get("Action", []))
    )
    return is_action and not names.isdisjoint(principals)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
