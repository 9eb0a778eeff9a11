"""
A plan of Terraform from the module of any released version to today's, and back, replaces nothing.

The rules of a plan are read from the provider's source, and not played: Terraform is not here.
"""

import re
import tomllib
from pathlib import Path
from typing import Any

import hcl2
import pytest

from contract.documents import ROOT
from deploy.terraform_files import FOLDER

type Attributes = dict[str, Any]

FORCES_REPLACEMENT = {
    "aws_cloudformation_stack": {"disable_rollback", "name", "on_failure", "timeout_in_minutes"},
    "aws_s3_object": {"bucket", "key"},
}
"""`ForceNew` in the schemas of the provider, which released_modules.toml names."""

RELEASED: dict[str, dict[str, Attributes]] = tomllib.loads(
    Path(__file__).with_name("released_modules.toml").read_text()
)

STACK = "aws_cloudformation_stack.restore_watch"


def of_today() -> dict[str, Attributes]:
    """The resources of today's module by address, with the values of their attributes."""
    values = {"local.version": "<version>", "each.key": "<file>"}
    resources: dict[str, Attributes] = {}
    for path in FOLDER.glob("*.tf"):
        read = hcl2.loads(path.read_text())
        for block in read.get("variable", ()):
            ((name, variable),) = block.items()
            name = name.strip('"')
            values[f"var.{name}"] = str(variable.get("default", f'"<{name}>"')).strip('"')
        for block in read.get("resource", ()):
            ((kind, named),) = block.items()
            ((name, attributes),) = named.items()
            resources[f"{kind}.{name}".replace('"', "")] = attributes
    for address, attributes in resources.items():
        for name in forced(address) & attributes.keys():
            text = str(attributes[name]).strip('"')
            attributes[name] = re.sub(r"\$\{([\w.]+)\}", lambda one: values[one[1]], text)
    return resources


def forced(address: str) -> set[str]:
    return FORCES_REPLACEMENT[address.partition(".")[0]]


def ignored(attributes: Attributes) -> set[str]:
    """What a plan leaves as the state has it."""
    (lifecycle,) = attributes.get("lifecycle", [{}])
    return {
        name.removeprefix("${").removesuffix("}") for name in lifecycle.get("ignore_changes", ())
    }


def replacing(address: str, state: Attributes, module: Attributes) -> dict[str, Any]:
    """For which attributes a plan replaces the resource. No value and a zero one are the same."""
    return {
        name: (state.get(name), module.get(name))
        for name in forced(address) - ignored(module)
        if (state.get(name) or None) != (module.get(name) or None)
    }


def applied(address: str, state: Attributes, module: Attributes) -> Attributes:
    """The state after the plan: what the module ignores stays."""
    kept = ignored(module)
    return {name: (state if name in kept else module).get(name) for name in forced(address)}


def test_the_modules_of_all_released_versions_are_known() -> None:
    """A version that is released needs its row, with which later ones are compared."""
    dated = re.findall(r"^## \[([\d.]+)\] - \d", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)

    assert RELEASED.keys() == {*dated}


@pytest.mark.fault("F120")
@pytest.mark.parametrize("version", [one for one, module in RELEASED.items() if module])
def test_a_plan_from_a_released_module_to_todays_and_back_replaces_nothing(version: str) -> None:
    """Files of another version have another key; new ones are made before old ones are deleted."""
    today = of_today()

    for address, old in RELEASED[version].items():
        new = today[address]
        assert replacing(address, old, new) == {}
        assert replacing(address, applied(address, old, new), old) == {}
        # What today's module has made.
        assert replacing(address, new, old) == {}


@pytest.mark.fault("F120")
@pytest.mark.parametrize("minutes", [0, 30], ids=["no limit", "a limit"])
def test_a_stack_that_is_imported_is_not_replaced(minutes: int) -> None:
    """The provider reads the limit of time of a creation, but not what happens if one fails."""
    module = of_today()[STACK]
    state = {"name": module["name"], "disable_rollback": False, "timeout_in_minutes": minutes}

    assert replacing(STACK, state, module) == {}
    assert replacing(STACK, applied(STACK, state, module), module) == {}
