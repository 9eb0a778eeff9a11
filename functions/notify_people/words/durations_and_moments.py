"""Durations and moments, as people read them."""

from datetime import UTC, datetime, timedelta

_HOUR, _DAY = 3600, 86_400


def duration(seconds: float | None) -> str:
    """Return the two largest units, such as `61 s` or `5 h 10 min`; nothing if it is not known."""
    if seconds is None:
        return ""
    whole = max(0, round(seconds))
    if whole < 120:
        return f"{whole} s"
    if whole < 2 * _HOUR:
        return f"{whole // 60} min"
    if whole < 2 * _DAY:
        hours, minutes = whole // _HOUR, whole % _HOUR // 60
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = whole // _DAY, whole % _DAY // _HOUR
    return f"{days} days {hours} h" if hours else f"{days} days"


def microseconds(at: datetime) -> int:
    """Return the microseconds since 1970, by which notices are ordered."""
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def moment(at: datetime | None) -> str:
    """Return a moment in UTC, to the second; nothing if it is not known."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if at else ""


def minute(at: datetime) -> str:
    """Return a moment in UTC, to the minute."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
