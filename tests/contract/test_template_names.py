"""What an organization may prescribe: the names of resources, and the boundary of roles."""

import json
import re
from typing import Any

import boto3
import pytest
from botocore.session import get_session
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER  # type: ignore[import-untyped]
from samtranslator.parser.parser import Parser  # type: ignore[import-untyped]
from samtranslator.translator.translator import Translator  # type: ignore[import-untyped]

from contract.deployed_template import (
    EVERYTHING,
    READERS,
    Json,
    Stack,
    granted,
    source_template,
    transformed_template,
)
from contract.documents import blocks, page, section

PARAMETERS = source_template()["Parameters"]
LONGEST = "a" + "b" * 31
LONGEST_REGION = "ap-northeast-1"

# The property that names a resource, by type, and the most characters that AWS accepts in it.
NAMED = {
    "AWS::DynamoDB::Table": ("TableName", 255),
    "AWS::Events::Rule": ("Name", 64),
    "AWS::IAM::Role": ("RoleName", 64),
    "AWS::Lambda::Function": ("FunctionName", 64),
    "AWS::Lambda::LayerVersion": ("LayerName", 140),
    "AWS::Logs::LogGroup": ("LogGroupName", 512),
    "AWS::SNS::Topic": ("TopicName", 256),
    "AWS::SQS::Queue": ("QueueName", 80),
    "AWS::Scheduler::ScheduleGroup": ("Name", 64),
    "AWS::StepFunctions::StateMachine": ("StateMachineName", 80),
}


def stack(prefix: str, region: str = "us-east-1") -> Stack:
    return Stack(NamePrefix=prefix, **{"AWS::Region": region}, **EVERYTHING, **READERS)


def named(made: Stack) -> list[tuple[str, str | None]]:
    """The type and the name of each resource that can have one."""
    return [
        (kind, properties.get(NAMED[kind][0]))
        for kind in NAMED
        for properties in made.of_type(kind).values()
    ]


def test_a_prefix_begins_every_name() -> None:
    # SAM itself fills in the name of the layer, from parameters that it is not given here.
    of_layer = "AWS::Lambda::LayerVersion"

    for kind, name in named(stack("acme-prod")):
        assert kind == of_layer or str(name).startswith("acme-prod-")


def test_the_prefix_begins_the_name_of_the_layer() -> None:
    source: Json = json.loads(json.dumps(source_template()))
    for one in source["Resources"].values():
        for name in {"CodeUri", "ContentUri", "DefinitionUri"} & one.get("Properties", {}).keys():
            one["Properties"][name] = "s3://bucket/key"
    session = boto3.Session(region_name="us-east-1")
    translated = Translator({}, Parser(), boto_session=session).translate(
        source, {"NamePrefix": "acme-prod"}
    )
    (layer,) = (
        one["Properties"]
        for one in translated["Resources"].values()
        if one["Type"] == "AWS::Lambda::LayerVersion"
    )

    assert layer["LayerName"]["Fn::If"][:2] == [
        "HasNamePrefix",
        {"Fn::Join": ["-", ["acme-prod", "layer"]]},
    ]


def test_no_two_resources_of_a_type_have_the_same_name() -> None:
    names = named(stack("acme-prod"))

    assert len(set(names)) == len(names)


def takes_a_name(resource_type: str) -> bool:
    """Whether resources of a type have a name that is fixed when they are made."""
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", resource_type).schema
    fixed = {path.rpartition("/")[2] for path in schema.get("createOnlyProperties", [])}
    own = {"Name", f"{resource_type.rpartition('::')[2]}Name", "LayerName"}
    return bool(fixed & own & schema["properties"].keys())


def test_every_type_that_takes_a_name_has_one() -> None:
    """A schedule is named within its group. Alarms and dashboards are not named by the prefix."""
    made = {one["Type"] for one in stack("acme").resources.values()}
    taking = {kind for kind in made if takes_a_name(kind)}

    assert {
        kind
        for kind in taking
        if kind != "AWS::Scheduler::Schedule" and not kind.startswith("AWS::CloudWatch::")
    } == set(NAMED)


def test_the_longest_prefix_fits_every_name() -> None:
    assert re.search(PARAMETERS["NamePrefix"]["AllowedPattern"], LONGEST)
    assert not re.search(PARAMETERS["NamePrefix"]["AllowedPattern"], LONGEST + "c")
    for kind, name in named(stack(LONGEST, LONGEST_REGION)):
        assert len(str(name)) <= NAMED[kind][1]


@pytest.mark.parametrize(
    ("service", "shape", "kind"),
    [
        ("iam", "roleNameType", "AWS::IAM::Role"),
        ("events", "RuleName", "AWS::Events::Rule"),
        ("scheduler", "ScheduleGroupName", "AWS::Scheduler::ScheduleGroup"),
        ("logs", "LogGroupName", "AWS::Logs::LogGroup"),
    ],
)
def test_the_most_characters_are_those_of_the_service(service: str, shape: str, kind: str) -> None:
    shape_of_name: Any = get_session().get_service_model(service).shape_for(shape)

    assert shape_of_name.metadata["max"] == NAMED[kind][1]


def test_roles_are_named_by_region_too() -> None:
    """A role's name is unique in the account, in all its regions together."""
    roles = stack("acme", "eu-west-1").of_type("AWS::IAM::Role").values()

    assert all(role["RoleName"].endswith("-eu-west-1") for role in roles)


def test_a_stack_that_is_deployed_again_gives_its_table_another_name() -> None:
    """The table of the stack that was deleted still has its name."""

    def table(stack_id: str) -> str:
        made = Stack(
            NamePrefix="acme",
            **{
                "AWS::StackId": f"arn:aws:cloudformation:us-east-1:111122223333:stack/rw/{stack_id}"
            },
        )
        name: str = made.properties("RestoreJobsTable")["TableName"]
        return name

    assert table("0f1e2d3c-4b5a-6978") == "acme-restore-jobs-0f1e2d3c"
    assert table("9a8b7c6d-4b5a-6978") == "acme-restore-jobs-9a8b7c6d"
    assert Stack().resources["RestoreJobsTable"]["DeletionPolicy"] == "RetainExceptOnCreate"


@pytest.mark.parametrize("prefix", ["a", "-a", "a-", "1a", "a_b", "a b", "ä-b"])
def test_a_prefix_that_some_service_refuses_is_rejected(prefix: str) -> None:
    assert not re.search(PARAMETERS["NamePrefix"]["AllowedPattern"], prefix)


def roles() -> dict[str, Json]:
    """Every role after SAM's transform, those that SAM makes included."""
    resources = transformed_template()["Resources"]
    return {name: one for name, one in resources.items() if one["Type"] == "AWS::IAM::Role"}


@pytest.mark.parametrize("role", roles())
def test_every_role_gets_the_boundary(role: str) -> None:
    limited = Stack(PermissionsBoundaryArn="arn:aws:iam::aws:policy/PowerUserAccess", **READERS)

    assert limited.properties(role)["PermissionsBoundary"].endswith("/PowerUserAccess")
    assert "PermissionsBoundary" not in Stack(**READERS).properties(role)


@pytest.mark.parametrize(
    ("arn", "accepted"),
    [
        ("arn:aws:iam::111122223333:policy/boundaries/team-a", True),
        ("arn:aws-us-gov:iam::aws:policy/PowerUserAccess", True),
        ("arn:aws:iam::111122223333:role/boundary", False),
        ("PowerUserAccess", False),
        ("arn:aws:iam::111122223333:policy/", False),
    ],
)
def test_only_a_policy_is_a_boundary(arn: str, *, accepted: bool) -> None:
    pattern = PARAMETERS["PermissionsBoundaryArn"]["AllowedPattern"]

    assert bool(re.search(pattern, arn)) is accepted


def test_the_boundary_shown_allows_exactly_what_the_roles_allow() -> None:
    (policy,) = blocks(section(page("security"), "Permissions boundary"), "json")
    (statement,) = json.loads(policy)["Statement"]
    everything = Stack(**EVERYTHING, **READERS)
    allowed = {
        action for role in everything.of_type("AWS::IAM::Role").values() for action in granted(role)
    }

    assert set(statement["Action"]) == allowed
    assert statement["Action"] == sorted(statement["Action"])
    assert statement["Effect"] == "Allow"
