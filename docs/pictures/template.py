"""template.yaml as it is written, with CloudFormation's functions as JSON has them."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from samcli.yamlhelper import yaml_parse  # type: ignore[import-untyped]

ROOT = Path(__file__).parents[2]

type Json = dict[str, Any]


@cache
def template() -> Json:
    """The whole template."""
    parsed: Json = yaml_parse((ROOT / "template.yaml").read_text())
    return parsed


def properties(logical_id: str) -> Json:
    """The properties of a resource."""
    found: Json = template()["Resources"][logical_id]["Properties"]
    return found


def named(value: Any) -> Iterator[str]:
    """The resources and parameters that a value refers to, at any depth."""
    match value:
        case {"Ref": name} | {"Fn::GetAtt": [name, *_]}:
            yield name
        case {"Fn::Sub": str(text)}:
            yield from re.findall(r"\$\{(\w+)", text)
        case dict():
            for part in value.values():
                yield from named(part)
        case list():
            for part in value:
                yield from named(part)
