"""
Whether the policy of a key lets somebody use it for messages. Pure.

Conditions are not looked at, so an Allow here may still be refused. IAM's own simulator takes the
policy of a resource for a user only, not for a role: SimulatePrincipalPolicy, IAM API Reference.
"""

import json
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

NEEDED = ("kms:Decrypt", "kms:GenerateDataKey")
"""What SNS uses of a publisher's permissions, and what SNS itself needs for an encrypted queue."""


def missing(policy: str, principals: Iterable[str]) -> list[str]:
    """Return the actions that no statement allows to any of these. Raises ValueError."""
    try:
        statements = _listed(json.loads(policy)["Statement"])
        names = {"*", *principals}
        return [action for action in NEEDED if not _is_allowed(statements, action, names)]
    except (AttributeError, LookupError, TypeError, ValueError, RecursionError):
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
