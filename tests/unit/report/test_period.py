"""The event that asks for a report, and the period that it names or that the schedule closes."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.clock import CLOCKS_APART
from restore_watch.errors import InvalidEventError
from restore_watch.report.period import (
    LONGEST,
    Period,
    Schedule,
    closed_by,
    first_days_of_months,
    next_report,
)
from restore_watch.report.report_request import KeepMonth, ReportRequest, read_event

NOW = datetime(2026, 11, 30, 6, 0, 5, tzinfo=UTC)
"""A Monday."""


def read_report(event: object, schedule: Schedule, now: datetime = NOW) -> ReportRequest:
    request = read_event(event, schedule, now)
    assert isinstance(request, ReportRequest)
    return request


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
    request = read_report({"action": "report"}, schedule)

    assert request.period == Period(date.fromisoformat(first), date.fromisoformat(last))
    assert request.publishes


def test_a_retry_hours_later_is_about_the_moment_of_the_schedule() -> None:
    event = {"action": "report", "scheduledTime": "2026-11-30T06:00:00Z"}

    late = read_report(event, Schedule.DAILY, NOW + timedelta(days=1))

    assert late.asked_at == NOW.replace(second=0)
    assert late.period.last == date(2026, 11, 29)


def test_a_named_period_includes_both_days_and_publishes_nothing() -> None:
    event = {"action": "report", "from": "2026-10-01", "to": "2026-10-31"}

    request = read_report(event, Schedule.WEEKLY)
    period = request.period

    assert not request.publishes
    assert not request.is_dated
    assert period.is_whole_month
    assert period.includes(datetime(2026, 10, 31, 23, 59, 59, tzinfo=UTC))
    assert not period.includes(datetime(2026, 11, 1, tzinfo=UTC))


def named(first: str, last: str, **more: str) -> dict[str, str]:
    return {"action": "report", "from": first, "to": last, **more}


def test_a_period_begins_with_the_first_moment_of_its_first_day() -> None:
    october = Period(date(2026, 10, 1), date(2026, 10, 31))

    assert october.includes(datetime(2026, 10, 1, tzinfo=UTC))
    assert not october.includes(datetime(2026, 9, 30, 23, 59, 59, tzinfo=UTC))
    assert october.begin == datetime(2026, 10, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "event",
    [
        named("2026-11-30", "2026-11-30"),
        named("2026-11-30", "2026-12-05"),
        named("2000-01-01", "2000-01-01"),
    ],
    ids=["today", "days to come", "the first day of 2000"],
)
def test_a_period_that_is_just_possible_is_reported(event: dict[str, str]) -> None:
    request = read_report(event, Schedule.WEEKLY)

    assert str(request.period.first) == event["from"]
    assert (request.asked_at, request.publishes) == (NOW, False)


@pytest.mark.parametrize(
    "after",
    [CLOCKS_APART, timedelta(seconds=1) - LONGEST],
    ids=["just ahead", "just within what is kept"],
)
def test_a_schedule_fires_at_a_moment_of_the_table_that_has_come(after: timedelta) -> None:
    event = {"action": "report", "scheduledTime": (NOW + after).isoformat()}

    request = read_report(event, Schedule.DAILY)

    assert (request.asked_at, request.publishes, request.is_dated) == (NOW + after, True, True)


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (CLOCKS_APART + timedelta(seconds=1), "a moment that has come"),
        (-LONGEST, "a moment less than 400 days ago"),
    ],
    ids=["too far ahead", "400 days ago"],
)
def test_a_moment_of_no_schedule_is_refused(after: timedelta, expected: str) -> None:
    event = {"action": "report", "scheduledTime": (NOW + after).isoformat()}

    with pytest.raises(InvalidEventError, match=f"^scheduledTime: expected {expected}$"):
        read_event(event, Schedule.DAILY, NOW)


@pytest.mark.parametrize(
    ("now", "is_over"),
    [
        (datetime(2026, 11, 30, 23, 59, 30, tzinfo=UTC), False),
        (datetime(2026, 12, 1, tzinfo=UTC), True),
    ],
    ids=["by the clock of the sender alone", "by both clocks"],
)
def test_a_month_is_kept_once_it_is_over_by_the_clock_of_the_function(
    now: datetime, *, is_over: bool
) -> None:
    november = named("2026-11-01", "2026-11-30", scheduledTime="2026-12-01T00:00:00Z")

    assert read_report(november, Schedule.WEEKLY, now).keeps_month == is_over


@pytest.mark.parametrize(
    ("now", "month"),
    [
        (datetime(2026, 11, 30, 23, 59, 30, tzinfo=UTC), date(2026, 10, 1)),
        (datetime(2026, 12, 1, tzinfo=UTC), date(2026, 11, 1)),
    ],
    ids=["by the clock of the sender alone", "by both clocks"],
)
def test_the_month_to_keep_is_the_last_that_is_over_by_both_clocks(
    now: datetime, month: date
) -> None:
    event = {"action": "keep-month", "scheduledTime": "2026-12-01T00:00:00Z"}

    request = read_event(event, Schedule.WEEKLY, now)

    assert isinstance(request, KeepMonth)
    assert request.month.first == month
    assert request.month.is_whole_month
    assert request.asked_at == datetime(2026, 12, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("first", "last", "scheduled_time"),
    [
        ("2026-10-01", "2026-10-30", "2026-11-30T06:00:00Z"),
        ("2026-11-01", "2026-11-30", "2026-11-30T06:00:00Z"),
    ],
    ids=["no whole month", "not over when the schedule fired"],
)
def test_another_period_is_not_kept(first: str, last: str, scheduled_time: str) -> None:
    event = named(first, last, scheduledTime=scheduled_time)

    assert not read_report(event, Schedule.WEEKLY).keeps_month


@pytest.mark.parametrize(
    ("schedule", "after", "expected"),
    [
        (Schedule.DAILY, "2026-11-30T03:00", "2026-11-30T06:00"),
        (Schedule.WEEKLY, "2026-11-30T03:00", "2026-11-30T06:00"),
        (Schedule.MONTHLY, "2026-12-01T03:00", "2026-12-01T06:00"),
        (Schedule.DAILY, "2026-11-30T06:00", "2026-12-01T06:00"),
        (Schedule.WEEKLY, "2026-11-30T06:00", "2026-12-07T06:00"),
        (Schedule.WEEKLY, "2026-11-30T06:15", "2026-12-07T06:00"),
        (Schedule.MONTHLY, "2026-12-01T06:00", "2027-01-01T06:00"),
        (Schedule.WEEKLY, "2026-12-01T03:00", "2026-12-07T06:00"),
    ],
)
def test_the_next_report_is_never_the_report_of_the_schedule_itself(
    schedule: Schedule, after: str, expected: str
) -> None:
    asked_at, next_at = (datetime.fromisoformat(f"{each}Z") for each in (after, expected))

    assert next_report(schedule, asked_at) == next_at


@pytest.mark.parametrize("moment", ["2026-11-29T23:30:00Z", "2026-11-30T04:30:00+05:00"])
def test_a_day_is_one_of_utc_wherever_the_function_runs(moment: str) -> None:
    request = read_report({"action": "report", "scheduledTime": moment}, Schedule.DAILY)

    assert request.period.last == date(2026, 11, 28)


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (None, "event: expected a JSON object"),
        ({"action": "sweep"}, 'action: expected "report" or "keep-month"'),
        (named("2026-10-02", "2026-10-01"), "to: expected no day before `from`"),
        (named("2026-12-01", "2026-12-01"), "from: expected a day that has begun"),
        (named("1999-12-31", "1999-12-31"), "from: expected no day before 2000"),
        (named("2026-1-1", "2026-10-01"), "from: expected a UTC day such as 2026-11-01"),
        (named("2025-10-01", "2026-11-05"), "to: expected a period of at most 400 days"),
        (
            {"action": "report", "form": "2026-10-01"},
            'form: not accepted beside the action "report"',
        ),
        (
            {"action": "keep-month", "from": "2026-10-01"},
            'from: not accepted beside the action "keep-month"',
        ),
    ],
    ids=[
        *("no object", "another action", "backwards", "to come", "of long ago", "another form"),
        *("401 days", "a mistyped name", "a month with a period"),
    ],
)
def test_an_error_says_what_was_expected(event: object, said: str) -> None:
    with pytest.raises(InvalidEventError) as raised:
        read_event(event, Schedule.WEEKLY, NOW)

    assert str(raised.value) == said


@pytest.mark.parametrize(
    ("event", "field"),
    [
        (["report"], "event"),
        ({"action": "sweep"}, "action"),
        ({"action": "report", "form": "2026-10-01"}, "form"),
        ({"action": "keep-month", "from": "2026-10-01"}, "from"),
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
    ids=[
        "a list",
        "another action",
        "a mistyped name",
        "a month with a period",
        "without its end",
        "without its beginning",
        "a week",
        "without hyphens",
        "a number",
        "30 February",
        "backwards",
        "to come",
        "401 days",
        "a time of day",
        "without a zone",
        "null",
        "the year 1",
        "an hour ahead",
        "from the year 1",
        "after the moment of the schedule",
    ],
)
def test_what_is_wrong_is_named(event: Any, field: str) -> None:
    with pytest.raises(InvalidEventError) as raised:
        read_event(event, Schedule.WEEKLY, NOW)

    assert raised.value.field == field


def test_400_days_are_a_period() -> None:
    event = {"action": "report", "from": "2025-10-01", "to": "2026-11-04"}

    assert read_report(event, Schedule.WEEKLY).period.first == date(2025, 10, 1)


@given(st.sampled_from(Schedule), st.dates(date(1971, 1, 1), date(2100, 1, 1)))
def test_the_periods_of_a_schedule_leave_no_day_out(schedule: Schedule, day: date) -> None:
    closed = closed_by(schedule, day)
    after = closed_by(schedule, day + timedelta(days=1))

    assert closed.last < day
    assert after == closed or after.first == closed.last + timedelta(days=1)


@pytest.mark.parametrize(
    ("first", "last", "is_whole"),
    [
        ("2026-02-01", "2026-02-28", True),
        ("2026-12-01", "2026-12-31", True),
        ("2026-10-02", "2026-10-31", False),
        ("2026-10-01", "2026-10-30", False),
        ("2026-10-01", "2026-11-30", False),
        ("2025-10-01", "2026-10-31", False),
    ],
)
def test_a_whole_month_is_one_month_of_the_calendar(
    first: str, last: str, *, is_whole: bool
) -> None:
    period = Period(date.fromisoformat(first), date.fromisoformat(last))

    assert period.is_whole_month is is_whole


@given(st.dates(date(1971, 1, 1), date(2100, 1, 1)))
def test_thirteen_months_end_with_the_month_of_the_day(day: date) -> None:
    months = first_days_of_months(day, 13)

    assert months[-1] == day.replace(day=1)
    assert months[0] == day.replace(year=day.year - 1, day=1)
    assert len(set(months)) == len(months) == 13
