"""The period of a report, in whole days, and when the schedule makes a report. Pure."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from foundation.retention import RETENTION

LONGEST = RETENTION
"""The longest period: the table keeps a restore for this long after its last change."""

DAY = timedelta(days=1)

LONG_AGO = datetime.min.replace(tzinfo=UTC)
"""Before any moment."""

REPORTED_AT = time(6)
"""The time of day, in UTC, at which the template's schedule fires."""


class Schedule(StrEnum):
    """How often a report is made."""

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
    def report_prefix(self) -> str:
        """Where the files of its report lie."""
        return f"reports/{self.last}/"

    @property
    def month_prefix(self) -> str:
        """Where the files of its first day's month are kept."""
        return f"months/{self.first:%Y-%m}/"

    @property
    def is_whole_month(self) -> bool:
        """Whether it is one month of the calendar."""
        begins_with_month = self.first == self.last.replace(day=1)
        ends_with_month = (self.last + DAY).day == 1
        return begins_with_month and ends_with_month

    def known_until(self, asked_at: datetime) -> datetime:
        """Return the moment for which a report of it holds: its end, or an earlier question."""
        return min(self.end, asked_at)

    def includes(self, moment: datetime) -> bool:
        """Whether the moment, in UTC, is in the period."""
        return self.first <= moment.date() <= self.last


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
    """Return when the schedule makes its next report after this moment, in UTC."""
    day = after.date()
    while True:
        next_at = datetime.combine(day, REPORTED_AT, UTC)
        closes_period = closed_by(schedule, day) != closed_by(schedule, day - DAY)
        if closes_period and next_at > after:
            return next_at
        day += DAY


def first_days_of_months(until: date, count: int) -> list[date]:
    """Return the first days of so many months, the last of which has the day `until`."""
    newest_first = [until.replace(day=1)]
    while len(newest_first) < count:
        last_of_month_before = newest_first[-1] - DAY
        newest_first.append(last_of_month_before.replace(day=1))
    return newest_first[::-1]
