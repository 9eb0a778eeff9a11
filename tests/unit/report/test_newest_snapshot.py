"""The newest snapshot in a list whose entries may have any form."""

from datetime import timedelta

import pytest

from restore_watch.atlas.pages import Page
from restore_watch.errors import UnexpectedAtlasResponseError
from restore_watch.report.fleet.newest_snapshot import newest_snapshot
from unit.report.reports import END, HOUR

LATEST = END + HOUR


def taken(hours: float, **fields: object) -> dict[str, object]:
    moment = (END - timedelta(hours=hours)).isoformat()
    return {"createdAt": moment, "status": "completed", **fields}


@pytest.mark.parametrize(
    "entry",
    [None, 7, "completed", [], {}, taken(1, status=None), taken(1, status=7)],
    ids=["null", "a number", "a text", "a list", "no status", "status null", "status a number"],
)
def test_an_entry_that_cannot_be_read_may_be_the_newest(entry: object) -> None:
    with pytest.raises(UnexpectedAtlasResponseError, match=r"^An entry .* cannot be read$"):
        newest_snapshot(Page([entry, taken(30)], has_next=False), LATEST)


def test_a_completed_snapshot_without_a_date_may_be_the_newest() -> None:
    with pytest.raises(UnexpectedAtlasResponseError, match=r"has no date that can be read$"):
        newest_snapshot(Page([taken(1, createdAt=None), taken(30)], has_next=False), LATEST)


def test_a_snapshot_that_is_under_way_needs_no_date() -> None:
    under_way = taken(0, status="inProgress", createdAt=None)

    newest = newest_snapshot(Page([under_way, taken(2), taken(30)], has_next=False), LATEST)

    assert newest.taken_at == END - 2 * HOUR


def test_it_has_its_id_and_its_size_and_whether_it_is_a_last_resort() -> None:
    last = taken(1, id="a" * 24, storageSizeBytes=1_544_183_808, snapshotType="FallBack")
    usual = taken(2, id="b" * 24, snapshotType="onDemand")

    newest = newest_snapshot(Page([usual, last], has_next=False), LATEST)
    assert (newest.id, newest.size, newest.is_fallback) == ("a" * 24, 1_544_183_808, True)
    before = newest_snapshot(Page([usual], has_next=False), LATEST)
    assert (before.id, before.size, before.is_fallback) == ("b" * 24, None, False)


def test_a_snapshot_of_a_flex_cluster_is_dated_by_its_end() -> None:
    flex = {"finishTime": LATEST.isoformat(), "status": "COMPLETED", "id": 7}

    newest = newest_snapshot(Page([flex], has_next=False), LATEST)
    assert (newest.taken_at, newest.id) == (LATEST, None)


@pytest.mark.parametrize(
    "size",
    [None, "1", -1, True, 1.5, {}, 10**18, 10**400],
    ids=[
        *("null", "a text", "below zero", "true", "a fraction", "an object"),
        *("an exabyte", "more than a number of 64 bits"),
    ],
)
def test_a_size_of_another_form_is_not_known(size: object) -> None:
    page = Page([taken(1, storageSizeBytes=size)], has_next=False)

    assert newest_snapshot(page, LATEST).size is None


@pytest.mark.parametrize("size", [0, 10**18 - 1])
def test_a_size_below_an_exabyte_is_known(size: int) -> None:
    page = Page([taken(1, storageSizeBytes=size)], has_next=False)

    assert newest_snapshot(page, LATEST).size == size
