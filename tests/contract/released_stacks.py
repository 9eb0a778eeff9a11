"""
Writes what the stack of a version has and an update cannot change; a release runs it.

    PYTHONPATH=functions:tests:. python -m contract.released_stacks

What cannot change is in cfn-lint's copy of CloudFormation's registry: `createOnlyProperties`, and
`conditionalCreateOnlyProperties`, for which CloudFormation makes another resource in its place.
"""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from contract.deployed_template import EVERYTHING, READERS, Stack
from foundation import __version__

FILE = Path(__file__).with_name("released_stacks.json")

STACKS = {
    "defaults": {},
    "every option": {
        **EVERYTHING,
        **READERS,
        "NamePrefix": "acme",
        "CreateDashboard": "yes",
        "RtoMinutes": "60",
        "RpoMinutes": "1440",
    },
}
"""The parameters of the stacks that are compared."""

ANOTHER_WITH_EACH_VERSION = "AWS::Lambda::LayerVersion"
"""SAM gives it another name with each change, and no other function uses it."""

type Fixed = dict[str, dict[str, Any]]
"""The type of a resource, and its properties that cannot change, by logical id."""


@cache
def fixed_properties(kind: str) -> tuple[str, ...]:
    # Imported here, because it takes half a second.
    from cfnlint.schema.manager import (  # type: ignore[import-untyped]  # noqa: PLC0415
        PROVIDER_SCHEMA_MANAGER,
    )

    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
    paths = [
        path
        for list_of_them in ("createOnlyProperties", "conditionalCreateOnlyProperties")
        for path in schema.get(list_of_them, ())
    ]
    return tuple(sorted(path.removeprefix("/properties/").partition("/")[0] for path in paths))


def fixed(stack: Stack) -> Fixed:
    found: Fixed = {}
    for logical_id, resource in sorted(stack.resources.items()):
        kind, properties = resource["Type"], resource["Properties"]
        if kind != ANOTHER_WITH_EACH_VERSION:
            found[logical_id] = {"Type": kind}
            for name in fixed_properties(kind):
                if name in properties:
                    found[logical_id][name] = properties[name]
    return found


def of_today() -> dict[str, Fixed]:
    return {name: fixed(Stack(**given)) for name, given in STACKS.items()}


def released_stacks() -> dict[str, dict[str, Fixed]]:
    found: dict[str, dict[str, Fixed]] = json.loads(FILE.read_text())
    return found


def main() -> None:
    """Add this version to the file, or write it anew."""
    write(released_stacks() | {__version__: of_today()})


def write(stacks: dict[str, dict[str, Fixed]]) -> None:
    """Each resource is a line, so that a difference can be read."""
    text = json.dumps(stacks, indent=1)
    one_line = re.sub(r"\n {4,}", " ", text)
    FILE.write_text(re.sub(r"\n {3}\}", " }", one_line) + "\n")


if __name__ == "__main__":
    main()
