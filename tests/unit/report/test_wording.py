"""Days, durations and periods as people write them."""

from datetime import date, timedelta

import pytest

from restore_watch.report.period import Period
from restore_watch.report.words import wording


@pytest.mark.parametrize(
    ("first", "last", "name"),
    [
        ("2026-11-23", "2026-11-29", "week to 29 Nov 2026"),
        ("2026-11-01", "2026-11-30", "November 2026"),
        ("2026-11-30", "2026-11-30", "30 Nov 2026"),
        ("2026-11-24", "2026-11-30", "24 Nov 2026 to 30 Nov 2026"),
    ],
)
def test_a_period_has_the_name_that_people_give_it(first: str, last: str, name: str) -> None:
    period = Period(date.fromisoformat(first), date.fromisoformat(last))

    assert wording.period_name(period) == name


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (3569, "59 min"),
        (3571, "1 h"),
        (3660, "1 h 01 min"),
        (47.5 * 3600, "47 h 30 min"),
        (72 * 3600, "3 days"),
        (timedelta(minutes=90), "1 h 30 min"),
    ],
    ids=str,
)
def test_a_duration_has_the_units_that_matter(seconds: float | timedelta, said: str) -> None:
    assert wording.duration(seconds) == said
