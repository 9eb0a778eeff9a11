"""moto's answers are those that it gives without the shortcuts."""

from typing import Any

from local_stack.stack import LocalStack

KEY = {"cluster": {"S": "project/orders"}, "restoreId": {"S": "1"}}

EVERY_TYPE: dict[str, dict[str, Any]] = {
    "text": {"S": "a"},
    "number": {"N": "1.5"},
    "truth": {"BOOL": False},
    "nothing": {"NULL": True},
    "texts": {"SS": ["a", "b"]},
    "list": {"L": [{"S": "a"}, {"M": {}}, {"L": []}]},
    "map": {"M": {"S": {"N": "1"}, "deep": {"M": {"L": {"L": [{"NULL": True}]}}}}},
}
"""Of what a table holds; binary values are not used here."""


def test_a_value_of_every_type_comes_back_as_it_was_stored(stack: LocalStack) -> None:
    dynamodb = stack.aws.client("dynamodb")
    dynamodb.put_item(TableName=stack.table_name, Item=KEY | EVERY_TYPE)

    item = dynamodb.get_item(TableName=stack.table_name, Key=KEY)["Item"]
    (scanned,) = dynamodb.scan(TableName=stack.table_name)["Items"]

    assert item == scanned == KEY | EVERY_TYPE


def test_an_expression_that_is_used_again_updates_with_the_values_of_each_time(
    stack: LocalStack,
) -> None:
    dynamodb = stack.aws.client("dynamodb")

    for times, number in enumerate(("5", "7"), start=1):
        answer = dynamodb.update_item(
            TableName=stack.table_name,
            Key=KEY,
            UpdateExpression=(
                "SET #seen = list_append(if_not_exists(#seen, :none), :new), #last = :last "
                "ADD #times :one REMOVE #gone"
            ),
            ExpressionAttributeNames={
                f"#{name}": name for name in ("seen", "last", "times", "gone")
            },
            ExpressionAttributeValues={
                ":none": {"L": []},
                ":new": {"L": [{"N": number}]},
                ":last": {"N": number},
                ":one": {"N": "1"},
            },
            ReturnValues="ALL_NEW",
        )
        assert answer["Attributes"] == KEY | {
            "seen": {"L": [{"N": one} for one in ("5", "7")[:times]]},
            "last": {"N": number},
            "times": {"N": str(times)},
        }
