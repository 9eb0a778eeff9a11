"""What the bookkeeping forgets of a project that is not watched any more."""

from datetime import timedelta

import pytest

from restore_watch.model.marks import Marks
from restore_watch.model.outage import Trouble, Watched
from restore_watch.table.bookkeeping import Bookkeeping
from restore_watch.table.project_item import Project
from unit.bookkept import BookkeepingItems
from unit.open_jobs import NOON
from unit.scripted_atlas import GROUP, Clock
from unit.stubbed_aws import dynamodb

MINUTE = timedelta(minutes=1)
FAILING = Watched(GROUP, troubles={"flex": Trouble(NOON, "AtlasUnavailableError", "No answer")})


@pytest.fixture
def items() -> BookkeepingItems:
    return BookkeepingItems()


@pytest.fixture
def bookkeeping(items: BookkeepingItems) -> Bookkeeping:
    return Bookkeeping(dynamodb(items), "restore-jobs")


@pytest.fixture
def begun(bookkeeping: Bookkeeping, items: BookkeepingItems, clock: Clock) -> Project:
    """A project with marks, which fails."""
    bookkeeping.begin(GROUP, Marks.at_first(NOON), NOON, clock.deadline())
    bookkeeping.watch(FAILING, NOON, clock.deadline())
    return items.project(GROUP)


def test_a_dropped_project_has_no_marks_and_what_was_reported_of_it_stays(
    bookkeeping: Bookkeeping, items: BookkeepingItems, begun: Project, clock: Clock
) -> None:
    assert begun.marks is not None
    bookkeeping.drop(begun, NOON, clock.deadline())

    left = items.project(GROUP)
    assert left == Project(GROUP, stored_watched=begun.watched, removed_at=NOON)
    assert left.is_removed
    assert left.watched.troubles == FAILING.troubles


def test_a_project_that_somebody_else_has_listed_since_is_not_dropped(
    bookkeeping: Bookkeeping, items: BookkeepingItems, begun: Project, clock: Clock
) -> None:
    """It is watched again, by a sweep with other parameters."""
    bookkeeping.drop(begun, NOON, clock.deadline())
    bookkeeping.begin(GROUP, Marks.at_first(NOON + MINUTE), NOON + MINUTE, clock.deadline())
    again = items.project(GROUP)
    bookkeeping.drop(begun, NOON, clock.deadline())

    assert items.project(GROUP) == again


def test_a_project_without_marks_is_dropped_without_a_write(
    bookkeeping: Bookkeeping, items: BookkeepingItems, clock: Clock
) -> None:
    bookkeeping.drop(Project(GROUP, stored_watched=FAILING), NOON, clock.deadline())

    assert items.updates == []


def test_a_project_that_was_dropped_begins_anew(
    bookkeeping: Bookkeeping, items: BookkeepingItems, begun: Project, clock: Clock
) -> None:
    bookkeeping.drop(begun, NOON, clock.deadline())
    first = Marks.at_first(NOON + MINUTE)
    bookkeeping.begin(GROUP, first, NOON + MINUTE, clock.deadline())

    again = items.project(GROUP)
    assert again.marks == first
    assert not again.is_removed
