"""template.yaml as it is written, with CloudFormation's functions as JSON has them."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]

type Json = dict[str, Any]


@cache
def template() -> Json:
    """The whole template."""
    parsed: Json = yaml.load(
        (ROOT / "template.yaml").read_text(),
        Loader=_Loader,  # noqa: S506 - a safe loader that knows more tags
    )
    return parsed


def properties(logical_id: str) -> Json:
    """The properties of a resource."""
    found: Json = template()["Resources"][logical_id]["Properties"]
    return found


def named(value: Any) -> Iterator[str]:
    """The resources and parameters that a value refers to, at any depth."""
    match value:
        case {"!Ref": name}:
            yield name
        case {"!GetAtt": name}:
            yield name.partition(".")[0]
        case {"!Sub": str(text)}:
            yield from re.findall(r"\$\{(\w+)", text)
        case dict():
            for part in value.values():
                yield from named(part)
        case list():
            for part in value:
                yield from named(part)


class _Loader(yaml.SafeLoader):
    """`!Ref Name` becomes `{"!Ref": "Name"}`, and so on."""


def _function(loader: yaml.SafeLoader, tag: str, node: yaml.Node) -> Json:
    match node:
        case yaml.ScalarNode():
            value: Any = loader.construct_scalar(node)
        case yaml.SequenceNode():
            value = loader.construct_sequence(node, deep=True)
        case _:
            raise ValueError(f"!{tag} has a form that the template does not use")
    return {f"!{tag}": value}


_Loader.add_multi_constructor("!", _function)
