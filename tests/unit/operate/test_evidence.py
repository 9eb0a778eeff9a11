"""The arguments of the evidence, and the period that it is asked for."""

import argparse
from datetime import UTC, datetime, timedelta

import pytest

from operate.errors import ArgumentError
from operate.evidence import Arguments, add_arguments

NOW = datetime(2026, 11, 26, 9, 30, tzinfo=UTC)
PERIOD = ("--from", "2026-11-01", "--to", "2026-11-25")
GROUP = "5f0000000000000000000a01"


def read(*words: str) -> Arguments:
    return read_all(*PERIOD, *words)


def read_all(*words: str) -> Arguments:
    line = argparse.ArgumentParser(allow_abbrev=False, exit_on_error=False)
    add_arguments(line)
    wanted = Arguments(**vars(line.parse_args(words)))
    wanted.check(NOW)
    return wanted


def test_a_period_is_enough_and_everything_can_be_given() -> None:
    few, table = read(), read("--table", "restores")
    words = f"--stack two --project {GROUP} --cluster orders --rto 60 --rpo 0 --out /tmp/audit"
    every = read(*words.split())

    assert (few.stack, few.table) == ("atlas-restore-watch", None)
    assert (few.project, few.cluster, few.rto, few.rpo) == (None, None, None, None)
    assert few.out.name == "evidence"
    assert table.table == "restores"
    assert (every.stack, every.table) == ("two", None)
    assert (every.project, every.cluster, every.rto, every.rpo) == (
        *(GROUP, "orders"),
        *(timedelta(hours=1), timedelta(0)),
    )
    assert str(every.out) == "/tmp/audit"  # noqa: S108 - it is not written


UPPER = GROUP.upper()
MINUTES = "is not a number of minutes; expected one such as 60, or 0 for none"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("--stack -x", "argument --stack: expected one argument"),
        (
            "--stack 1st",
            "argument --stack: '1st' is not the name of a stack, such as atlas-restore-watch",
        ),
        (
            f"--project {UPPER}",
            f"argument --project: '{UPPER}' is not the id of a project, 24 of 0-9 and a-f",
        ),
        (
            f"--project {GROUP} --cluster or_ders",
            "argument --cluster: 'or_ders' is not a cluster's letters, digits and hyphens",
        ),
        ("--cluster orders", "--cluster needs --project: other projects may have one too"),
        ("--rto soon", f"argument --rto: 'soon' {MINUTES}"),
        ("--out /no/such/folder/evidence", "argument --out: there is no folder '/no/such/folder'"),
        ("--pro x", "unrecognized arguments: --pro x"),
    ],
)
def test_says_in_one_line_what_is_wrong(words: str, line: str) -> None:
    with pytest.raises((ArgumentError, argparse.ArgumentError)) as raised:
        read(*words.split())

    assert str(raised.value) == line


# The period


def period_of(since: str, until: str) -> Arguments:
    return read_all(f"--from={since}", f"--to={until}")


@pytest.mark.parametrize(
    ("since", "until", "start", "end"),
    [
        ("2026-11-01", "2026-11-01", "2026-11-01T00:00Z", "2026-11-02T00:00Z"),
        ("2026-11-01", "2026-11-30", "2026-11-01T00:00Z", "2026-12-01T00:00Z"),
        ("2026-11-01T08:00:00Z", "2026-11-01 09:00", "2026-11-01T08:00Z", "2026-11-01T09:00Z"),
        ("2026-11-01T01:00+02:00", "2026-11-01", "2026-10-31T23:00Z", "2026-11-02T00:00Z"),
    ],
    ids=["one-day", "a-month", "moments", "an-offset-of-its-own"],
)
def test_a_day_is_included_to_its_end_and_a_moment_is_not(
    since: str, until: str, start: str, end: str
) -> None:
    period = period_of(since, until)
    first, last = datetime.fromisoformat(start), datetime.fromisoformat(end)

    assert (period.start, period.end) == (first, last)
    instant = timedelta(microseconds=1)
    assert [period.includes(one) for one in (first - instant, first)] == [False, True]
    assert [period.includes(one) for one in (last - instant, last)] == [True, False]


@pytest.mark.parametrize(
    ("since", "until", "problem"),
    [
        ("", "2026-11-01", "argument --from: '' is not a date"),
        ("2026-11-01", "20261130", "argument --to: '20261130' is not a date"),
        ("2026-11-01", "2026-11-01\x1b[31m", r"argument --to: '2026-11-01\\x1b\[31m' is not"),
        ("0001-01-01T00:00+14:00", "2026-11-01", "argument --from: .* is not a date"),
        ("2026-11-02", "2026-11-01", "--to must be later than --from"),
        ("2026-12-01", "2026-12-31", "--from is in the future"),
    ],
)
def test_names_the_argument_that_is_wrong(since: str, until: str, problem: str) -> None:
    with pytest.raises((ArgumentError, argparse.ArgumentError), match=f"^{problem}") as raised:
        period_of(since, until)

    assert "\n" not in str(raised.value)


def test_says_that_restores_of_a_long_time_ago_may_be_missing() -> None:
    old, young = "2025-10-21T09:29:59", "2025-10-22T09:30:01"

    (note,) = period_of(old, "2025-12-31").notes(NOW)

    assert note == (
        "The table keeps a restore for 400 days after its last change: those that began before "
        "2025-10-22 may be missing."
    )
    assert period_of(young, "2025-12-31").notes(NOW) == []


def test_says_that_the_period_has_not_ended() -> None:
    assert period_of("2026-11-01", "2026-11-25").notes(NOW) == []
    assert period_of("2026-11-01", "2026-11-26").notes(NOW) == [
        "The period has not ended: more restores may begin in it."
    ]
