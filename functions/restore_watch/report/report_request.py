"""The event that asks for a report, or for a month to be kept. Pure."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import date, datetime
from typing import Any, NamedTuple

from foundation.clock import CLOCKS_APART
from restore_watch.errors import InvalidEventError
from restore_watch.event.actions import read_moment, refuse_others
from restore_watch.report.period import LONGEST, Period, Schedule, closed_by

REPORT = "report"
KEEP_MONTH = "keep-month"
"""The actions of the report's function."""


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


def _read_day(value: object, field: str) -> date:
    with suppress(ValueError):
        day = date.fromisoformat(str(value))
        # Python also reads weeks, and days without hyphens.
        if str(day) == value:
            return day
    raise InvalidEventError(field, "expected a UTC day such as 2026-11-01")
