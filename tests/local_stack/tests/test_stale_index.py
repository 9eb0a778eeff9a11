"""Queries on the index of the table can be answered as they were before."""

from typing import Any

from local_stack.aws import aws_error
from local_stack.stack import LocalStack
from local_stack.stale_index import stale_index
from local_stack.wire import Fault
from observed_stack import ObservedStack

SHARD = "3"


def put(stack: LocalStack, group: str, restore: str, **attributes: str) -> None:
    item = {"cluster": f"{group}/orders", "restoreId": restore, "openShard": SHARD, **attributes}
    stack.aws.client("dynamodb").put_item(
        TableName=stack.table_name, Item={name: {"S": value} for name, value in item.items()}
    )


def close(stack: LocalStack, group: str, restore: str) -> None:
    key = {"cluster": {"S": f"{group}/orders"}, "restoreId": {"S": restore}}
    stack.aws.client("dynamodb").update_item(
        TableName=stack.table_name, Key=key, UpdateExpression="REMOVE openShard"
    )


def query(stack: LocalStack, shard: str = SHARD, **more: Any) -> Any:
    return stack.aws.client("dynamodb").query(
        TableName=stack.table_name,
        IndexName="OpenJobs",
        KeyConditionExpression="openShard = :shard",
        ExpressionAttributeValues={":shard": {"S": shard}},
        **more,
    )


def entries(stack: LocalStack, shard: str = SHARD) -> dict[str, str]:
    """The status of each job in a partition of the index."""
    return {entry["restoreId"]["S"]: entry["status"]["S"] for entry in query(stack, shard)["Items"]}


def test_the_index_shows_what_it_showed_before_the_block(stack: ObservedStack, group: str) -> None:
    put(stack, group, "one", status="PENDING")
    put(stack, group, "two", status="RUNNING")
    with stale_index(stack):
        put(stack, group, "one", status="RUNNING")
        close(stack, group, "two")
        put(stack, group, "three", status="PENDING")
        put(stack, group, "four", status="PENDING", openShard="4")

        assert entries(stack) == {"one": "PENDING", "two": "RUNNING"}
        assert entries(stack, "4") == {}
        assert len(stack.items()) == 4

    assert entries(stack) == {"one": "RUNNING", "three": "PENDING"}
    assert entries(stack, "4") == {"four": "PENDING"}


def test_pages_and_projection_of_a_stale_index_are_true(stack: ObservedStack, group: str) -> None:
    put(stack, group, "one", status="PENDING", history="long")
    put(stack, group, "two", status="PENDING")
    with stale_index(stack):
        close(stack, group, "one")
        close(stack, group, "two")
        first = query(stack, Limit=1)
        second = query(stack, Limit=1, ExclusiveStartKey=first["LastEvaluatedKey"])

    assert first["Items"] == [
        {
            "cluster": {"S": f"{group}/orders"},
            "openShard": {"S": SHARD},
            "restoreId": {"S": "one"},
            "status": {"S": "PENDING"},
        }
    ]
    assert [entry["restoreId"]["S"] for entry in second["Items"]] == ["two"]


def test_a_query_on_the_table_itself_is_current(stack: ObservedStack, group: str) -> None:
    with stale_index(stack):
        put(stack, group, "one", status="PENDING")
        answer = stack.aws.client("dynamodb").query(
            TableName=stack.table_name,
            ConsistentRead=True,
            KeyConditionExpression="cluster = :cluster",
            ExpressionAttributeValues={":cluster": {"S": f"{group}/orders"}},
        )

    assert answer["Count"] == 1


def test_a_stale_query_is_recorded_once_and_other_faults_apply_to_it(
    stack: ObservedStack, group: str
) -> None:
    put(stack, group, "one", status="PENDING")
    throttled = aws_error("dynamodb", "ProvisionedThroughputExceededException")
    stack.aws.wire.inject(Fault(action=throttled, operation="Query"))
    with stale_index(stack):
        assert entries(stack) == {"one": "PENDING"}

    queries = [call.status for call in stack.aws.wire.calls if call.operation == "Query"]
    assert queries == [400, 200]


def test_the_copy_is_gone_after_the_block(stack: ObservedStack) -> None:
    tables = stack.aws.client("dynamodb").list_tables
    with stale_index(stack):
        assert len(tables()["TableNames"]) == 2

    assert tables()["TableNames"] == [stack.table_name]


def test_an_index_of_dynamodb_local_can_be_stale(
    stack_on_dynamodb_local: ObservedStack, group: str
) -> None:
    put(stack_on_dynamodb_local, group, "one", status="PENDING")
    with stale_index(stack_on_dynamodb_local):
        close(stack_on_dynamodb_local, group, "one")
        assert entries(stack_on_dynamodb_local) == {"one": "PENDING"}

    assert entries(stack_on_dynamodb_local) == {}
