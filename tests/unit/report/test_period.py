"""The event that asks for a report, and the period that it names or that the schedule closes."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restore_watch.errors import InvalidEventError
from restore_watch.report.period import Period, Schedule, closed_by, months_to
from restore_watch.report.report_request import read_request

NOW = datetime(2026, 11, 30, 6, 0, 5, tzinfo=UTC)
"""A Monday."""


@pytest.mark.parametrize(
    ("schedule", "first", "last"),
    [
        (Schedule.DAILY, "2026-11-29", "2026-11-29"),
        (Schedule.WEEKLY, "2026-11-23", "2026-11-29"),
        (Schedule.MONTHLY, "2026-10-01", "2026-10-31"),
    ],
)
def test_without_a_period_the_schedule_closes_one(
    schedule: Schedule, first: str, last: str
) -> None:
    request = read_request({"action": "report"}, schedule, NOW)

    assert request.period == Period(date.fromisoformat(first), date.fromisoformat(last))
    assert request.publishes


def test_a_retry_hours_later_is_about_the_moment_of_the_schedule() -> None:
    event = {"action": "report", "scheduledTime": "2026-11-30T06:00:00Z"}

    late = read_request(event, Schedule.DAILY, NOW + timedelta(days=1))

    assert late.asked_at == NOW.replace(second=0)
    assert late.period.last == date(2026, 11, 29)


def test_a_named_period_includes_both_days_and_publishes_nothing() -> None:
    event = {"action": "report", "from": "2026-10-01", "to": "2026-10-31"}

    period, _, publishes, is_dated = read_request(event, Schedule.WEEKLY, NOW)

    assert not publishes
    assert not is_dated
    assert period.is_whole_month
    assert period.includes(datetime(2026, 10, 31, 23, 59, 59, tzinfo=UTC))
    assert not period.includes(datetime(2026, 11, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("event", "field"),
    [
        (["report"], "event"),
        ({"action": "sweep"}, "action"),
        ({"action": "report", "form": "2026-10-01"}, "form"),
        ({"action": "report", "from": "2026-10-01"}, "to"),
        ({"action": "report", "to": "2026-10-01"}, "from"),
        ({"action": "report", "from": "2026-W40-1", "to": "2026-10-01"}, "from"),
        ({"action": "report", "from": "20261001", "to": "2026-10-01"}, "from"),
        ({"action": "report", "from": 20261001, "to": "2026-10-01"}, "from"),
        ({"action": "report", "from": "2026-02-30", "to": "2026-10-01"}, "from"),
        ({"action": "report", "from": "2026-10-02", "to": "2026-10-01"}, "to"),
        ({"action": "report", "from": "2026-12-01", "to": "2026-12-01"}, "from"),
        ({"action": "report", "from": "2025-10-01", "to": "2026-11-05"}, "to"),
        ({"action": "report", "scheduledTime": "06:00"}, "scheduledTime"),
        ({"action": "report", "scheduledTime": "2026-11-30T06:00:00"}, "scheduledTime"),
        ({"action": "report", "scheduledTime": None}, "scheduledTime"),
        ({"action": "report", "scheduledTime": "0001-01-01T00:00:00Z"}, "scheduledTime"),
        ({"action": "report", "scheduledTime": "2026-11-30T07:00:00Z"}, "scheduledTime"),
        ({"action": "report", "from": "0001-01-01", "to": "0001-01-02"}, "from"),
        (
            {
                "action": "report",
                "from": "2026-11-01",
                "to": "2026-11-02",
                "scheduledTime": "2026-01-05T00:00:00Z",
            },
            "from",
        ),
    ],
)
def test_what_is_wrong_is_named(event: Any, field: str) -> None:
    with pytest.raises(InvalidEventError) as raised:
        read_request(event, Schedule.WEEKLY, NOW)

    assert raised.value.field == field


def test_400_days_are_a_period() -> None:
    event = {"action": "report", "from": "2025-10-01", "to": "2026-11-04"}

    assert read_request(event, Schedule.WEEKLY, NOW).period.first == date(2025, 10, 1)


@given(st.sampled_from(Schedule), st.dates(date(1971, 1, 1), date(2100, 1, 1)))
def test_the_periods_of_a_schedule_leave_no_day_out(schedule: Schedule, day: date) -> None:
    closed = closed_by(schedule, day)
    after = closed_by(schedule, day + timedelta(days=1))

    assert closed.last < day
    assert after == closed or after.first == closed.last + timedelta(days=1)


@given(st.dates(date(1971, 1, 1), date(2100, 1, 1)))
def test_thirteen_months_end_with_the_month_of_the_day(day: date) -> None:
    months = months_to(day, 13)

    assert months[-1] == day.replace(day=1)
    assert months[0] == day.replace(year=day.year - 1, day=1)
    assert len(set(months)) == len(months) == 13
