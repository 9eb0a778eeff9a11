"""The moments that an event names. Pure."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import PlainValidator

from foundation.outside import unreadable
from restore_watch.event.event_fields import unexpected

_MOMENT = "a moment in ISO 8601 with its zone, such as 2026-11-25T12:00:00Z"


def _moment(value: object) -> datetime:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        if moment is not None and moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass  # it would quote the value
    raise unreadable(f"expected {_MOMENT}")


def read_moment(value: object, field: str) -> datetime:
    """Read a moment. Raises InvalidEventError."""
    try:
        return _moment(value)
    except ValueError:
        raise unexpected(field, _MOMENT, value) from None


Moment = Annotated[datetime, PlainValidator(_moment)]
"""A moment, in UTC."""

GivenMoment = Annotated[datetime | None, PlainValidator(_moment)]
"""None only if it is absent: null is no moment."""
