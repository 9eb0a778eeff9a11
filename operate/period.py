"""The period that evidence is asked for. Pure."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from operate.errors import ArgumentError
from restore_watch.table.job_item import RETENTION

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})?")

_EXPECTED = "expected a UTC date such as 2026-11-01, or a moment such as 2026-11-01T08:00:00Z"


@dataclass(frozen=True)
class Period:
    """From `start` until before `end`, in UTC."""

    start: datetime
    end: datetime

    def __contains__(self, moment: datetime) -> bool:
        return self.start <= moment < self.end

    def notes(self, now: datetime) -> list[str]:
        """Return what a reader of the evidence has to know about this period."""
        oldest = now - RETENTION
        notes = []
        if self.start < oldest:
            notes.append(
                f"The table keeps a restore for {RETENTION.days} days after its last change: those "
                f"that began before {oldest:%Y-%m-%d} may be missing."
            )
        if self.end > now:
            notes.append("The period has not ended: more restores may begin in it.")
        return notes


def read_period(since: str | None, until: str | None, now: datetime) -> Period:
    """
    Read FROM and TO. A day as TO is included, a moment is not.

    A moment without an offset is UTC. Raises ArgumentError.
    """
    start, _ = _read("FROM", since)
    end, is_day = _read("TO", until)
    if is_day:
        try:
            end += timedelta(days=1)
        except OverflowError:
            raise ArgumentError("TO", f"{until} is too late") from None
    if start >= end:
        raise ArgumentError("TO", "must be later than FROM")
    if start > now:
        raise ArgumentError("FROM", f"{since} is in the future, so no restore can have begun")
    return Period(start, end)


def _read(name: str, text: str | None) -> tuple[datetime, bool]:
    """Return the moment, and whether it is the beginning of a whole day."""
    if not text:
        raise ArgumentError(name, f"is missing; {_EXPECTED}")
    wrong = ArgumentError(name, f"{text[:60]!a} is not a date; {_EXPECTED}")
    is_day = bool(_DAY.fullmatch(text))
    if not is_day and not _MOMENT.fullmatch(text):
        raise wrong
    try:
        moment = datetime.fromisoformat(text)
        utc = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise wrong from None
    return utc, is_day
