"""How a report writes days, durations and numbers. Pure."""

from datetime import date, timedelta

from restore_watch.report.period import DAY, Period
from restore_watch.report.why_unread import WhyUnread


def day(of: date) -> str:
    """Return a day, or that of a moment, as people write it."""
    return f"{of.day} {of:%b} {of.year}"


def duration(of: float | timedelta) -> str:
    """Return a duration, which may be in seconds, in the two units that matter."""
    seconds = of.total_seconds() if isinstance(of, timedelta) else of
    minutes = round(seconds / 60)
    if seconds < 60:
        return f"{round(seconds)} s"
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        hours, rest = divmod(minutes, 60)
        return f"{hours} h {rest:02} min" if rest else f"{hours} h"
    return f"{round(minutes / 60 / 24)} days"


def size(of: int) -> str:
    """Return a number of bytes, in the unit that matters."""
    for unit, bytes_of in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6)):
        if of >= bytes_of:
            return f"{of / bytes_of:.1f} {unit}"
    return "less than 1 MB"


def count(number: int, noun: str) -> str:
    """Return a number of things, whose plural takes an s."""
    return f"1 {noun}" if number == 1 else f"{number} {noun}s"


def reason(unread: WhyUnread) -> str:
    """Return why something could not be read, and since when."""
    problem = unread.problem.rstrip(".")
    return f"{problem}, since {day(unread.since)}" if unread.since else problem


def period_name(period: Period) -> str:
    """Return the period as a heading names it."""
    if period.is_whole_month:
        return f"{period.first:%B %Y}"
    if period.first == period.last:
        return day(period.last)
    if period.last - period.first == 6 * DAY and period.first.weekday() == 0:
        return f"week to {day(period.last)}"
    return f"{day(period.first)} to {day(period.last)}"
