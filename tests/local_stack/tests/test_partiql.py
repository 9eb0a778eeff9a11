"""The emulator's PartiQL answers as Amazon's own DynamoDB Local does, or says that it cannot."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from observed_stack import ObservedStack

ITEMS: list[dict[str, Any]] = [
    {"name": {"S": "a"}, "size": {"N": "9"}, "done": {"BOOL": True}, "openShard": {"S": "0"}},
    {"name": {"S": "b"}, "size": {"N": "10"}, "done": {"BOOL": False}},
    {"name": {"S": "it's"}, "size": {"S": "10"}},
]


@pytest.fixture(scope="module", params=["moto", "DynamoDB Local"])
def stack(module_stack: ObservedStack, request: pytest.FixtureRequest) -> Iterator[ObservedStack]:
    """A table with three items of one partition and one of another."""
    if request.param == "moto":
        module_stack.reset()
        fill(module_stack)
        yield module_stack
        return
    with module_stack.storing_in(request.getfixturevalue("dynamodb_local")):
        fill(module_stack)
        yield module_stack


def fill(stack: ObservedStack) -> None:
    keys = [("g/one", "1"), ("g/one", "2"), ("g/one", "3"), ("g/two", "4")]
    stack.put_items(
        {"cluster": {"S": cluster}, "restoreId": {"S": restore_id}, **item}
        for (cluster, restore_id), item in zip(keys, [*ITEMS, {}], strict=True)
    )


def selected(stack: ObservedStack, rest: str, paths: str = "*") -> list[dict[str, Any]]:
    client = stack.aws.client("dynamodb")
    statement = f'SELECT {paths} FROM "{stack.table_name}"{rest}'  # noqa: S608 - of these tests
    found: list[dict[str, Any]] = client.execute_statement(Statement=statement)["Items"]
    return found


@pytest.mark.parametrize(
    ("where", "ids"),
    [
        ("", "1234"),
        (""" WHERE "name" = 'a'""", "1"),
        (""" WHERE "name" <> 'a'""", "234"),
        (' WHERE "size" != 9', "234"),
        (""" WHERE "name" >= 'b'""", "23"),
        (""" WHERE "name" > 'a' AND "name" < 'i'""", "2"),
        (""" WHERE "name" = 'it''s'""", "3"),
        (' WHERE "size" > 9', "2"),
        (' WHERE "size" <= 9.5', "1"),
        (' WHERE "done" = true', "1"),
        (' WHERE "done" = false AND "size" = 10', "2"),
        (""" WHERE "cluster" = 'g/one' ORDER BY "restoreId" DESC""", "321"),
        (""" WHERE "cluster" = 'g/one' AND "size" > 1 ORDER BY "restoreId" ASC""", "12"),
        (""" WHERE "cluster" = 'g/one' ORDER BY "restoreId\"""", "123"),
        ('."OpenJobs"', "1"),
    ],
)
def test_conditions_compare_values_of_the_same_type(
    stack: ObservedStack, where: str, ids: str
) -> None:
    found = [item["restoreId"]["S"] for item in selected(stack, where)]

    assert found == list(ids) or ("ORDER" not in where and sorted(found) == list(ids))


def test_absent_attributes_are_left_out(stack: ObservedStack) -> None:
    found = selected(stack, """ WHERE "cluster" = 'g/one'""", '"restoreId", "done"')

    assert sorted(found, key=lambda item: str(item["restoreId"])) == [
        {"restoreId": {"S": "1"}, "done": {"BOOL": True}},
        {"restoreId": {"S": "2"}, "done": {"BOOL": False}},
        {"restoreId": {"S": "3"}},
    ]


@pytest.mark.parametrize(
    "statement",
    [
        'SELECT * FROM "{}" ORDER BY "restoreId"',
        """SELECT * FROM "{}" WHERE "cluster" = 'g/one' ORDER BY "name\"""",
        'SELECT * FROM "{}"."NoIndex"',
        'SELECT * FROM "{}" WHERE "size" = 1 OR',
        'SELECT name, FROM "{}"',
        'SHOW "{}"',
    ],
)
def test_a_statement_that_means_nothing_is_refused(stack: ObservedStack, statement: str) -> None:
    client = stack.aws.client("dynamodb")

    with pytest.raises(ClientError, match="ValidationException"):
        client.execute_statement(Statement=statement.format(stack.table_name))


def test_a_table_that_is_not_there_is_not_found(stack: ObservedStack) -> None:
    client = stack.aws.client("dynamodb")

    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        client.execute_statement(Statement='SELECT * FROM "no-such-table"')
