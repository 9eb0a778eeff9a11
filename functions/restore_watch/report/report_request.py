"""The event that asks for a report, or for a month to be kept. Pure."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import date, datetime
from typing import Any, NamedTuple

from foundation.clock import CLOCKS_APART
from restore_watch.errors import InvalidEventError
from restore_watch.event.event_fields import refuse_others
from restore_watch.event.moments import read_moment
from restore_watch.report.period import LONGEST, Period, Schedule, closed_by

REPORT = "report"
KEEP_MONTH = "keep-month"
"""The actions of the report's function."""


class ReportRequest(NamedTuple):
    """
    The period to report, and when the report was asked for, in UTC.

    It `publishes` a message if the event names no period. It `is_dated` if the event says when it
    was asked for: then a repetition is the same report. It `keeps_month` if the period is a month
    that is over.
    """

    period: Period
    asked_at: datetime
    publishes: bool
    is_dated: bool
    keeps_month: bool


class KeepMonth(NamedTuple):
    """Keep the last whole `month`, unless that was done. `asked_at` is in UTC."""

    month: Period
    asked_at: datetime


def read_event(event: object, schedule: Schedule, now: datetime) -> ReportRequest | KeepMonth:
    """
    Read `{"action": "report", "from"?, "to"?, "scheduledTime"?}`, or the event of a month.

    The event of a month is `{"action": "keep-month", "scheduledTime"?}`. A report without a period
    is of the period that the schedule closes. Raises InvalidEventError, naming the field and what
    was expected.
    """
    if not isinstance(event, dict):
        raise InvalidEventError("event", "expected a JSON object")
    action = event.get("action")
    if action == REPORT:
        return _read_report(event, schedule, now)
    if action == KEEP_MONTH:
        return _read_keep_month(event, now)
    raise InvalidEventError("action", f'expected "{REPORT}" or "{KEEP_MONTH}"')


def _read_report(event: Mapping[str, Any], schedule: Schedule, now: datetime) -> ReportRequest:
    refuse_others(event, REPORT, {"from", "to", "scheduledTime"})
    asked_at = _asked_at(event, now)
    publishes = "from" not in event and "to" not in event
    period = closed_by(schedule, asked_at.date()) if publishes else _read_period(event, asked_at)
    is_over = period.end <= _come_by_both_clocks(asked_at, now)
    return ReportRequest(
        period=period,
        asked_at=asked_at,
        publishes=publishes,
        is_dated="scheduledTime" in event,
        keeps_month=period.is_whole_month and is_over,
    )


def _read_keep_month(event: Mapping[str, Any], now: datetime) -> KeepMonth:
    refuse_others(event, KEEP_MONTH, {"scheduledTime"})
    asked_at = _asked_at(event, now)
    today = _come_by_both_clocks(asked_at, now).date()
    return KeepMonth(closed_by(Schedule.MONTHLY, today), asked_at)


def _come_by_both_clocks(asked_at: datetime, now: datetime) -> datetime:
    """
    Return the moment that has come by the clock of the sender and by that of the function.

    A kept month is never replaced: a clock that is ahead must not close it before it is over.
    """
    return min(asked_at, now)


def _read_period(event: Mapping[str, Any], asked_at: datetime) -> Period:
    first = _read_day(event.get("from"), "from")
    last = _read_day(event.get("to"), "to")
    if first > last:
        raise InvalidEventError("to", "expected no day before `from`")
    if first > asked_at.date():
        raise InvalidEventError("from", "expected a day that has begun")
    if first.year < 2000:
        raise InvalidEventError("from", "expected no day before 2000")
    if last - first >= LONGEST:
        raise InvalidEventError("to", f"expected a period of at most {LONGEST.days} days")
    return Period(first, last)


def _asked_at(event: Mapping[str, Any], now: datetime) -> datetime:
    if "scheduledTime" not in event:
        return now
    asked_at = read_moment(event["scheduledTime"], "scheduledTime")
    if asked_at > now + CLOCKS_APART:
        raise InvalidEventError("scheduledTime", "expected a moment that has come")
    if asked_at <= now - LONGEST:
        expected = f"expected a moment less than {LONGEST.days} days ago"
        raise InvalidEventError("scheduledTime", expected)
    return asked_at


def _read_day(value: object, field: str) -> date:
    with suppress(ValueError):
        day = date.fromisoformat(str(value))
        # Python also reads weeks, and days without hyphens.
        if str(day) == value:
            return day
    raise InvalidEventError(field, "expected a UTC day such as 2026-11-01")
