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
