"""
CloudWatch Logs Insights over log lines: only the commands that docs/evidence.md uses.

moto's own takes every line for a match, whatever `filter` says. The rules are those of Amazon's
user guide: fields of a JSON line are discovered, those of a list by their place (`name.0`); true
and false are 1 and 0; what is absent meets no condition; a query without `fields` or `stats` shows
nothing of its own.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any

type Row = dict[str, Any]

_FIELD = r"@?[\w.]+"
_CONDITION = re.compile(
    rf"(?P<field>{_FIELD}) (?:(?P<compared>=|!=|<=|>=|<|>) (?P<value>\"[^\"]*\"|-?[\d.]+)"
    r"|in (?P<list>\[.*\])|like /(?P<pattern>.*)/)"
    rf"|ispresent\((?P<present>{_FIELD})\)"
)
_COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda one, other: bool(one == other),
    "!=": lambda one, other: bool(one != other),
    "<": lambda one, other: bool(one < other),
    ">": lambda one, other: bool(one > other),
    "<=": lambda one, other: bool(one <= other),
    ">=": lambda one, other: bool(one >= other),
}
_STATISTIC = re.compile(
    rf"(?P<function>count|avg|max|min|sum)\((?P<field>\*|{_FIELD})\) as (?P<name>\w+)"
)
_STATISTICS: dict[str, Callable[[Sequence[Any]], Any]] = {
    "count": len,
    "avg": fmean,
    "max": max,
    "min": min,
    "sum": sum,
}


def query(text: str, lines: Iterable[str]) -> list[Row]:
    """Return the rows of a query over these lines, which come in the order of their time."""
    rows = [{"@timestamp": number, **fields_of(line)} for number, line in enumerate(lines)]
    for command in map(str.strip, re.split(r"\n?\|", text.strip())):
        name, _, rest = command.partition(" ")
        rows = _COMMANDS[name](rows, rest)
    return rows


def names(text: str) -> set[str]:
    """The fields of log lines that a query names."""
    named = re.findall(rf"\(({_FIELD})\)|({_FIELD}) (?:=|!=|<=|>=|<|>|in|like) ", text)
    shown = re.search(r"^fields (.+)$", text, re.MULTILINE)
    grouped = re.findall(rf" by ({_FIELD})$", text, re.MULTILINE)
    return (
        {name for pair in named for name in pair if name}
        | set(grouped)
        | set(shown[1].split(", ") if shown else ())
    )


def fields_of(line: str) -> Row:
    """The fields that Logs Insights discovers in a line."""
    found: Row = {}

    def add(name: str, value: Any) -> None:
        pairs: Iterable[tuple[Any, Any]]
        match value:
            case dict():
                pairs = value.items()
            case list():
                pairs = enumerate(value)
            case _:
                found[name] = int(value) if isinstance(value, bool) else value
                return
        for key, inner in pairs:
            add(f"{name}.{key}" if name else str(key), inner)

    add("", json.loads(line))
    return {name: value for name, value in found.items() if value is not None}


def _filter(rows: list[Row], text: str) -> list[Row]:
    conditions = [_holds(one.strip()) for one in text.split(" and ")]
    return [row for row in rows if all(holds(row) for holds in conditions)]


def _holds(text: str) -> Callable[[Row], bool]:
    parsed = _CONDITION.fullmatch(text)
    assert parsed, f"this interpreter cannot evaluate {text}"
    field, present = parsed["field"], parsed["present"]
    if present:
        return lambda row: present in row
    if parsed["pattern"]:
        pattern = re.compile(parsed["pattern"])
        return lambda row: bool(pattern.search(str(row.get(field, ""))))
    if parsed["list"]:
        members = json.loads(parsed["list"])
        return lambda row: row.get(field) in members
    value, compared = json.loads(parsed["value"]), _COMPARED[parsed["compared"]]
    return lambda row: type(row.get(field)) in _KINDS[type(value)] and compared(row[field], value)


_KINDS: Mapping[type, set[type]] = {str: {str}, int: {int, float}, float: {int, float}}


def _stats(rows: list[Row], text: str) -> list[Row]:
    statistics, _, by = text.partition(" by ")
    parsed = [_STATISTIC.fullmatch(one.strip()) for one in statistics.split(",")]
    assert all(parsed), f"this interpreter cannot evaluate {text}"
    groups: dict[Any, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.get(by) if by else None, []).append(row)
    result = []
    for key, members in groups.items():
        row = {by: key} if by else {}
        for one in filter(None, parsed):
            field = one["field"]
            values = [m if field == "*" else m[field] for m in members if field in {"*", *m}]
            row[one["name"]] = _STATISTICS[one["function"]](values)
        result.append(row)
    return result


def _sort(rows: list[Row], text: str) -> list[Row]:
    field, order = text.split(" ")
    return sorted(rows, key=lambda row: row[field], reverse={"asc": False, "desc": True}[order])


def _fields(rows: list[Row], text: str) -> list[Row]:
    """The query shows these, and its later commands may name others."""
    shown = text.split(", ")
    return [_Shown(row, shown) for row in rows]


class _Shown(dict[str, Any]):
    """A row that shows some of its fields."""

    def __init__(self, row: Row, shown: list[str]) -> None:
        super().__init__(row)
        self.shown = {name: row[name] for name in shown if name in row}


_COMMANDS: Mapping[str, Callable[[list[Row], str], list[Row]]] = {
    "fields": _fields,
    "filter": _filter,
    "limit": lambda rows, text: rows[: int(text)],
    "sort": _sort,
    "stats": _stats,
}
