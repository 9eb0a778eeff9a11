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
    units = (_HOUR, "h", 60, "min") if whole < 2 * _DAY else (_DAY, "days", _HOUR, "h")
    large, large_unit, small, small_unit = units
    rest = whole % large // small
    return f"{whole // large} {large_unit}" + (f" {rest} {small_unit}" if rest else "")


def microseconds(at: datetime) -> int:
    """Return the microseconds since 1970, by which notices are ordered."""
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def moment(at: datetime | None) -> str:
    """Return a moment in UTC, to the second; nothing if it is not known."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if at else ""


def minute(at: datetime) -> str:
    """Return a moment in UTC, to the minute."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
