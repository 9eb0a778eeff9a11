"""The fields that items share, and their types. Somebody may have changed them by hand. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from pydantic import AfterValidator, BeforeValidator, Strict

from foundation.outside import UtcDate, unreadable
from foundation.retention import RETENTION

PARTITION = "sweeps"
"""The partition key of the items of sweeps. The partition key of a job contains a slash."""

STACK = "stack"
"""The sort key of the stack's own item."""

PROJECT = "project/"
"""The sort key of a project's item begins with this, and ends with the id of the project."""

# Adding the retention to a later date would overflow. We never write one.
_LATEST = datetime.max.replace(tzinfo=UTC) - RETENTION


def _refuse_latest(moment: datetime) -> datetime:
    if moment >= _LATEST:
        raise unreadable("expected a date to which the retention can be added")
    return moment


ObservedAt = Annotated[UtcDate, AfterValidator(_refuse_latest)]
"""When an entry of a history was recorded."""

StoredNumber = Annotated[Decimal, Strict()]
"""A number of an item. A text of digits is none."""


def _whole_number(value: object) -> int:
    if not isinstance(value, Decimal) or value != value.to_integral_value():
        raise unreadable("expected a whole number")
    return int(value)


StoredInteger = Annotated[int, BeforeValidator(_whole_number)]
"""A whole number of an item."""


@dataclass(frozen=True)
class LongNumber:
    """
    A number with more digits than boto3 keeps, or a set with one, in DynamoDB's types.

    It counts as absent, but a condition can compare it.
    """

    typed: Mapping[str, Any]


_deserialize, _serialize = TypeDeserializer().deserialize, TypeSerializer().serialize


def deserialize(typed: Any) -> Any:
    """From a value in DynamoDB's types. In a map or a list, a LongNumber spoils no other."""
    try:
        return _deserialize(typed)
    except ArithmeticError:
        pass  # boto3 raises it for the whole value, however deep in it the number is
    if "M" in typed:
        return {name: deserialize(value) for name, value in typed["M"].items()}
    if "L" in typed:
        return [deserialize(value) for value in typed["L"]]
    return LongNumber(typed)


def deserialized(item: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of an item in DynamoDB's types."""
    return {name: deserialize(value) for name, value in item.items()}


def serialize(value: Any) -> Any:
    """Into DynamoDB's types: also what `deserialize` has read, because conditions compare it."""
    if isinstance(value, LongNumber):
        return value.typed
    if isinstance(value, dict):
        return {"M": {name: serialize(part) for name, part in value.items()}}
    if isinstance(value, list):
        return {"L": [serialize(part) for part in value]}
    return _serialize(value)


def sweeps_key(name: str) -> dict[str, Any]:
    """The primary key of an item of sweeps, in DynamoDB's types."""
    return {"cluster": {"S": PARTITION}, "restoreId": {"S": name}}


def project_key(group_id: str | None) -> dict[str, Any]:
    """The primary key of a project's item, or of the stack's, in DynamoDB's types."""
    return sweeps_key(STACK if group_id is None else f"{PROJECT}{group_id}")


def present(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes that have a value."""
    return {name: value for name, value in attributes.items() if value is not None}
