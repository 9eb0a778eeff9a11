"""The restores of a table, whose items come in any order."""

from datetime import date, timedelta
from typing import Any

import pytest

from restore_watch.model.restore_job import RestoreJob
from restore_watch.model.restore_status import RestoreStatus
from restore_watch.report.period import Period
from restore_watch.report.restores.stored_restores import read_evidence, read_stored_restores
from strategies import plain_job
from unit.report.stored import NOON, item_of

DAY = timedelta(days=1)
TODAY = Period(date(2026, 5, 4), date(2026, 5, 4))
LEASE = {"cluster": {"S": "sweeps"}, "restoreId": {"S": "lease"}}


def restore_id(number: int) -> str:
    return f"69f88a40000000000000000{number}"


def job(number: int, days_ago: int = 0, **fields: Any) -> RestoreJob:
    began = NOON - days_ago * DAY
    return plain_job(restore_id=restore_id(number), restore_scheduled_date=began, **fields)


def unreadable(number: int) -> dict[str, Any]:
    return item_of(job(number)) | {"history": {"L": []}}


def test_a_table_has_restores_and_items_that_are_none_or_cannot_be_read() -> None:
    items = [
        LEASE,
        unreadable(5),
        unreadable(4),
        item_of(job(3), observed_at=NOON),
        item_of(job(2, days_ago=9), observed_at=NOON - 9 * DAY),
        item_of(job(1), observed_at=NOON),
    ]

    stored = read_stored_restores(items, TODAY, NOON + DAY)

    assert [one.job.restore_id for one in stored.restores] == [restore_id(n) for n in (3, 2, 1)]
    assert [one.restore.job.restore_id for one in stored.of_period] == [
        restore_id(1),
        restore_id(3),
    ]
    assert [one.now for one in stored.of_period] == [NOON + DAY] * 2
    assert stored.unreadable == [
        {"cluster": items[1]["cluster"]["S"], "restoreId": restore_id(n)} for n in (4, 5)
    ]
    assert stored.watched_since == NOON - 9 * DAY


MINUTE = timedelta(minutes=1)
BEGAN = NOON - DAY
RUNNING = job(1, days_ago=1, status=RestoreStatus.RUNNING)
FAILED = job(1, days_ago=1, status=RestoreStatus.FAILED)
READY = job(1, days_ago=1, status=RestoreStatus.COMPLETED, delivery_type="DOWNLOAD")


@pytest.mark.parametrize(
    ("states", "ended_at"),
    [
        ((RUNNING,), NOON),
        ((RUNNING, FAILED), NOON),
        ((FAILED,), BEGAN),
        ((READY,), NOON),
    ],
    ids=["open", "seen to end", "over when first seen", "a ready download"],
)
def test_a_restore_without_the_date_of_its_end_ended_when_it_was_seen_or_long_ago(
    states: tuple[RestoreJob, ...], ended_at: object
) -> None:
    assert read_evidence(item_of(*states), NOON).restore.end_if_undated == ended_at


@pytest.mark.parametrize("is_followed", [True, False])
def test_an_end_will_be_seen_of_a_restore_that_the_watch_follows(*, is_followed: bool) -> None:
    item = item_of(RUNNING) | ({"openShard": {"S": "1"}} if is_followed else {})

    assert read_evidence(item, NOON).restore.will_show_its_end is is_followed
