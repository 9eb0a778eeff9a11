"""template.yaml as CloudFormation deploys it: after SAM's transform, with parameters resolved."""

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from fnmatch import fnmatchcase as is_like
from functools import cache
from pathlib import Path
from typing import Any, Literal

import pytest
from samtranslator.yaml_helper import yaml_parse  # type: ignore[import-untyped]

from deploy import FUNCTIONS, SAME_CODE
from deploy.released_template import transformed

type Json = dict[str, Any]

CHECKOUT = Path(__file__).parents[2]

SECRET = "arn:aws:secretsmanager:us-east-1:111122223333:secret:atlas-a1B2c3"

# Every optional part of what follows restores.
EVERYTHING = {
    "KmsKeyArn": "arn:aws:kms:us-east-1:111122223333:key/data",
    "PermissionsBoundaryArn": "arn:aws:iam::111122223333:policy/boundary",
    "SubnetIds": "subnet-0a1b2c3d,subnet-0a1b2c3e",
    "SecurityGroupIds": "sg-0a1b2c3d",
}

# Every way to reach people.
READERS = {
    "NotifyEmail": "ops@example.com",
    "NotifyChat": "yes",
    "NotifySecretArn": "arn:aws:secretsmanager:us-east-1:111122223333:secret:notify-d4E5f6",
}

_PSEUDO_PARAMETERS = {
    "AWS::AccountId": "111122223333",
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::StackId": (
        "arn:aws:cloudformation:us-east-1:111122223333:stack/atlas-restore-watch/"
        "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"
    ),
    "AWS::URLSuffix": "amazonaws.com",
}

_NO_VALUE = object()


@cache
def source_template() -> Json:
    """template.yaml as it is written."""
    parsed: Json = yaml_parse((CHECKOUT / "template.yaml").read_text())
    return parsed


@cache
def transformed_template() -> Json:
    """template.yaml after SAM's transform, as if its code was uploaded."""
    source = deepcopy(source_template())
    uploaded = "s3://bucket/key"
    for function in (*FUNCTIONS, *SAME_CODE):
        source["Resources"][function]["Properties"]["CodeUri"] = uploaded
    source["Resources"]["AwaitRestoreStateMachine"]["Properties"]["DefinitionUri"] = uploaded
    source["Resources"]["DependenciesLayer"]["Properties"]["ContentUri"] = uploaded
    return transformed(source)


class Stack:
    """The stack that CloudFormation makes when it is given these parameters.

    The `Ref` of a resource is its logical id, and `GetAtt` its logical id, a dot and the attribute.
    """

    def __init__(self, name: str = "atlas-restore-watch", /, **parameters: str) -> None:
        defaults = {
            name: str(parameter.get("Default", ""))
            for name, parameter in source_template()["Parameters"].items()
        }
        given = {"AWS::StackName": name, "AtlasSecretArn": SECRET, **parameters}
        self._values = {**_PSEUDO_PARAMETERS, **defaults, **given}
        decided = self.template()
        self.resources: Json = self._resolved(decided["Resources"])
        self.outputs: Json = self._resolved(decided["Outputs"])

    def template(self) -> Json:
        """The transformed template with every condition decided, and references as they are."""
        whole = transformed_template()
        parts = {name: self._made(whole[name]) for name in ("Resources", "Outputs")}
        given = {
            name: {**parameter, "Default": self._values[name]}
            for name, parameter in whole["Parameters"].items()
        }
        decided: Json = self._decided({**whole, **parts, "Parameters": given, "Conditions": {}})
        return decided

    def properties(self, logical_id: str) -> Json:
        properties: Json = self.resources[logical_id]["Properties"]
        return properties

    def of_type(self, resource_type: str) -> Json:
        return {
            logical_id: resource["Properties"]
            for logical_id, resource in self.resources.items()
            if resource["Type"] == resource_type
        }

    def only(self, resource_type: str) -> Json:
        """The properties of the one resource of this type."""
        (properties,) = self.of_type(resource_type).values()
        found: Json = properties
        return found

    def refused_by(self) -> set[str]:
        """The rules of the template that refuse the parameters."""
        return {name for name, rule in source_template()["Rules"].items() if self._breaks(rule)}

    def _breaks(self, rule: Json) -> bool:
        """Whether a rule is for these parameters, and an assertion of the rule does not hold."""
        if "RuleCondition" in rule and not self._holds(rule["RuleCondition"]):
            return False
        return not all(self._holds(one["Assert"]) for one in rule["Assertions"])

    def _made(self, parts: Json) -> Json:
        """Without those whose condition does not hold."""
        return {
            name: part
            for name, part in parts.items()
            if "Condition" not in part or self._holds({"Condition": part["Condition"]})
        }

    def _decided(self, value: Any) -> Any:
        match value:
            case {"Ref": "AWS::NoValue"}:
                return _NO_VALUE
            case {"Fn::If": [condition, if_true, if_false]}:
                holds = self._holds(transformed_template()["Conditions"][condition])
                return self._decided(if_true if holds else if_false)
            case {"Fn::FindInMap": [mapping, {"Ref": parameter}, name]}:
                return source_template()["Mappings"][mapping][self._values[parameter]][name]
            case dict():
                pairs = ((name, self._decided(part)) for name, part in value.items())
                return {name: part for name, part in pairs if part is not _NO_VALUE}
            case list():
                return [part for part in map(self._decided, value) if part is not _NO_VALUE]
        return value

    def _resolved(self, value: Any) -> Any:
        match value:
            case {"Ref": name}:
                resolved = self._values.get(name, name)
            case {"Fn::GetAtt": [name, attribute]}:
                resolved = f"{name}.{attribute}"
            case {"Fn::Sub": [text, own]}:
                own = {name: self._resolved(part) for name, part in own.items()}
                resolved = self._resolved({"Fn::Sub": _with_own(text, own)})
            case {"Fn::Sub": text}:
                resolved = re.sub(r"\$\{(.+?)\}", lambda ref: self._resolved({"Ref": ref[1]}), text)
            case {"Fn::Split": [separator, text]}:
                resolved = self._resolved(text).split(separator)
            case {"Fn::Join": [separator, parts]}:
                resolved = separator.join(self._resolved(parts))
            case {"Fn::Select": [index, parts]}:
                resolved = self._resolved(parts)[int(index)]
            case dict():
                resolved = {name: self._resolved(part) for name, part in value.items()}
            case list():
                resolved = [self._resolved(part) for part in value]
            case _:
                resolved = value
        return resolved

    def _holds(self, condition: Json) -> bool:
        match condition:
            case {"Condition": name}:
                return self._holds(transformed_template()["Conditions"][name])
            case {"Fn::And": parts}:
                return all(map(self._holds, parts))
            case {"Fn::Or": parts}:
                return any(map(self._holds, parts))
            case {"Fn::Not": [part]}:
                return not self._holds(part)
            case {"Fn::Equals": [one, other]}:
                return str(self._resolved(one)) == str(self._resolved(other))
        pytest.fail(f"this test cannot evaluate the condition {condition}")


@dataclass(frozen=True)
class Call:
    """A call to AWS, with what IAM knows of it."""

    action: str
    resource: str = "*"
    principal: str | None = None
    context: Mapping[str, str] = field(default_factory=dict)


def _with_own(text: str, own: Mapping[str, str]) -> str:
    """The text of a Fn::Sub with the variables that it brings itself."""
    return re.sub(r"\$\{(\w+)\}", lambda name: own.get(name[1], name[0]), text)


def role_statements(role: Json) -> list[Json]:
    return [
        statement
        for policy in role["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def granted(role: Json) -> dict[str, set[str]]:
    """The actions that a role allows, each with its resources."""
    actions: dict[str, set[str]] = {}
    for statement in role_statements(role):
        if statement["Effect"] == "Allow":
            for action in _listed(statement["Action"]):
                actions.setdefault(action, set()).update(_listed(statement["Resource"]))
    return actions


def verdict(statements: list[Json], call: Call) -> Literal["Allow", "Deny"] | None:
    """How the statements decide on a call. As in IAM, a Deny overrides every Allow."""
    effects = {statement["Effect"] for statement in statements if _applies(statement, call)}
    if "Deny" in effects:
        return "Deny"
    return "Allow" if effects else None


def _applies(statement: Json, call: Call) -> bool:
    return (
        any(is_like(call.action.lower(), action.lower()) for action in _listed(statement["Action"]))
        and any(is_like(call.resource, name) for name in _listed(statement.get("Resource", "*")))
        and any(is_like(call.principal or "", name) for name in _principals(statement))
        and all(_conditions(statement, call))
    )


def _principals(statement: Json) -> list[str]:
    match statement.get("Principal", "*"):
        case dict() as by_kind:
            return [name for names in by_kind.values() for name in _listed(names)]
        case names:
            return _listed(names)


def _conditions(statement: Json, call: Call) -> Iterator[bool]:
    context = {key.lower(): value for key, value in call.context.items()}
    for operator, keys in statement.get("Condition", {}).items():
        for key, expected in keys.items():
            value = context.get(key.lower())
            match operator:
                case "Bool" | "StringEquals":
                    yield value in _listed(expected)
                case "ForAllValues:StringEquals":
                    # It holds without the key. A call here has one value of each key at most.
                    yield value is None or value in _listed(expected)
                case "Null":
                    yield (value is None) is (expected == "true")
                case "ArnEquals" | "ArnLike":
                    # Without the key in the call, the condition does not hold.
                    yield value is not None and any(
                        is_like(value, arn) for arn in _listed(expected)
                    )
                case _:
                    pytest.fail(f"this test cannot evaluate the operator {operator}")


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
