"""Of which projects the table knows each restore of a period."""

from datetime import datetime

import pytest

from restore_watch.model.credentials_expiry import NOT_ASKED
from restore_watch.model.health import Health
from restore_watch.model.marks import Marks
from restore_watch.report.period import DAY
from restore_watch.report.restores.projects_in_table import projects_in_table
from restore_watch.table.bookkeeping import Books
from restore_watch.table.project_item import Project
from unit.report.reports import WEEK, group

BEGIN = WEEK.begin
LATER = BEGIN + DAY / 1000


def books(*, tried_at: datetime | None) -> Books:
    """The bookkeeping of a project that is named alone or also listed, since then."""
    marks = Marks.at_first(tried_at) if tried_at else None
    projects = {group(0): Project(group(0), marks=marks)}
    return Books(projects, Health(group_id=None), NOT_ASKED, None)


@pytest.mark.parametrize(
    ("begins_at", "tried_at", "is_known"),
    [
        (BEGIN, BEGIN, True),
        (BEGIN - 90 * DAY, LATER, False),
        (LATER, BEGIN - 90 * DAY, False),
        (None, BEGIN, False),
        (BEGIN, None, False),
    ],
    ids=["both in time", "a younger project", "a younger table", "an empty table", "never listed"],
)
@pytest.mark.fault("F143")
def test_a_project_is_known_if_it_and_the_table_are_as_old_as_the_period(
    begins_at: datetime | None, tried_at: datetime | None, *, is_known: bool
) -> None:
    known = projects_in_table(books(tried_at=tried_at), begins_at, BEGIN)

    assert known == ({group(0)} if is_known else set())
