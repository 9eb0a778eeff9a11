"""
One conditional UpdateItem, the only way in which this application reads and writes an item.

Nothing is read before a write: when the condition fails, DynamoDB returns the stored item in the
same round trip. A condition that always fails makes it a read.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.types import TypeSerializer

from foundation.aws_call import AwsCallError, aws_call
from foundation.deadline import Deadline
from restore_watch.errors import TableUnavailableError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_serialize = TypeSerializer().serialize
_NAME = re.compile(r"#(\w+)")


class Items:
    """The items. Any call raises TableUnavailableError if DynamoDB refuses or does not answer."""

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        self._client = client
        self._table_name = table_name

    def _update(
        self,
        item_key: Mapping[str, Any],
        deadline: Deadline,
        *,
        sets: Mapping[str, Any],
        condition: str,
        values: Mapping[str, Any] | None = None,
        computes: Iterable[str] = (),
        elements: str = "",
    ) -> Mapping[str, Any]:
        """
        Update the item if it meets the condition. Return the item as stored then, updated or not.

        `sets` has the new values of attributes, None to remove it. `computes` assigns values that
        depend on stored values, and `elements` adds to a set or deletes from it. In expressions,
        a hash stands before the name of an attribute, and a colon before the name of one of the
        `values` or of `sets`. The answer is in DynamoDB's types, empty if there is no item.
        """
        given = {name: value for name, value in sets.items() if value is not None}
        assigned = ", ".join([*(f"#{name} = :{name}" for name in given), *computes])
        removed = ", ".join(f"#{name}" for name in sets if name not in given)
        clauses = (assigned and f"SET {assigned}", removed and f"REMOVE {removed}", elements)
        update = " ".join(filter(None, clauses))
        # A placeholder for every name: DynamoDB reserves hundreds of words.
        names = {f"#{name}": name for name in _NAME.findall(f"{update} {condition}")}
        given |= values or {}
        serialized = {f":{name}": _serialize(value) for name, value in given.items()}
        return self._write(
            deadline,
            Key=item_key,
            UpdateExpression=update,
            ConditionExpression=condition,
            ExpressionAttributeNames=names,
            # DynamoDB rejects an empty map of values.
            **({"ExpressionAttributeValues": serialized} if serialized else {}),
        )

    def _write(self, deadline: Deadline, **how: Any) -> Mapping[str, Any]:
        try:
            answer = aws_call(
                deadline,
                "write to the table",
                self._client.update_item,
                "Attributes",
                TableName=self._table_name,
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **how,
            )
        except AwsCallError as error:
            if error.code == "ConditionalCheckFailedException":
                stored: Mapping[str, Any] = error.answer.get("Item", {})
                return stored
            raise _unavailable(error, "the next check tries again") from None
        written: Mapping[str, Any] = answer["Attributes"]
        return written

    def _look_up(
        self, item_key: Mapping[str, Any], deadline: Deadline, attribute: str
    ) -> Mapping[str, Any]:
        """
        Return the item, in DynamoDB's types, empty if there is none.

        The condition of this update, of any attribute, always fails. So reading needs no permission
        beyond UpdateItem.
        """
        return self._update(
            item_key,
            deadline,
            sets={},
            computes=[f"#{attribute} = #{attribute}"],
            condition=f"attribute_exists(#{attribute}) AND attribute_not_exists(#{attribute})",
        )

    def _query(
        self, partition: Mapping[str, str], deadline: Deadline, *, index: str | None = None
    ) -> Iterator[Mapping[str, Any]]:
        """
        Yield every item of a partition, given as its key's name and value, in DynamoDB's types.

        Reads of an `index` may lag.
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
