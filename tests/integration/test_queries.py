"""The queries of docs/evidence.md and of the dashboard name only what is written."""

import io
import json
import re
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from aws_lambda_powertools import Logger

from contract.deployed_template import READERS, Stack
from contract.documents import blocks, page, section
from integration.restore_history import History
from restore_watch.model.outage import Trouble, WatchChange, WatchState
from restore_watch.telemetry.telemetry import Telemetry

PARTIQL = blocks(section(page("evidence"), "PartiQL"), "sql")
INSIGHTS = blocks(section(page("evidence"), "Logs Insights"), "text")

WORDS = {
    *("and", "as", "asc", "avg", "by", "coalesce", "count", "desc", "fields", "filter", "in"),
    *("ispresent", "like", "limit", "max", "or", "sort", "SOURCE", "stats"),
}
"""Of the language. `@timestamp` and `@message` are fields of every line."""


def last_failures(**parameters: str) -> str:
    """The query of the dashboard."""
    body = Stack(**parameters).only("AWS::CloudWatch::Dashboard")["DashboardBody"]
    (query,) = (
        one["properties"]["query"] for one in json.loads(body)["widgets"] if one["type"] == "log"
    )
    return str(query)


def fields_of(value: Any, name: str = "") -> Iterator[str]:
    """The fields that Logs Insights discovers in a line."""
    match value:
        case dict():
            pairs = list(value.items())
        case list():
            pairs = list(enumerate(value))
        case _:
            yield name
            return
    for key, inner in pairs:
        yield from fields_of(inner, f"{name}.{key}" if name else str(key))


def degraded_line() -> str:
    """What the function logs after a project could not be seen for three minutes."""
    written = io.StringIO()
    since = datetime(2026, 11, 5, 12, tzinfo=UTC)
    trouble = Trouble(since, "AtlasForbiddenError", "Atlas answered 403 for the list of events")
    change = WatchChange(WatchState.DEGRADED, "6a1f3c9e5b7d204e8c61f0a3", trouble, since, None, 0)
    # A logger of a name that is known already keeps its stream.
    Telemetry(Logger(service=secrets.token_hex(8), stream=written)).watch_changed(change)
    return written.getvalue()


@pytest.mark.parametrize("statement", PARTIQL)
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


@pytest.mark.parametrize("query", [*INSIGHTS, last_failures(), last_failures(**READERS)])
def test_logs_insights_names_fields_and_values_of_lines(history: History, query: str) -> None:
    lines = [json.loads(line) for line in (*history.logs, degraded_line())]
    unquoted = re.sub(r"\"[^\"]*\"|'[^']*'|/.+/", "", query)
    defined = set(re.findall(r" as (\w+)", query))
    named = set(re.findall(r"[@A-Za-z_][\w.]*", unquoted)) - defined - WORDS

    assert named <= {name for line in lines for name in fields_of(line)} | {
        "@timestamp",
        "@message",
    }
    for name, value in re.findall(r"(message|level) = [\"'](\w+)[\"']", query):
        assert value in {line.get(name) for line in lines}


def test_every_query_is_tested() -> None:
    assert (len(PARTIQL), len(INSIGHTS)) == (7, 7)
    assert re.findall(r"SOURCE '(\w+)'", last_failures()) == ["LogGroup"]
    assert re.findall(r"SOURCE '(\w+)'", last_failures(**READERS)) == [
        "LogGroup",
        "NotifyPeopleLogGroup",
    ]
