"""The environment of each function fits into what Lambda allows, whatever the operator chooses."""

import json
import re
from typing import Any

import pytest
from botocore.session import get_session

from contract.deployed_template import Json, Stack, source_template
from contract.test_template_names import NAMED

LIMIT = 4096
"""Bytes of all variables of a function, names included, as compact JSON."""

PARAMETERS = source_template()["Parameters"]
LONGEST_STACK_NAME = "s" * 128
RANDOM = "R" * 13
"""What CloudFormation adds to the names that it generates."""

IDS = ["0123456789abcdef01234567"] * 100


def place(service: str) -> str:
    """The beginning of the longest ARN of a service in any region."""
    session = get_session()
    places = (
        f"arn:{partition}:{service}:{region}:111122223333:"
        for partition in session.get_available_partitions()
        for region in session.get_available_regions("lambda", partition)
    )
    return max(places, key=len)


def secret(characters: int) -> str:
    return place("secretsmanager") + f"secret:{'n' * characters}-a1B2c3"


LONGEST = {
    "AtlasSecretArn": secret(200),
    "AtlasProjectIds": " , ".join(IDS),
    "HotSeconds": "50.00000",
    "RateLimitReserve": "0.333333",
    "NotifyEmail": "ops@example.com",
    "NotifyChat": "yes",
    "NotifySecretArn": secret(512),
    "NotifyChanges": " , ".join(["progressed"] * 7),
    **{
        name: max(map(str, parameter["AllowedValues"]), key=len)
        for name, parameter in PARAMETERS.items()
        if name in {"AtlasBaseUrl", "PagerDutyUrl", "LogLevel"}
    },
}


def physical(logical_id: str, resource: Json) -> str:
    """What a reference to a resource gives, if its name is the longest that can be generated."""
    limit = NAMED[resource["Type"]][1]
    name = f"{LONGEST_STACK_NAME}-{logical_id}-{RANDOM}"[:limit]
    return place("sns") + name if resource["Type"] == "AWS::SNS::Topic" else name


def environments() -> dict[str, dict[str, str]]:
    """The variables of each function that has some, with the longest values."""
    stack = Stack(LONGEST_STACK_NAME, **LONGEST)

    def value(given: Any) -> str:
        resource = stack.resources.get(given)
        return physical(given, resource) if resource else str(given)

    return {
        logical_id: {name: value(given) for name, given in variables.items()}
        for logical_id, properties in stack.of_type("AWS::Lambda::Function").items()
        if (variables := properties.get("Environment", {}).get("Variables"))
    }


@pytest.mark.parametrize("function", ["RestoreWatchFunction", "NotifyPeopleFunction"])
def test_the_longest_environment_that_the_template_allows_fits(function: str) -> None:
    variables = environments()[function]

    assert len(json.dumps(variables, separators=(",", ":"))) < LIMIT


def test_every_parameter_in_an_environment_has_a_longest_value() -> None:
    resources = source_template()["Resources"].values()
    given = [one["Properties"].get("Environment") for one in resources if "Properties" in one]
    referred = set(re.findall(r"'Ref': '(\w+)'", str(given)))

    assert referred & PARAMETERS.keys() <= LONGEST.keys()
    for name, value in LONGEST.items():
        assert re.search(PARAMETERS[name].get("AllowedPattern", ""), value)


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("AtlasSecretArn", secret(201)),
        ("AtlasProjectIds", ",".join([*IDS, IDS[0]])),
        ("NotifySecretArn", secret(513)),
        ("NotifyChanges", ",".join(["ready"] * 8)),
    ],
)
def test_no_longer_value_is_accepted(parameter: str, value: str) -> None:
    assert not re.search(PARAMETERS[parameter]["AllowedPattern"], value)


def test_the_ids_of_projects_reach_the_function_without_blanks() -> None:
    assert environments()["RestoreWatchFunction"]["ATLAS_PROJECT_IDS"] == ",".join(IDS)
