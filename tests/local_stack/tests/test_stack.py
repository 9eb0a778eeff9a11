"""The whole stack: what isolates one test from the next, and an index that lags."""

from typing import Any

from local_stack.stack import LocalStack
from local_stack.stale_index import stale_index
from local_stack.wire import Call, Fault, Phase, Reset
from observed_stack import ObservedStack


def test_a_reset_keeps_the_environments_and_nothing_else(stack: LocalStack, group: str) -> None:
    """The names stay although another call draws from moto's random names meanwhile."""
    stack.new_environments()  # one reads the secret again after four minutes
    stack.invoke(stack.atlas.start_restore(group, "orders", "flex").event)
    variables = stack.environment
    stack.aws.client("sns").delete_topic(TopicArn=stack.topic_arn)
    stack.aws.wire.inject(Fault(action=Reset(), service="dynamodb", times=None))
    late: list[Call] = []

    def come_between(call: Call, phase: Phase) -> None:
        if call.operation == "CreateStack" and phase == "before" and not late:
            late.append(call)
            stack.aws.client("cloudformation").describe_stacks()

    with stack.aws.wire.listen(come_between):
        stack.reset()

    assert late
    assert stack.environment == variables
    assert (stack.items(), stack.received(), stack.http_calls()) == ([], [], [])
    restore = stack.atlas.start_restore(group, "orders", "flex")
    assert stack.invoke(restore.event).result["status"] == "PENDING"
    assert len(stack.received()) == 1
    assert "secretsmanager" not in {call.service for call in stack.http_calls()}


def put(stack: LocalStack, restore: str, shard: str) -> None:
    item = {"cluster": "project/orders", "restoreId": restore, "openShard": shard}
    stack.aws.client("dynamodb").put_item(
        TableName=stack.table_name, Item={name: {"S": value} for name, value in item.items()}
    )


def in_index(stack: LocalStack, shard: str) -> list[str]:
    answer: dict[str, Any] = stack.aws.client("dynamodb").query(
        TableName=stack.table_name,
        IndexName="OpenJobs",
        KeyConditionExpression="openShard = :shard",
        ExpressionAttributeValues={":shard": {"S": shard}},
    )
    return [entry["restoreId"]["S"] for entry in answer["Items"]]


def test_a_stale_index_shows_what_it_showed_before_the_block(stack: ObservedStack) -> None:
    put(stack, "one", "3")
    with stale_index(stack):
        put(stack, "one", "4")
        put(stack, "two", "3")

        assert (in_index(stack, "3"), in_index(stack, "4")) == (["one"], [])
        assert len(stack.items()) == 2

    assert (in_index(stack, "3"), in_index(stack, "4")) == (["two"], ["one"])
    assert stack.aws.client("dynamodb").list_tables()["TableNames"] == [stack.table_name]
