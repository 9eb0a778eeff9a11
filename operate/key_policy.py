"""The policy of a customer managed key: whether it allows what a stack needs."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from typing import Any

from foundation.json_text import read_json
from operate.aws import Aws
from operate.deployed_stack import DeployedStack
from operate.errors import OperateError
from operate.gone import line_even_if_gone
from restore_watch.diagnosis.line import Line, bad, good

_NEEDED = ("kms:Decrypt", "kms:GenerateDataKey")
"""SNS needs these from a publisher to its topic, and itself for an encrypted queue."""


_QUEUES_OF_TOPIC = {"NoticeQueueArn", "MeasureQueueArn"}
"""The outputs of the queues that SNS puts messages into."""


@dataclass(frozen=True)
class KeyPolicy:
    """The policy of the key that the parameter KmsKeyArn names."""

    aws: Aws
    stack: DeployedStack

    def lines(self) -> Iterator[Line]:
        """
        Look at the key of the topics and queues, but at no condition.

        IAM's simulator takes a resource's policy for a user only: its API, SimulatePrincipalPolicy.
        """
        key = self.stack.parameters.get("KmsKeyArn", "")
        if not key:
            return
        gone = "Deploy the stack with another KmsKeyArn"

        def find_for_function(check: str) -> Line:
            name = self.stack.output("FunctionName")
            held = self.aws.ask("lambda", "get_function_configuration", FunctionName=name)
            return self._line(key, names_of_role(held["Role"]), check)

        yield line_even_if_gone("key policy: function", find_for_function, gone)
        if not _QUEUES_OF_TOPIC.isdisjoint(self.stack.outputs):
            find_for_sns = partial(self._line, key, ["sns.amazonaws.com"])
            yield line_even_if_gone("key policy: SNS", find_for_sns, gone)
        if "AlarmEmailTopicArn" in self.stack.outputs:
            find_for_alarms = partial(self._line, key, ["cloudwatch.amazonaws.com"])
            yield line_even_if_gone("key policy: alarms", find_for_alarms, gone)

    def _line(self, key: str, principals: list[str], check: str) -> Line:
        answer = self.aws.ask("kms", "get_key_policy", KeyId=key, PolicyName="default")
        lacking = missing_actions(answer["Policy"], principals)
        if lacking:
            fix = f"Add the statements of docs/security.md to the policy of the key {key}"
            return bad(check, f"does not allow {' and '.join(lacking)}", fix)
        return good(check, "allows what is needed; conditions were not looked at")


def missing_actions(policy: str, principals: Iterable[str]) -> list[str]:
    """Return the actions that no statement allows to any of the principals. Raises OperateError."""
    try:
        statements = _listed(read_json(policy)["Statement"])
        names = {"*", *principals}
        return [action for action in _NEEDED if not _is_allowed(statements, action, names)]
    except (AttributeError, LookupError, TypeError):
        raise OperateError("the policy of the key is in a form that is not known") from None


def names_of_role(arn: str) -> list[str]:
    """Return the names by which a policy may mean a role: its ARN, and names of its account."""
    _, partition, _, _, account, _ = arn.split(":", 5)
    return [arn, account, f"arn:{partition}:iam::{account}:root"]


def _is_allowed(statements: list[Any], action: str, names: set[str]) -> bool:
    """Whether a statement allows the action, and none denies it without a condition."""
    # A condition may lift a Deny.
    effects = set()
    for statement in statements:
        if _applies(statement, action, names):
            is_conditional_deny = statement["Effect"] != "Allow" and statement.get("Condition")
            if not is_conditional_deny:
                effects.add(statement["Effect"])
    return effects == {"Allow"}


def _applies(statement: Mapping[str, Any], action: str, names: set[str]) -> bool:
    """Whether a statement is about the action, and about any of these principals."""
    patterns = _listed(statement.get("Action", []))
    if not any(fnmatchcase(action.lower(), pattern.lower()) for pattern in patterns):
        return False
    given = statement.get("Principal", {})
    groups = given.values() if isinstance(given, dict) else [given]
    return any(not names.isdisjoint(_listed(group)) for group in groups)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
