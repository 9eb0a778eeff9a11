"""
One conditional UpdateItem, the only way in which this application reads and writes an item.

Nothing is read before a write: when the condition fails, DynamoDB returns the stored item in the
same round trip. A condition that always fails makes it a read.
"""

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.types import TypeSerializer

from foundation.aws_call import AwsCallError, aws_call
from foundation.deadline import Deadline
from restore_watch.errors import TableUnavailableError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_serialize = TypeSerializer().serialize
_NAME = re.compile(r"#(\w+)")


class Updates:
    """The items of one table."""

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        self._client = client
        self._table_name = table_name

    def update(
        self,
        item_key: Mapping[str, Any],
        deadline: Deadline,
        *,
        update: str,
        condition: str,
        values: Mapping[str, Any] | None = None,
    ) -> Mapping[str, Any]:
        """
        Update the item if it meets the condition. Return what is stored afterwards, updated or not.

        A hash stands before every attribute's name in both expressions. The answer is in DynamoDB's
        types, empty if there is no item. Raises TableUnavailableError when DynamoDB refuses or does
        not answer, and TimeBudgetExceededError when too little time is left to begin.
        """
        # DynamoDB rejects an empty map of values.
        given = {name: _serialize(value) for name, value in (values or {}).items()}
        try:
            answer = aws_call(
                deadline,
                "write to the table",
                self._client.update_item,
                "Attributes",
                TableName=self._table_name,
                Key=item_key,
                UpdateExpression=update,
                ConditionExpression=condition,
                # A placeholder for every name: DynamoDB reserves hundreds of words.
                ExpressionAttributeNames={
                    f"#{name}": name for name in _NAME.findall(f"{update} {condition}")
                },
                **({"ExpressionAttributeValues": given} if given else {}),
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except AwsCallError as error:
            if error.code == "ConditionalCheckFailedException":
                stored: Mapping[str, Any] = error.answer.get("Item", {})
                return stored
            raise _unavailable(error, "the next check tries again") from None
        written: Mapping[str, Any] = answer["Attributes"]
        return written

    def query(
        self, partition: Mapping[str, str], deadline: Deadline, *, index: str | None = None
    ) -> Iterator[Mapping[str, Any]]:
        """
        Yield every item of a partition, given as its key's name and value, in DynamoDB's types.

        Reads of an `index` may lag. Raises as `update` does.
        """
        ((name, value),) = partition.items()
        where: dict[str, Any] = {"IndexName": index} if index else {"ConsistentRead": True}
        while True:
            try:
                page = aws_call(
                    deadline,
                    "read the table",
                    self._client.query,
                    "Items",
                    TableName=self._table_name,
                    KeyConditionExpression="#name = :value",
                    ExpressionAttributeNames={"#name": name},
                    ExpressionAttributeValues={":value": {"S": value}},
                    **where,
                )
            except AwsCallError as error:
                raise _unavailable(error, "the next sweep tries again") from None
            yield from page["Items"]
            if not page.get("LastEvaluatedKey"):
                return
            where["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def _unavailable(error: AwsCallError, what_follows: str) -> TableUnavailableError:
    unavailable = TableUnavailableError(f"DynamoDB {error}; {what_follows}")
    unavailable.code = error.code if error.answer else None
    return unavailable
