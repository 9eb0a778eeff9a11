"""The time of day, and waiting for some of it to pass."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

CLOCKS_APART = timedelta(minutes=1)
"""The clocks of two machines may differ by this much, so a moment may lie so far in the future."""


def in_utc(value: datetime) -> datetime:
    """Return the moment in UTC. A moment without a zone is UTC already. Raises ValueError."""
    try:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError:
        raise ValueError("a date must lie within the years 1 to 9999, in UTC too") from None


def utc_text(moment: datetime) -> str:
    """A UTC moment as ISO 8601. With microseconds two observations are hardly ever the same."""
    return moment.isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def date_text(date: datetime) -> str:
    """A UTC date as Atlas writes it: with a fraction of a second only if there is one."""
    return date.isoformat().removesuffix("+00:00") + "Z"


def is_recent(age: float, seconds: float) -> bool:
    """
    Whether something of this age, in seconds, is younger than `seconds`.

    After the clock was set back, a moment may lie in the future, and the age is below zero: nobody
    knows how old it is, so it is not recent.
    """
    return 0 <= age < seconds


@dataclass(frozen=True)
class Clock:
    """`now` gives the time, in UTC; `sleep` takes seconds."""

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep: Callable[[float], None] = time.sleep

    def unix(self) -> float:
        """Return the time in Unix seconds."""
        return self.now().timestamp()
