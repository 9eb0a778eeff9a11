"""The query of the dashboard names only what is written, and those of the pages find restores."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from behaviour.restore_history import GROUP, SLOW, History
from contract.deployed_template import READERS, Stack
from contract.documents import commands, page, section
from local_stack.environment import Environment
from local_stack.other_dynamodb import OtherDynamoDB
from local_stack.world import World
from observed_stack import ObservedStack

LISTED, WHOLE = commands(section(page("report"), "A stack that is gone"))
ENDED_LATE, OPEN_LATE = commands(section(page("operations"), "Which restore missed the RTO"))

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
    """The fields that CloudWatch Logs Insights discovers in a line."""
    if not isinstance(value, dict | list):
        yield name
        return
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        yield from fields_of(inner, f"{name}.{key}" if name else str(key))


def found(stack: ObservedStack, command: list[str], *parameters: str | int) -> list[Any]:
    """The items that a command of a page prints, with other parameters than on the page."""
    statement = command[command.index("--statement") + 1].replace("<TableName>", stack.table_name)
    given = [{"N": str(one)} if isinstance(one, int) else {"S": one} for one in parameters]
    shown = json.loads(command[command.index("--parameters") + 1])
    assert [[*one] for one in shown] == [[*one] for one in given]
    dynamodb = stack.aws.client("dynamodb")
    answer = dynamodb.execute_statement(Statement=statement, Parameters=given)
    return list(answer["Items"])


def selected(command: list[str]) -> set[str]:
    """The attributes that a command of a page asks for."""
    return set(re.findall(r'"(\w+)"', command[-1].partition(" FROM ")[0]))


def ids(items: list[Any]) -> set[str]:
    return {item["restoreId"]["S"] for item in items}


def test_a_query_of_the_index_names_only_what_the_index_has() -> None:
    properties = Stack().only("AWS::DynamoDB::Table")
    (index,) = properties["GlobalSecondaryIndexes"]
    keys = {one["AttributeName"] for one in (*properties["KeySchema"], *index["KeySchema"])}

    assert f'"{index["IndexName"]}"' in OPEN_LATE[-1]
    assert selected(OPEN_LATE) <= keys | set(index["Projection"]["NonKeyAttributes"])


def test_the_commands_of_the_pages_find_the_restores_of_a_table(
    stack: ObservedStack, history: History, other_dynamodb: OtherDynamoDB
) -> None:
    """Not in moto, which leaves out the attributes of such an answer."""
    now, day = datetime.now(UTC), timedelta(days=1)
    yesterday, tomorrow = (str((now + one).date()) for one in (-day, day))
    slow, still_open = history.restores[SLOW], history.restores["flex-open"]
    with stack.storing_in(other_dynamodb):
        stack.put_items(history.items)
        every = found(stack, LISTED, yesterday, tomorrow)
        earlier = found(stack, LISTED, "2020-01-01", yesterday)
        (whole,) = found(stack, WHOLE, f"{GROUP}/{SLOW}", slow.restore_id)
        ended_late = found(stack, ENDED_LATE, yesterday, 3600)
        open_late = found(stack, OPEN_LATE, f"{now - timedelta(hours=1):%Y-%m-%dT%H:%M}")

    assert ids(every) == ids([item for item in history.items if "history" in item])
    assert earlier == []
    assert {name for item in every for name in item} == selected(LISTED)
    assert len(whole["history"]["L"]) == 4
    assert ids(ended_late) == {slow.restore_id}
    assert ids(open_late) == {still_open.restore_id}


@pytest.mark.campaign
def test_the_query_of_the_dashboard_names_fields_and_values_of_lines(
    world: World, watching: Environment, history: History
) -> None:
    """A project that was watched is locked out, too."""
    watching.tick()
    world.atlas.lock_out(world.group)
    watching.ticks(2, minutes=4)
    lines = [*map(json.loads, history.logs), *watching.lines()]
    fields = {name for line in lines for name in fields_of(line)} | {"@timestamp", "@message"}
    for query in (last_failures(), last_failures(**READERS)):
        unquoted = re.sub(r"\"[^\"]*\"|'[^']*'|/.+/", "", query)
        defined = set(re.findall(r" as (\w+)", query))
        named = set(re.findall(r"[@A-Za-z_][\w.]*", unquoted)) - defined - WORDS
        assert named <= fields
        for name, value in re.findall(r"(message|level) = [\"'](\w+)[\"']", query):
            assert value in {line.get(name) for line in lines}


def test_the_query_names_its_log_groups() -> None:
    assert re.findall(r"SOURCE '(\w+)'", last_failures()) == ["LogGroup"]
    assert re.findall(r"SOURCE '(\w+)'", last_failures(**READERS)) == [
        "LogGroup",
        "NotifyPeopleLogGroup",
    ]
