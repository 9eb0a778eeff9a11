"""The headers of an answer that hold a moment or a wait. Pure."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from foundation.clock import in_utc


def http_date(text: str) -> datetime | None:
    """Return the moment of a header, in UTC; None for anything else."""
    try:
        return in_utc(parsedate_to_datetime(text))
    except (ValueError, OverflowError):
        return None


def retry_after(headers: Mapping[str, str]) -> float | None:
    """
    Return the seconds that Retry-After asks for, in either of its two forms, else None.

    A date counts from the answer's Date header, because the same clock wrote both. None for zero,
    the past, and anything unreadable.
    """
    value = headers.get("retry-after", "")
    moment = http_date(value)
    if moment is None:
        return read_wait(value)
    answered = http_date(headers.get("date", "")) or datetime.now(UTC)
    return read_wait((moment - answered).total_seconds())


def read_wait(value: object) -> float | None:
    """Return the seconds that a number or its text asks for, a day at most; None for all else."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        seconds = float(value)
    except (ValueError, OverflowError):
        return None
    return min(seconds, 86_400.0) if math.isfinite(seconds) and seconds > 0 else None
