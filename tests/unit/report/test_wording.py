"""Days, durations and periods as people write them."""

from datetime import date, timedelta
from itertools import batched

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

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
    ("number", "said"),
    [
        (0, "0"),
        (999_999, "999,999"),
        (1_000_000, "1.0 M"),
        (41_299_999, "41.2 M"),
        (999_999_999, "999.9 M"),
        (1_250_000_000, "1.2 bn"),
        (10**18, "1,000,000,000.0 bn"),
    ],
    ids=str,
)
def test_a_large_number_is_rounded_down_to_one_digit_more(number: int, said: str) -> None:
    assert wording.number(number) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (3599.9, "59 min"),
        (3600, "1 h"),
        (3660, "1 h 01 min"),
        (47.5 * 3600, "47 h 30 min"),
        (48 * 3600 - 1, "47 h 59 min"),
        (48 * 3600, "2 days"),
        (60 * 3600 - 60, "2 days 11 h"),
        (72 * 3600, "3 days"),
        (timedelta(minutes=90), "1 h 30 min"),
    ],
    ids=str,
)
def test_a_duration_has_the_units_that_matter(seconds: float | timedelta, said: str) -> None:
    assert wording.duration(seconds) == said


@pytest.mark.parametrize(
    ("seconds", "said"), [(30.2, "31 s"), (60.2, "2 min"), (3601, "1 h 01 min")], ids=str
)
def test_a_duration_that_is_over_an_objective_is_rounded_up(seconds: float, said: str) -> None:
    assert wording.duration_over(seconds) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (30, "30 s"),
        (90, "1 min 30 s"),
        (90 * 60, "1 h 30 min"),
        (60 * 3600, "2 days 12 h"),
        (2 * 86400 + 60, "2 days 1 min"),
    ],
    ids=str,
)
def test_an_objective_is_shown_as_it_is(seconds: int, said: str) -> None:
    assert wording.objective(timedelta(seconds=seconds)) == said


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (0, "less than 1 MB"),
        (999_999, "less than 1 MB"),
        (10**6, "1.0 MB"),
        (41_200_000, "41.2 MB"),
        (999_999_999, "999.9 MB"),
        (10**9, "1.0 GB"),
        (10**12, "1.0 TB"),
        (2_500_000_000_000, "2.5 TB"),
    ],
    ids=str,
)
def test_a_size_has_the_unit_that_matters(size: int, said: str) -> None:
    assert wording.size(size) == said


def shown(text: str) -> int:
    """The seconds that a text shows."""
    units = {"day": 86400, "days": 86400, "h": 3600, "min": 60, "s": 1}
    words = text.split()
    return sum(int(number) * units[unit] for number, unit in batched(words, 2, strict=True))


@given(st.integers(1, 10**6), st.floats(0, 10**6))
@example(2 * 86400, 60 * 3600 - 60.0)
def test_what_is_shown_never_contradicts_how_it_is_judged(objective: int, took: float) -> None:
    limit = shown(wording.objective(timedelta(seconds=objective)))

    assert limit == objective
    for seconds in (took, objective, objective + took % 60):
        if seconds > objective:
            assert shown(wording.duration_over(seconds)) > limit
        else:
            assert shown(wording.duration(seconds)) <= limit
