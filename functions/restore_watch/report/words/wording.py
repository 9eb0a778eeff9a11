"""How a report writes days, durations and numbers. Pure."""

import math
from datetime import date, timedelta

from restore_watch.report.period import DAY, Period
from restore_watch.report.why_unread import WhyUnread

_MINUTE, _HOUR, _DAY = 60, 60 * 60, 24 * 60 * 60
_TWO_DAYS = 2 * _DAY


def day(of: date) -> str:
    """Return a day, or that of a moment, as people write it."""
    return f"{of.day} {of:%b} {of.year}"


def duration(of: float | timedelta) -> str:
    """Return a duration, which may be in seconds, in the two units that matter, rounded down."""
    seconds = math.floor(_seconds(of))
    if seconds < _MINUTE:
        return _in_units(seconds)
    unit = _HOUR if seconds >= _TWO_DAYS else _MINUTE
    return _in_units(seconds // unit * unit)


def duration_over(of: float | timedelta) -> str:
    """Return a duration that is over an objective, rounded up: what is shown is longer too."""
    seconds = math.ceil(_seconds(of))
    if seconds < _MINUTE:
        return _in_units(seconds)
    return _in_units(math.ceil(seconds / _MINUTE) * _MINUTE)


def objective(of: timedelta) -> str:
    """Return an objective as it is, to the second."""
    return _in_units(round(_seconds(of)))


def _seconds(of: float | timedelta) -> float:
    return of.total_seconds() if isinstance(of, timedelta) else of


def _in_units(seconds: int) -> str:
    """Return these seconds in every unit that they need. Up to two days, hours are the largest."""
    days, rest = divmod(seconds, _DAY) if seconds >= _TWO_DAYS else (0, seconds)
    hours, rest = divmod(rest, _HOUR)
    minutes, rest = divmod(rest, _MINUTE)
    said: list[str] = []
    if days:
        said.append(count(days, "day"))
    if hours:
        said.append(f"{hours} h")
    if minutes:
        said.append(f"{minutes:02} min" if hours else f"{minutes} min")
    if rest or not said:
        said.append(f"{rest} s")
    return " ".join(said)


def size(of: int) -> str:
    """Return a number of bytes, in the unit that matters, rounded down."""
    for unit, bytes_of in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6)):
        if of >= bytes_of:
            return f"{_with_tenths(of, bytes_of)} {unit}"
    return "less than 1 MB"


def number(of: int) -> str:
    """Return a number as people read it: from a million on with one digit more, rounded down."""
    for unit, size_of in (("bn", 10**9), ("M", 10**6)):
        if of >= size_of:
            return f"{_with_tenths(of, size_of)} {unit}"
    return f"{of:,}"


def _with_tenths(of: int, unit: int) -> str:
    tenths = of * 10 // unit
    return f"{tenths // 10:,}.{tenths % 10}"


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
