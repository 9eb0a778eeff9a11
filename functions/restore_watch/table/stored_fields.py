"""The fields that items share, and their types. Somebody may have changed them by hand. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from restore_watch.model.fields import AHEAD, date_or_null

PARTITION = "sweeps"
"""The partition key of the items of sweeps. The partition key of a job contains a slash."""


class _Deserializer(TypeDeserializer):
    def deserialize(self, value: Any) -> Any:
        # Nobody here writes bytes, and the layer's botocore leaves them in base64.
        return None if "B" in value or "BS" in value else super().deserialize(value)


deserialize = _Deserializer().deserialize
"""Return a value of DynamoDB's types. Raises TypeError for anything else; bytes count as absent."""


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
