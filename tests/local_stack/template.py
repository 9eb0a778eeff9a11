"""
The stack's own resources in the emulated AWS, made from template.yaml itself.

SAM's own translator turns it into CloudFormation, and moto's CloudFormation makes it. So a real
engine resolves every Ref, Sub and condition, and nothing is described twice.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from samcli.lib.translate.sam_template_validator import (  # type: ignore[import-untyped]
    SamTemplateValidator,
)
from samcli.yamlhelper import yaml_parse  # type: ignore[import-untyped]

from local_stack.aws import ACCOUNT, REGION, AwsEmulator

STACK_NAME = "atlas-restore-watch"

# The resources that moto's CloudFormation makes, some with these properties only: it fails on
# others (AWS::NoValue within a list) and enforces no policy. It encrypts no table, but would make a
# real RSA key for it, which takes twice as long as everything else.
_MADE: dict[str, frozenset[str] | None] = {
    "AWS::DynamoDB::Table": frozenset(
        {
            "AttributeDefinitions",
            "BillingMode",
            "GlobalSecondaryIndexes",
            "KeySchema",
            "PointInTimeRecoverySpecification",
            "TimeToLiveSpecification",
        }
    ),
    "AWS::IAM::Role": frozenset({"AssumeRolePolicyDocument"}),
    "AWS::Lambda::EventSourceMapping": None,
    "AWS::Lambda::Function": frozenset(
        {"Environment", "Handler", "MemorySize", "Role", "Runtime", "Timeout"}
    ),
    "AWS::S3::Bucket": frozenset(),
    "AWS::SNS::Topic": None,
    "AWS::SQS::Queue": None,
}


_SUBSCRIPTION = ("TopicArn", "Protocol", "Endpoint")

_NOT_MADE = "not made"
"""The value of what a false condition leaves out."""

_VALUES = "Values"
"""The output with all that the engine resolves."""

_SEPARATOR = "\ue000"
"""Stands between two values. No template has this character."""


@dataclass(frozen=True)
class FunctionConfiguration:
    """What Lambda gives to a function's process, resolved."""

    name: str
    handler: str
    timeout_seconds: int
    memory_megabytes: int
    environment: Mapping[str, str]
    schedule_input: str | None
    """What the function's schedule sends, None without a schedule."""

    def scheduled_event(self, at: datetime) -> Any:
        """Return what EventBridge Scheduler makes of the schedule's input at this moment."""
        if self.schedule_input is None:
            raise LookupError(f"no schedule invokes {self.name}")
        moment = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return json.loads(self.schedule_input.replace("<aws.scheduler.scheduled-time>", moment))


@dataclass(frozen=True)
class MadeStack:
    """Physical ids and function configurations by logical id."""

    resources: Mapping[str, str]
    functions: Mapping[str, FunctionConfiguration]


class _NoManagedPolicies:
    """Names of managed policies stay as they are; nothing here enforces them."""

    def load(self) -> dict[str, str]:
        return {}


def translated(template: Path, parameters: Mapping[str, str]) -> dict[str, Any]:
    """Return the SAM template as plain CloudFormation; takes no credentials and no network."""
    parsed = yaml_parse(template.read_text())
    for name, resource in list(parsed["Resources"].items()):
        # Alarms and the dashboard are not made, and would double the time that this takes.
        if resource["Type"].startswith("AWS::CloudWatch::"):
            del parsed["Resources"][name]
    validator = SamTemplateValidator(
        parsed, _NoManagedPolicies(), region=REGION, parameter_overrides=dict(parameters)
    )
    text = validator.get_translated_template_if_valid()
    # C reads it in a tenth of the time.
    cloudformation: dict[str, Any] = yaml.load(text, Loader=yaml.CSafeLoader)
    return cloudformation


def make_stack(
    aws: AwsEmulator, cloudformation: Mapping[str, Any], parameters: Mapping[str, str]
) -> MadeStack:
    """Make the resources. In an emptied AWS they get the same names every time."""
    cloudformation = _with_groups(cloudformation)
    resources = {
        name: _trimmed(resource)
        for name, resource in cloudformation["Resources"].items()
        if resource["Type"] in _MADE and not _is_polled_by_tests(resource)
    }
    subscriptions = {
        name: resource
        for name, resource in cloudformation["Resources"].items()
        if resource["Type"] == "AWS::SNS::Subscription"
    }
    values: dict[str, Any] = {}
    for name, resource in (resources | subscriptions).items():
        values |= {
            key: _made_if(resource, value) for key, value in _values_of(name, resource).items()
        }
    for name, resource in cloudformation["Resources"].items():
        if resource["Type"] == "AWS::Scheduler::Schedule":
            values |= {
                key: _made_if(resource, value)
                for key, value in _schedule_values(name, resource["Properties"]).items()
            }
    said = _create(aws, {**cloudformation, "Resources": resources}, values, parameters)
    for name, resource in subscriptions.items():
        if said[f"{name}.Endpoint"] != _NOT_MADE:
            _subscribe(aws, {key: said[f"{name}.{key}"] for key in _SUBSCRIPTION}, resource)
    _schedule(aws, cloudformation, said)
    _set_policies(aws, cloudformation, said)
    made = {name: one for name, one in resources.items() if said[name] != _NOT_MADE}
    if aws.dynamodb is not None:
        for name, resource in made.items():
            if resource["Type"] == "AWS::DynamoDB::Table":
                aws.dynamodb.make_table(said[name], resource["Properties"])
    return MadeStack(
        resources={name: said[name] for name in made},
        functions={
            name: _function(name, said)
            for name, resource in made.items()
            if resource["Type"] == "AWS::Lambda::Function"
        },
    )


def _made_if(resource: Mapping[str, Any], value: Any) -> Any:
    """The value, unless the resource has a condition that is false."""
    condition = resource.get("Condition")
    return {"Fn::If": [condition, value, _NOT_MADE]} if condition else value


def _values_of(name: str, resource: Mapping[str, Any]) -> dict[str, Any]:
    properties = resource.get("Properties", {})
    match resource["Type"]:
        case "AWS::SNS::Subscription":
            return {f"{name}.{key}": properties[key] for key in _SUBSCRIPTION}
        case "AWS::Lambda::Function":
            return {name: {"Ref": name}, **_function_values(name, properties)}
        case _:
            return {name: {"Ref": name}}


def _subscribe(aws: AwsEmulator, names: Mapping[str, str], resource: Mapping[str, Any]) -> None:
    """Moto's CloudFormation makes no subscriptions."""
    properties = resource["Properties"]
    attributes: dict[str, str] = {}
    if properties.get("RawMessageDelivery"):
        attributes["RawMessageDelivery"] = "true"
    if "FilterPolicy" in properties:
        attributes["FilterPolicy"] = json.dumps(properties["FilterPolicy"])
    aws.client("sns").subscribe(**names, Attributes=attributes)


def _is_polled_by_tests(resource: Mapping[str, Any]) -> bool:
    """Moto's poller reads no `batchItemFailures` and repeats nothing: `FunctionQueue` does."""
    if resource["Type"] != "AWS::Lambda::EventSourceMapping":
        return False
    invoked = resource["Properties"]["FunctionName"]
    return invoked in ({"Ref": "NotifyPeopleFunction"}, {"Ref": "MeasureFunction"})


def _trimmed(resource: Mapping[str, Any]) -> dict[str, Any]:
    kept = _MADE[resource["Type"]]
    properties = {
        name: value
        for name, value in resource.get("Properties", {}).items()
        if kept is None or name in kept
    }
    if resource["Type"] == "AWS::Lambda::Function":
        properties["Code"] = {"ZipFile": "the built function runs in its own runtime"}
    return {**resource, "Properties": properties}


def _function_values(name: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    variables = properties.get("Environment", {}).get("Variables", {})
    settings = {setting: properties[setting] for setting in ("Handler", "Timeout", "MemorySize")}
    return {f"{name}.{setting}": value for setting, value in settings.items()} | {
        f"{name}.Environment.{variable}": value for variable, value in variables.items()
    }


def _schedule_values(name: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    target = properties["Target"]
    function, _ = target["Arn"]["Fn::GetAtt"]
    return {
        f"{function}.Schedule": target["Input"],
        f"{name}.ScheduleExpression": properties["ScheduleExpression"],
        f"{name}.Arn": target["Arn"],
        f"{name}.RoleArn": target["RoleArn"],
    }


def _with_groups(cloudformation: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the template with the names of schedule groups in place of references to them."""
    text = json.dumps(cloudformation)
    for name, resource in cloudformation["Resources"].items():
        if resource["Type"] == "AWS::Scheduler::ScheduleGroup":
            arn = f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule-group/{STACK_NAME}-{name}"
            text = text.replace(json.dumps({"Ref": name}), json.dumps(f"{STACK_NAME}-{name}"))
            text = text.replace(json.dumps({"Fn::GetAtt": [name, "Arn"]}), json.dumps(arn))
            text = text.replace(f"${{{name}}}", f"{STACK_NAME}-{name}")
    changed: Mapping[str, Any] = json.loads(text)
    return changed


def _schedule(aws: AwsEmulator, cloudformation: Mapping[str, Any], said: Mapping[str, str]) -> None:
    """Make the schedules and their groups. They never fire: `LocalStack.tick` does it for them."""
    client = aws.client("scheduler")
    for name, resource in cloudformation["Resources"].items():
        if resource["Type"] == "AWS::Scheduler::ScheduleGroup":
            client.create_schedule_group(Name=f"{STACK_NAME}-{name}")
    for name, resource in cloudformation["Resources"].items():
        if resource["Type"] == "AWS::Scheduler::Schedule" and said[f"{name}.Arn"] != _NOT_MADE:
            properties = resource["Properties"]
            client.create_schedule(
                Name=properties.get("Name", name),
                GroupName=properties.get("GroupName", "default"),
                State=properties.get("State", "ENABLED"),
                FlexibleTimeWindow=properties["FlexibleTimeWindow"],
                ScheduleExpression=said[f"{name}.ScheduleExpression"],
                Target={"Arn": said[f"{name}.Arn"], "RoleArn": said[f"{name}.RoleArn"]},
            )


def _function(name: str, said: Mapping[str, str]) -> FunctionConfiguration:
    prefix = f"{name}.Environment."
    return FunctionConfiguration(
        name=said[name],
        handler=said[f"{name}.Handler"],
        timeout_seconds=int(said[f"{name}.Timeout"]),
        memory_megabytes=int(said[f"{name}.MemorySize"]),
        environment={
            key.removeprefix(prefix): value for key, value in said.items() if key.startswith(prefix)
        },
        schedule_input=said.get(f"{name}.Schedule"),
    )


def _own_outputs(cloudformation: Mapping[str, Any]) -> dict[str, Any]:
    """Return the template's outputs that name a resource which moto makes."""
    made = {name for name, one in cloudformation["Resources"].items() if one["Type"] in _MADE}
    return {
        name: output
        for name, output in cloudformation.get("Outputs", {}).items()
        if _named(output["Value"]) in made
    }


def _named(value: Any) -> str | None:
    match value:
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), *_]}:
            return name
    return None


def _set_policies(
    aws: AwsEmulator, cloudformation: Mapping[str, Any], said: Mapping[str, str]
) -> None:
    """Moto's CloudFormation gives no policy to a topic. Moto obeys none, but shows it."""
    for resource in cloudformation["Resources"].values():
        if resource["Type"] == "AWS::SNS::TopicPolicy":
            (topic,) = (said[one["Ref"]] for one in resource["Properties"]["Topics"])
            if topic == _NOT_MADE:
                continue
            policy = json.dumps(resource["Properties"]["PolicyDocument"])
            for name, value in {**said, "AWS::AccountId": ACCOUNT}.items():
                policy = policy.replace(json.dumps({"Ref": name}), json.dumps(value))
            aws.client("sns").set_topic_attributes(
                TopicArn=topic, AttributeName="Policy", AttributeValue=policy
            )


def _create(
    aws: AwsEmulator,
    cloudformation: Mapping[str, Any],
    values: Mapping[str, Any],
    parameters: Mapping[str, str],
) -> dict[str, str]:
    """Create the stack and have the engine resolve `values`, all in one output, which is faster."""
    resolved = [value if isinstance(value, dict) else str(value) for value in values.values()]
    outputs = _own_outputs(cloudformation) | {
        _VALUES: {"Value": {"Fn::Join": [_SEPARATOR, resolved]}}
    }
    read = {
        "Parameters": {
            name: {key: one[key] for key in ("Type", "Default") if key in one}
            for name, one in cloudformation["Parameters"].items()
        },
        "Mappings": cloudformation["Mappings"],
        "Conditions": cloudformation["Conditions"],
        "Resources": cloudformation["Resources"],
        "Outputs": outputs,
    }
    client = aws.client("cloudformation")
    client.create_stack(
        StackName=STACK_NAME,
        # moto reads a template as YAML first, forty times as slowly as JSON. A tab is JSON only.
        TemplateBody="\t" + json.dumps(read),
        Parameters=[
            {"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()
        ],
        Capabilities=["CAPABILITY_IAM"],
    )
    (stack,) = client.describe_stacks(StackName=STACK_NAME)["Stacks"]
    said = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    return dict(zip(values, said[_VALUES].split(_SEPARATOR), strict=True))
