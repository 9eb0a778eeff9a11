"""The fields that items share, and their types. Somebody may have changed them by hand. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from foundation.plain_class import plain_class
from restore_watch.model.fields import AHEAD, date_or_null

PARTITION = "sweeps"
"""The partition key of the items of sweeps. The partition key of a job contains a slash."""


@plain_class
class _Bytes:
    """Bytes, in the form of DynamoDB's answer. Nobody here writes or reads them."""

    typed: Mapping[str, Any]


class _Types(TypeSerializer, TypeDeserializer):
    # Nearly every value is text. boto3 tries eight other types before that.
    def deserialize(self, value: Any) -> Any:
        if "S" in value:
            return value["S"]
        return _Bytes(value) if "B" in value or "BS" in value else super().deserialize(value)

    def serialize(self, value: Any) -> Any:
        if isinstance(value, str):
            return {"S": value}
        return value.typed if isinstance(value, _Bytes) else super().serialize(value)


deserialize, serialize = _Types().deserialize, _Types().serialize
"""From a value in DynamoDB's types, and back: a condition compares what was read."""


def sweeps_key(name: str) -> dict[str, Any]:
    """The primary key of an item of sweeps, in DynamoDB's types."""
    return {"cluster": {"S": PARTITION}, "restoreId": {"S": name}}


def present(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes that have a value."""
    return {name: value for name, value in attributes.items() if value is not None}


def past_moment(stored: object, now: datetime) -> datetime | None:
    """As `date_or_null`, but None for a moment that lies too far ahead to be true."""
    moment = date_or_null(stored)
    return moment if moment and moment - now <= AHEAD else None
