"""The period of a report, in whole days, and the event that asks for a report. Pure."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from foundation.clock import CLOCKS_APART
from foundation.retention import RETENTION
from restore_watch.errors import InvalidEventError
from restore_watch.event.actions import read_moment, refuse_others

REPORT = "report"
KEEP_MONTH = "keep-month"
"""The actions of the report's function."""

LONGEST = RETENTION
"""The longest period: the table keeps a restore for this long after its last change."""

DAY = timedelta(days=1)

REPORTED_AT = time(6)
"""The time of day, in UTC, at which the template's schedule fires."""


class Schedule(StrEnum):
    """How often a report is made. The schedule fires after midnight, in UTC."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


@dataclass(frozen=True)
class Period:
    """From the beginning of the `first` day to the end of the `last` day, in UTC."""

    first: date
    last: date

    @property
    def end(self) -> datetime:
        """The moment after it."""
        return datetime.combine(self.last + DAY, time(), UTC)

    @property
    def begin(self) -> datetime:
        """Its first moment."""
        return datetime.combine(self.first, time(), UTC)

    @property
    def month_prefix(self) -> str:
        """Where the files of its first day's month are kept."""
        return f"months/{self.first:%Y-%m}/"

    @property
    def is_whole_month(self) -> bool:
        """Whether it is one month of the calendar."""
        return closed_by(Schedule.MONTHLY, self.last + DAY) == self

    def known_until(self, asked_at: datetime) -> datetime:
        """Return the moment for which a report of it holds: its end, or an earlier question."""
        return min(self.end, asked_at)

    def includes(self, moment: datetime) -> bool:
        """Whether the moment, in UTC, is in the period."""
        return self.first <= moment.date() <= self.last


class ReportRequest(NamedTuple):
    """
    The period to report, and when the report was asked for, in UTC.

    It `publishes` a message if the event names no period. It `is_dated` if the event says when it
    was asked for: then a repetition is the same report.
    """

    period: Period
    asked_at: datetime
    publishes: bool
    is_dated: bool


class KeepMonth(NamedTuple):
    """Keep the last whole `month`, unless that was done. `asked_at` is in UTC."""

    month: Period
    asked_at: datetime


def read_month(event: object, now: datetime) -> KeepMonth | None:
    """
    Read the event `{"action": "keep-month", "scheduledTime"?}`; None if it is another action.

    Raises InvalidEventError, naming the field and what was expected.
    """
    if not isinstance(event, dict) or event.get("action") != KEEP_MONTH:
        return None
    refuse_others(event, KEEP_MONTH, {"scheduledTime"})
    asked_at = _asked_at(event, now)
    # A clock that is ahead must not close the month before it is over.
    return KeepMonth(closed_by(Schedule.MONTHLY, min(asked_at, now).date()), asked_at)


def read_request(event: object, schedule: Schedule, now: datetime) -> ReportRequest:
    """
    Read the event `{"action": "report", "from"?, "to"?, "scheduledTime"?}`.

    Without a period, the report is of the period that the schedule closes. Raises
    InvalidEventError, naming the field and what was expected.
    """
    if not isinstance(event, dict):
        raise InvalidEventError("event", "expected a JSON object")
    if event.get("action") != REPORT:
        raise InvalidEventError("action", f'expected "{REPORT}" or "{KEEP_MONTH}"')
    refuse_others(event, REPORT, {"from", "to", "scheduledTime"})
    asked_at, is_dated = _asked_at(event, now), "scheduledTime" in event
    if "from" not in event and "to" not in event:
        period = closed_by(schedule, asked_at.date())
        return ReportRequest(period, asked_at, publishes=True, is_dated=is_dated)
    first, last = (_read_day(event.get(name), name) for name in ("from", "to"))
    for field, expected, is_so in (
        ("to", "no day before `from`", first <= last),
        ("from", "a day that has begun", first <= asked_at.date()),
        ("from", "no day before 2000", first.year >= 2000),
        ("to", f"a period of at most {LONGEST.days} days", last - first < LONGEST),
    ):
        if not is_so:
            raise InvalidEventError(field, f"expected {expected}")
    return ReportRequest(Period(first, last), asked_at, publishes=False, is_dated=is_dated)


def _asked_at(event: Mapping[str, Any], now: datetime) -> datetime:
    asked_at = read_moment(event.get("scheduledTime", now.isoformat()), "scheduledTime")
    if not now - LONGEST < asked_at <= now + CLOCKS_APART:
        raise InvalidEventError("scheduledTime", "expected a moment that has come")
    return asked_at


def closed_by(schedule: Schedule, day: date) -> Period:
    """Return the last period that is over on this day: a day, Monday to Sunday, or a month."""
    match schedule:
        case Schedule.DAILY:
            return Period(day - DAY, day - DAY)
        case Schedule.WEEKLY:
            monday = day - day.weekday() * DAY
            return Period(monday - 7 * DAY, monday - DAY)
        case Schedule.MONTHLY:
            last = day.replace(day=1) - DAY
            return Period(last.replace(day=1), last)


def next_report(schedule: Schedule, after: datetime) -> datetime:
    """Return when the schedule makes its next report, in UTC."""
    day = after.date()
    while True:
        day += DAY
        if closed_by(schedule, day) != closed_by(schedule, day - DAY):
            return datetime.combine(day, REPORTED_AT, UTC)


def months_to(last: date, count: int) -> list[date]:
    """Return the first days of so many months, the last of which has this day."""
    months = [last.replace(day=1)]
    while len(months) < count:
        months.append((months[-1] - DAY).replace(day=1))
    return months[::-1]


def _read_day(value: object, field: str) -> date:
    with suppress(ValueError):
        day = date.fromisoformat(str(value))
        # Python also reads weeks, and days without hyphens.
        if str(day) == value:
            return day
    raise InvalidEventError(field, "expected a UTC day such as 2026-11-01")
