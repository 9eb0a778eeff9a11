"""restores.csv: its order, its cells, and what a line says of the messages and verdicts."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest

from restore_watch.model.objectives import Objectives
from restore_watch.report.files.restores_csv import line_of_restore, restores_csv
from restore_watch.report.period import DAY, Period
from restore_watch.report.restores.stored_restores import read_stored_restores
from strategies import plain_job
from unit.report.stored import NOON, item_of, verdict_on

PERIOD = Period(NOON.date() - DAY, NOON.date())


def file_of(*items: dict[str, Any]) -> str:
    stored = read_stored_restores(items, PERIOD, NOON)
    return restores_csv(
        line_of_restore(each, each.facts(Objectives())) for each in stored.of_period
    )


def rows(*items: dict[str, Any]) -> list[dict[str, str]]:
    text = file_of(*items)
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def test_restores_are_in_the_order_in_which_they_began() -> None:
    items = [
        item_of(plain_job(restore_scheduled_date=NOON + timedelta(hours=hour), cluster_name=name))
        for hour, name in ((2, "c"), (1, "b"), (1, "a"), (-9, "d"))
    ]
    for one in (items, items[::-1]):
        assert [row["clusterName"] for row in rows(*one)] == ["d", "a", "b", "c"]


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "' =1"),
        ("\r\n=1", "'  =1"),
        ("  =1", "'  =1"),
        ('"=1', "'\"=1"),
        ("\uff1d1", "'\uff1d1"),
        ("a;=1", "a;'=1"),
        ("a; =1;-2", "a;' =1;'-2"),
        ("a-b", "a-b"),
        ('Zürich, "übersicht"', 'Zürich, "übersicht"'),
        ("two\nlines\x00\x1b[31m", "two lines\ufffd\ufffd[31m"),
    ],
)
def test_no_cell_is_a_formula_or_has_a_second_line(text: str, cell: str) -> None:
    item = item_of(plain_job(restore_scheduled_date=NOON, delivery_type=text))

    (row,) = rows(item)
    assert row["deliveryType"] == cell
    assert len(file_of(item).splitlines()) == 2


def test_a_line_says_how_many_changes_were_published() -> None:
    running = plain_job(restore_scheduled_date=NOON)
    done = running.model_copy(update={"restore_finished_date": NOON})

    (row,) = rows(item_of(running, done))
    assert (row["changes"], row["published"]) == ("2", "1")


NOON_EXACTLY = "2026-05-04T12:00:00.000000Z"


@pytest.mark.parametrize(
    ("first", "second", "last", "cell"),
    [
        ("11:00:00Z", "10:00:00Z", "FAILED", "2026-05-04T11:00:00Z"),
        ("10:00:00Z", "11:00:00Z", "PASSED", "2026-05-04T11:00:00Z"),
        ("11:00:00.5Z", "11:00:00Z", "FAILED", "2026-05-04T11:00:00.500000Z"),
        ("11:00:00Z", "11:00:00Z", "PASSED", "2026-05-04T11:00:00Z"),
        ("12:00:01Z", None, "FAILED", "2026-05-04T12:00:01Z"),
        ("11:59:59Z", None, "PASSED", NOON_EXACTLY),
    ],
)
def test_a_line_has_the_verdict_of_the_last_test_and_when_that_was(
    first: str, second: str | None, last: str, cell: str
) -> None:
    """A verdict may be delivered late. One without a moment was found when it was recorded."""
    job = plain_job(status="COMPLETED", restore_scheduled_date=NOON)
    item = item_of(job)
    for word, moment in (("FAILED", first), ("PASSED", second)):
        tested = moment and f"2026-05-04T{moment}"
        said = {"validatedBy": "=drill", "validatedAt": tested}
        item["history"]["L"].append(verdict_on(job, word, **said))

    (row,) = rows(item)
    assert (row["verdict"], row["validatedBy"]) == (last, "'=drill")
    assert row["validatedAt"] == cell
    assert row["changes"] == "1"
