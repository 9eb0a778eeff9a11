"""
PartiQL over moto's tables: SELECT, as Amazon's developer guide describes it for DynamoDB.

moto's own interpreter compares no texts but equal ones, knows no ORDER BY, and takes what it does
not know for something else. This one knows less and refuses the rest. DynamoDB Local is the second
opinion.
"""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from moto.dynamodb.exceptions import MockValidationException, ResourceNotFoundException

type Item = Mapping[str, Mapping[str, Any]]
"""In DynamoDB's types."""

_STATEMENT = re.compile(
    r'SELECT (?P<paths>.+?) FROM "(?P<table>[^"]+)"(?:\."(?P<index>[^"]+)")?'
    r"(?: WHERE (?P<where>.+?))?"
    r'(?: ORDER BY "(?P<key>\w+)"(?: (?P<order>ASC|DESC))?)?'
)
_PATH = re.compile(r'"(\w+)"')
_CONDITION = re.compile(
    r'"(?P<name>\w+)" (?P<compared><>|!=|<=|>=|=|<|>) '
    r"(?:'(?P<text>(?:[^']|'')*)'|(?P<truth>true|false)|(?P<number>-?\d+(?:\.\d+)?))"
)
_UNEQUAL = operator.ne
_COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<>": _UNEQUAL,
    "!=": _UNEQUAL,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}
_READ: dict[str, Callable[[Any], Any]] = {"S": str, "N": Decimal, "BOOL": bool}

_KEYS = ("cluster", "restoreId")
"""The partition key and the sort key of the one table that is read in this way."""


def query(
    statement: str, tables: Mapping[str, Sequence[Item]], _parameters: object
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Answer as `moto.dynamodb.parsing.partiql.query`: the items, and changes, which are none."""
    parsed = _STATEMENT.fullmatch(" ".join(statement.split()))
    if parsed is None:
        raise MockValidationException("Statement wasn't well formed, can't be processed")
    source = parsed["table"] + (f".{parsed['index']}" if parsed["index"] else "")
    if parsed["table"] not in tables:
        raise ResourceNotFoundException
    if source not in tables:
        raise MockValidationException("The table does not have the specified index")
    conditions = [_condition(text) for text in (parsed["where"] or "").split(" AND ") if text]
    found = [item for item in tables[source] if all(holds(item) for holds in conditions)]
    if parsed["key"]:
        _require_partition(parsed["where"] or "", parsed["key"])
        found.sort(key=lambda item: item[parsed["key"]]["S"], reverse=parsed["order"] == "DESC")
    return [_projected(item, parsed["paths"]) for item in found], {}


def _condition(text: str) -> Callable[[Item], bool]:
    parsed = _CONDITION.fullmatch(text)
    if parsed is None:
        raise MockValidationException(f"this emulator cannot evaluate {text}")
    compared = _COMPARED[parsed["compared"]]
    wanted: Any = (parsed["text"] or "").replace("''", "'")
    kind = "S"
    if parsed["truth"]:
        kind, wanted = "BOOL", parsed["truth"] == "true"
    elif parsed["number"]:
        kind, wanted = "N", Decimal(parsed["number"])

    def holds(item: Item) -> bool:
        value = item.get(parsed["name"], {})
        # What is absent, or of another type, is only unequal.
        return compared(_READ[kind](value[kind]), wanted) if kind in value else compared is _UNEQUAL

    return holds


def _require_partition(where: str, key: str) -> None:
    """Only the items of one partition have an order."""
    if key not in _KEYS or not re.search(rf"\"{_KEYS[0]}\" = '", where):
        raise MockValidationException(
            "Must have WHERE clause in the statement when using ORDER BY clause."
        )


def _projected(item: Item, paths: str) -> dict[str, Any]:
    if paths == "*":
        return dict(item)
    names = [_PATH.fullmatch(path.strip()) for path in paths.split(",")]
    if None in names:
        raise MockValidationException(f"this emulator cannot select {paths}")
    wanted = [name[1] for name in names if name]
    return {name: item[name] for name in wanted if name in item}
