"""The period that evidence is asked for."""

from datetime import UTC, datetime, timedelta

import pytest

from operate.errors import ArgumentError
from operate.evidence_arguments import read_period

NOW = datetime(2026, 11, 26, 9, 30, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("since", "until", "start", "end"),
    [
        ("2026-11-01", "2026-11-01", "2026-11-01T00:00Z", "2026-11-02T00:00Z"),
        ("2026-11-01", "2026-11-30", "2026-11-01T00:00Z", "2026-12-01T00:00Z"),
        ("2026-11-01T08:00:00Z", "2026-11-01T09:00Z", "2026-11-01T08:00Z", "2026-11-01T09:00Z"),
        (
            "2026-11-01 08:00",
            "2026-11-01T08:00:00.5",
            "2026-11-01T08:00Z",
            "2026-11-01T08:00:00.5Z",
        ),
        ("2026-11-01T01:00+02:00", "2026-11-01", "2026-10-31T23:00Z", "2026-11-02T00:00Z"),
    ],
    ids=["one-day", "a-month", "moments", "without-an-offset", "an-offset-of-its-own"],
)
def test_a_day_is_included_to_its_end_and_a_moment_is_not(
    since: str, until: str, start: str, end: str
) -> None:
    period = read_period(since, until, NOW)
    first, last = datetime.fromisoformat(start), datetime.fromisoformat(end)

    assert (period.start, period.end) == (first, last)
    assert first in period
    assert last - timedelta(microseconds=1) in period
    assert first - timedelta(microseconds=1) not in period
    assert last not in period


@pytest.mark.parametrize(
    ("since", "until", "name", "problem"),
    [
        (None, "2026-11-01", "FROM", "is missing"),
        ("", "2026-11-01", "FROM", "is missing"),
        ("2026-11-01", None, "TO", "is missing"),
        ("yesterday", "2026-11-01", "FROM", "'yesterday' is not a date"),
        ("2026-02-30", "2026-11-01", "FROM", "'2026-02-30' is not a date"),
        ("2026-11-01", "20261130", "TO", "'20261130' is not a date"),
        ("2026-W45", "2026-11-01", "FROM", "is not a date"),
        ("2026-11-01", "2026-11-01\x1b[31m", "TO", r"'2026-11-01\\x1b\[31m' is not a date"),
        ("0001-01-01T00:00+14:00", "2026-11-01", "FROM", "is not a date"),
        ("2026-11-02", "2026-11-01", "TO", "must be later than FROM"),
        ("2026-11-01T08:00", "2026-11-01T08:00", "TO", "must be later than FROM"),
        ("2026-12-01", "2026-12-31", "FROM", "2026-12-01 is in the future"),
        ("2026-11-01", "9999-12-31", "TO", "9999-12-31 is too late"),
    ],
)
def test_names_the_argument_that_is_wrong(
    since: str | None, until: str | None, name: str, problem: str
) -> None:
    with pytest.raises(
        ArgumentError, match=rf"^{name} \(--{name.lower()}\): .*{problem}"
    ) as raised:
        read_period(since, until, NOW)

    assert "\n" not in str(raised.value)


def test_says_that_restores_of_a_long_time_ago_may_be_missing() -> None:
    old, young = "2025-10-21T09:29:59", "2025-10-22T09:30:01"

    (note,) = read_period(old, "2025-12-31", NOW).notes(NOW)

    assert note == (
        "The table keeps a restore for 400 days after its last change: those that began before "
        "2025-10-22 may be missing."
    )
    assert read_period(young, "2025-12-31", NOW).notes(NOW) == []


def test_says_that_the_period_has_not_ended() -> None:
    assert read_period("2026-11-01", "2026-11-25", NOW).notes(NOW) == []
    assert read_period("2026-11-01", "2026-11-26", NOW).notes(NOW) == [
        "The period has not ended: more restores may begin in it."
    ]
