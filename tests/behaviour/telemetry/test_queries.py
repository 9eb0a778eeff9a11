"""The queries of docs/report.md and of the dashboard name only what is written."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from behaviour.restore_history import History
from contract.deployed_template import READERS, Stack
from contract.documents import blocks, page, section
from local_stack.environment import Environment
from local_stack.world import World

PARTIQL = blocks(section(page("report"), "PartiQL"), "sql")
INSIGHTS = blocks(section(page("report"), "Logs Insights"), "text")

WORDS = {
    *("and", "as", "asc", "coalesce", "desc", "fields", "filter", "like", "limit", "or", "sort"),
    "SOURCE",
}
"""Of the language. `@timestamp` and `@message` are fields of every line."""


def last_failures(**parameters: str) -> str:
    """The query of the dashboard."""
    body = Stack(CreateDashboard="yes", **parameters).only("AWS::CloudWatch::Dashboard")[
        "DashboardBody"
    ]
    (query,) = (
        one["properties"]["query"] for one in json.loads(body)["widgets"] if one["type"] == "log"
    )
    return str(query)


def fields_of(value: Any, name: str = "") -> Iterator[str]:
    """The fields that Logs Insights discovers in a line."""
    if not isinstance(value, dict | list):
        yield name
        return
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        yield from fields_of(inner, f"{name}.{key}" if name else str(key))


@pytest.mark.parametrize("statement", PARTIQL, ids=["first", "second", "third"])
def test_partiql_names_attributes_of_items(history: History, statement: str) -> None:
    """A query of the index names only what the index has."""
    properties = Stack().only("AWS::DynamoDB::Table")
    (index,) = properties["GlobalSecondaryIndexes"]
    keys = {one["AttributeName"] for one in (*properties["KeySchema"], *index["KeySchema"])}
    named = set(re.findall(r'"([^"]+)"', statement)) - {"<TableName>"}

    if index["IndexName"] in named:
        assert named - {index["IndexName"]} <= keys | set(index["Projection"]["NonKeyAttributes"])
    else:
        assert named <= {name for item in history.items for name in item}


@pytest.mark.campaign
def test_logs_insights_names_fields_and_values_of_lines(
    world: World, watching: Environment, history: History
) -> None:
    """A project that was watched is locked out, too."""
    watching.tick()
    world.atlas.lock_out(world.group)
    watching.ticks(2, minutes=4)
    lines = [*map(json.loads, history.logs), *watching.lines()]
    fields = {name for line in lines for name in fields_of(line)} | {"@timestamp", "@message"}
    for query in (*INSIGHTS, last_failures(), last_failures(**READERS)):
        unquoted = re.sub(r"\"[^\"]*\"|'[^']*'|/.+/", "", query)
        defined = set(re.findall(r" as (\w+)", query))
        named = set(re.findall(r"[@A-Za-z_][\w.]*", unquoted)) - defined - WORDS
        assert named <= fields
        for name, value in re.findall(r"(message|level) = [\"'](\w+)[\"']", query):
            assert value in {line.get(name) for line in lines}


def test_every_query_is_tested() -> None:
    assert (len(PARTIQL), len(INSIGHTS)) == (3, 3)
    assert re.findall(r"SOURCE '(\w+)'", last_failures()) == ["LogGroup"]
    assert re.findall(r"SOURCE '(\w+)'", last_failures(**READERS)) == [
        "LogGroup",
        "NotifyPeopleLogGroup",
    ]
