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
class Unread:
    """
    A number with more digits than boto3 keeps, or a set with one, in DynamoDB's types.

    It counts as absent, but a condition can compare it.
    """

    typed: Mapping[str, Any]


_deserialize, _serialize = TypeDeserializer().deserialize, TypeSerializer().serialize


def deserialize(typed: Any) -> Any:
    """From a value in DynamoDB's types. In a map or a list, an Unread value spoils no other."""
    try:
        return _deserialize(typed)
    except ArithmeticError:
        pass  # boto3 raises it for the whole value, however deep in it the number is
    if "M" in typed:
        return {name: deserialize(value) for name, value in typed["M"].items()}
    if "L" in typed:
        return [deserialize(value) for value in typed["L"]]
    return Unread(typed)


def serialize(value: Any) -> Any:
    """Into DynamoDB's types: also what `deserialize` has read, because conditions compare it."""
    if isinstance(value, Unread):
        return value.typed
    if isinstance(value, dict):
        return {"M": {name: serialize(one) for name, one in value.items()}}
    if isinstance(value, list):
        return {"L": [serialize(one) for one in value]}
    return _serialize(value)


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
