"""
One conditional UpdateItem, the only way in which this application reads and writes an item.

Nothing is read before a write: when the condition fails, DynamoDB returns the stored item in the
same round trip. A condition that always fails makes it a read.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.conditions import Attr, ConditionBase, ConditionExpressionBuilder

from foundation.aws_call import AwsCallError, aws_call
from foundation.deadline import Deadline
from restore_watch.errors import TableUnavailableError
from restore_watch.table.stored_fields import serialize

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def lies_between(name: str, first: str | int, last: str | int) -> ConditionBase:
    """Whether an attribute has a value of this type and range. Anything else counts as absent."""
    kind = "S" if isinstance(first, str) else "N"
    return Attr(name).attribute_type(kind) & Attr(name).between(first, last)


@dataclass(frozen=True)
class Items:
    """The items. Any call raises TableUnavailableError if DynamoDB refuses or does not answer."""

    client: "DynamoDBClient"
    table_name: str

    def _update(
        self,
        item_key: Mapping[str, Any],
        deadline: Deadline,
        condition: ConditionBase,
        *,
        sets: Mapping[str, Any] = {},
        defaults: Mapping[str, Any] = {},
        adds: Mapping[str, Any] = {},
        deletes: Mapping[str, Any] = {},
    ) -> Mapping[str, Any]:
        """
        Update the item if it meets the condition. Return the item as stored then, updated or not.

        `sets` has the new values of attributes, None to remove it, and `defaults` the values of
        absent attributes. `adds` has a number to add, the elements for a set, or a list for the end
        of a list, and `deletes` the elements to delete from a set. The answer is in DynamoDB's
        types, empty if there is no item.
        """
        update = _update_expression(sets, defaults, adds, deletes)
        built = ConditionExpressionBuilder().build_expression(condition)
        # A placeholder for every name: DynamoDB reserves hundreds of words.
        names = {name: name[1:] for name in re.findall(r"#\w+", update)}
        new = {**sets, **defaults, **adds, **deletes}
        values = {f":{name}": value for name, value in new.items() if value is not None}
        if ":empty" in update:
            values[":empty"] = []
        values |= built.attribute_value_placeholders
        return self._write(
            deadline,
            Key=item_key,
            UpdateExpression=update,
            ConditionExpression=built.condition_expression,
            ExpressionAttributeNames=names | built.attribute_name_placeholders,
            ExpressionAttributeValues={name: serialize(value) for name, value in values.items()},
        )

    def _write(self, deadline: Deadline, **how: Any) -> Mapping[str, Any]:
        try:
            answer = aws_call(
                deadline,
                "write to the table",
                self.client.update_item,
                "Attributes",
                TableName=self.table_name,
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **how,
            )
        except AwsCallError as error:
            if error.code == "ConditionalCheckFailedException":
                return dict(error.answer.get("Item", {}))
            raise _unavailable(error) from None
        return dict(answer["Attributes"])

    def _look_up(
        self, item_key: Mapping[str, Any], deadline: Deadline, attribute: str
    ) -> Mapping[str, Any]:
        """
        Return the item, in DynamoDB's types, empty if there is none.

        The condition of this update, of any attribute, always fails. So reading needs no permission
        beyond UpdateItem.
        """
        never = Attr(attribute).exists() & Attr(attribute).not_exists()
        return self._update(item_key, deadline, never, defaults={attribute: 0})

    def _query(
        self, partition: Mapping[str, str], deadline: Deadline, *, index: str | None = None
    ) -> Iterator[Mapping[str, Any]]:
        """Yield a partition's items, in DynamoDB's types. Reads of an `index` may lag."""
        ((name, value),) = partition.items()
        where: dict[str, Any] = {"IndexName": index} if index else {"ConsistentRead": True}
        return self._pages(
            self.client.query,
            deadline,
            KeyConditionExpression="#name = :value",
            ExpressionAttributeNames={"#name": name},
            ExpressionAttributeValues={":value": {"S": value}},
            **where,
        )

    def read_all(self, deadline: Deadline) -> Iterator[Mapping[str, Any]]:
        """Yield every item of the table, in DynamoDB's types."""
        return self._pages(self.client.scan, deadline, ConsistentRead=True)

    def _pages(
        self, operation: Callable[..., Any], deadline: Deadline, **how: Any
    ) -> Iterator[Mapping[str, Any]]:
        while True:
            try:
                page = aws_call(
                    deadline,
                    "read the table",
                    operation,
                    "Items",
                    TableName=self.table_name,
                    **how,
                )
            except AwsCallError as error:
                raise _unavailable(error) from None
            yield from page["Items"]
            if not page.get("LastEvaluatedKey"):
                return
            how["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def _update_expression(
    sets: Mapping[str, Any],
    defaults: Iterable[str],
    adds: Mapping[str, Any],
    deletes: Iterable[str],
) -> str:
    lists = [name for name, value in adds.items() if isinstance(value, list)]
    clauses = {
        "SET": [
            *(f"#{name} = :{name}" for name, value in sets.items() if value is not None),
            *(f"#{name} = if_not_exists(#{name}, :{name})" for name in defaults),
            *(f"#{name} = list_append(if_not_exists(#{name}, :empty), :{name})" for name in lists),
        ],
        "REMOVE": [f"#{name}" for name, value in sets.items() if value is None],
        "ADD": [f"#{name} :{name}" for name in adds if name not in lists],
        "DELETE": [f"#{name} :{name}" for name in deletes],
    }
    return " ".join(f"{word} {', '.join(parts)}" for word, parts in clauses.items() if parts)


def _unavailable(error: AwsCallError) -> TableUnavailableError:
    unavailable = TableUnavailableError(f"DynamoDB {error}")
    unavailable.code = error.code if error.answer else None
    return unavailable
