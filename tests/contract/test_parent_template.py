"""The example of a parent stack names parameters, outputs and attributes that exist."""

import json
import re
from typing import Any

from moto.sns.utils import FilterPolicyMatcher
from samcli.yamlhelper import yaml_parse  # type: ignore[import-untyped]

from contract.deployed_template import CHECKOUT, source_template
from contract.test_watch_schema import message as watch_message

PARENT: dict[str, Any] = yaml_parse((CHECKOUT / "docs" / "parent-template.yaml").read_text())
CHILD = PARENT["Resources"]["RestoreWatch"]["Properties"]


def test_the_child_gets_parameters_that_it_has_and_all_that_it_needs() -> None:
    parameters = source_template()["Parameters"]
    needed = {name for name, one in parameters.items() if "Default" not in one}

    assert needed <= CHILD["Parameters"].keys() <= parameters.keys()
    for name, value in CHILD["Parameters"].items():
        if isinstance(value, str):
            assert re.fullmatch(parameters[name]["AllowedPattern"], value)


def test_the_parent_uses_outputs_that_the_child_always_has() -> None:
    used = set(re.findall(r'"RestoreWatch", "Outputs\.(\w+)"', json.dumps(PARENT)))
    outputs = source_template()["Outputs"]

    assert used == {"TopicArn"}
    assert all("Condition" not in outputs[name] for name in used)


def test_its_filter_selects_ends_of_restores() -> None:
    policy = PARENT["Resources"]["EndedRestoresSubscription"]["Properties"]["FilterPolicy"]
    matcher = FilterPolicyMatcher(policy, "MessageAttributes")

    def is_selected(**attributes: str) -> bool:
        given = {name: {"Type": "String", "Value": value} for name, value in attributes.items()}
        return bool(matcher.matches(given, ""))

    assert is_selected(terminal="true")
    assert not is_selected(terminal="false")
    assert not is_selected(type=watch_message()["type"])
