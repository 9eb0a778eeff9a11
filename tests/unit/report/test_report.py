"""What a report says of a single restore."""

from datetime import timedelta
from typing import Any

import pytest

from unit.report.reports import EMPTY, END, HOUR, MINUTE, cluster, restore


@pytest.mark.parametrize(
    ("fields", "took"),
    [
        ({}, 42 * MINUTE),
        ({"status": "IN_PROGRESS", "restoreFinishedDate": None}, 7 * HOUR),
        ({"status": "FAILED", "restoreFinishedDate": None}, 42 * MINUTE),
        ({"status": "FAILED", "restoreFinishedDate": END - 2 * HOUR}, None),
    ],
    ids=["dated", "open", "an end without a date", "an end before its beginning"],
)
def test_how_long_a_restore_took(fields: dict[str, Any], took: timedelta | None) -> None:
    began = END - HOUR

    seconds = EMPTY.seconds(restore(cluster(), began, **fields))

    assert seconds == (took.total_seconds() if took else None)


def test_an_open_restore_that_begins_later_has_taken_no_time() -> None:
    scheduled = restore(
        cluster(), EMPTY.asked_at + HOUR, status="PENDING", restoreFinishedDate=None
    )

    assert EMPTY.seconds(scheduled) == 0
