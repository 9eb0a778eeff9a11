"""Up to when the jobs of a project are known: no mark passes what was read, and none moves back."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from restore_watch.model.marks import Marks, Part
from restore_watch.model.restore_target import RestoreKind
from restore_watch.sweep.jobs_of_interest import Interest
from strategies import plain_job
from unit.open_jobs import NOON

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)

LISTED_KINDS = (RestoreKind.FLEX, RestoreKind.DEDICATED, RestoreKind.COLLECTION)
FLEX, DEDICATED, COLLECTION = (Part(kind) for kind in LISTED_KINDS)
KINDS = {FLEX, DEDICATED, COLLECTION}
CARTS, ORDERS = (Part(RestoreKind.FLEX, name) for name in ("carts", "orders"))
DEDICATED_ORDERS = Part(RestoreKind.DEDICATED, "orders")

AT_NOON = Marks(first=NOON, whole=NOON)


def later(minutes: int) -> datetime:
    return NOON + minutes * MINUTE


# One listing


def test_the_first_mark_lies_an_hour_before_the_first_attempt() -> None:
    marks = Marks.at_first(NOON)

    assert marks.whole == marks.first == NOON - HOUR
    assert marks.mark_of(ORDERS) == marks.mark_of(DEDICATED) == NOON - HOUR


OF_TWO = Marks(NOON, later(5), {ORDERS: NOON, CARTS: later(1)})
OF_A_KIND = Marks(NOON, later(5), {FLEX: later(2)})

# Each row: the marks, the minute in which a listing began, what it read and what not, whether it
# was full, and the marks after it.
LISTINGS: dict[str, tuple[Marks, int, set[Part], set[Part], bool, Marks]] = {
    "everything": (AT_NOON, 1, KINDS | {ORDERS, CARTS}, set(), True, Marks(NOON, later(1))),
    "a cluster could not be read": (
        *(AT_NOON, 1, KINDS | {CARTS, DEDICATED_ORDERS}, {ORDERS}, True),
        Marks(NOON, later(1), {ORDERS: NOON}),
    ),
    "it fails again": (
        *(Marks(NOON, later(2), {ORDERS: NOON}), 3, KINDS, {ORDERS}, True),
        Marks(NOON, later(3), {ORDERS: NOON}),
    ),
    "it catches up": (
        *(OF_TWO, 6, {ORDERS}, {CARTS}, False),
        Marks(NOON, later(5), {CARTS: later(1)}),
    ),
    "its list no longer shows it": (OF_TWO, 6, KINDS, set(), True, Marks(NOON, later(6))),
    "a kind whose clusters are not known": (
        *(AT_NOON, 1, {DEDICATED, COLLECTION}, {FLEX}, True),
        Marks(NOON, later(1), {FLEX: NOON}),
    ),
    "such a kind, with a cluster behind": (
        *(Marks(NOON, later(5), {ORDERS: NOON}), 6, {DEDICATED, COLLECTION}, {FLEX}, True),
        Marks(NOON, later(6), {ORDERS: NOON, FLEX: later(5)}),
    ),
    "clusters take over the mark of a kind": (
        *(OF_A_KIND, 6, {FLEX, CARTS}, {ORDERS}, False),
        Marks(NOON, later(5), {ORDERS: later(2)}),
    ),
    "some kinds": (AT_NOON, 1, {FLEX, CARTS}, {ORDERS}, False, AT_NOON),
    "it seems to begin before the mark": (
        *(AT_NOON, -1, KINDS, {ORDERS}, True),
        Marks(NOON, NOON, {ORDERS: NOON}),
    ),
    "some kinds, before the mark": (AT_NOON, -1, KINDS, {ORDERS}, False, AT_NOON),
}


@pytest.mark.parametrize(
    ("marks", "minute", "read", "unread", "is_full", "after"), LISTINGS.values(), ids=LISTINGS
)
def test_what_was_read_is_known_until_the_listing_began_and_the_rest_stays_behind(
    marks: Marks, minute: int, read: set[Part], unread: set[Part], after: Marks, *, is_full: bool
) -> None:
    assert marks.after_listing(later(minute), read, unread, is_full=is_full) == after


def test_a_part_has_its_own_mark_that_of_its_kind_or_that_of_the_project() -> None:
    marks = Marks(NOON, later(9), {ORDERS: NOON, FLEX: later(5)})

    parts = [ORDERS, CARTS, FLEX, DEDICATED_ORDERS, DEDICATED]
    assert [marks.mark_of(part) for part in parts] == [NOON, later(5), later(5), later(9), later(9)]


def test_parts_are_named_by_kind_and_cluster() -> None:
    assert [str(part) for part in (FLEX, ORDERS)] == ["flex", "flex/orders"]


# Interest

NOW = NOON + DAY
AFTER_FIRST = Marks(first=NOON - HOUR, whole=NOW - HOUR)


ENDED = plain_job(status="COMPLETED")
RUNNING = plain_job(status="RUNNING")


@pytest.mark.parametrize(
    ("before_mark", "is_taken"),
    [(timedelta(), True), (HOUR, True), (HOUR + SECOND, False), (-HOUR, True), (-DAY, True)],
    ids=["at it", "an hour before", "a little more", "just now", "in the future"],
)
def test_a_job_in_any_status_is_of_interest_from_an_hour_before_the_mark(
    before_mark: timedelta, *, is_taken: bool
) -> None:
    interest = Interest.beyond(AFTER_FIRST, ORDERS, NOW)
    created_at = AFTER_FIRST.whole - before_mark

    assert interest.may_take(created_at) is is_taken
    assert interest.takes(ENDED, created_at) is is_taken
    assert interest.listed_since == AFTER_FIRST.whole - HOUR


MONTH_AGO = Marks(NOON - 30 * DAY, NOW, {ORDERS: NOON - 20 * DAY})


@pytest.mark.parametrize(
    ("marks", "part", "oldest"),
    [
        (Marks(NOON - HOUR, NOW - HOUR, {ORDERS: NOON}), ORDERS, NOON - HOUR),
        (Marks(NOON - HOUR, NOW - HOUR, {ORDERS: NOON}), CARTS, NOW - 2 * HOUR),
        (MONTH_AGO, ORDERS, NOW - 7 * DAY - HOUR),
        (Marks(NOON - HOUR, NOW, {ORDERS: NOON - HOUR}), ORDERS, NOON - 6 * DAY - HOUR),
        (Marks(NOON - HOUR, NOW, {ORDERS: NOON - HOUR}), CARTS, NOW - HOUR),
    ],
    ids=[
        *("a part that is behind", "another one", "seven days at most"),
        *("one that was never read, as at first", "one beside it"),
    ],
)
def test_the_jobs_of_a_part_are_of_interest_from_its_own_mark(
    marks: Marks, part: Part, oldest: datetime
) -> None:
    interest = Interest.beyond(marks, part, NOW)

    assert interest.may_take(oldest)
    assert not interest.may_take(oldest - SECOND)


@pytest.mark.parametrize("listed", [timedelta(), 3 * HOUR], ids=["at once", "hours later"])
def test_the_first_listing_takes_what_can_still_change_for_seven_days(listed: timedelta) -> None:
    """They count from the first attempt, however long it takes until one succeeds."""
    interest = Interest.beyond(Marks.at_first(NOON), ORDERS, NOON + listed)
    oldest = max(NOON - 7 * DAY, NOON + listed - 7 * DAY - HOUR)

    assert interest.takes(ENDED, NOON - 2 * HOUR)
    assert not interest.takes(ENDED, NOON - 2 * HOUR - SECOND)
    assert interest.may_take(oldest)
    assert not interest.may_take(oldest - SECOND)
    assert interest.listed_since == NOON - 7 * DAY


EARLIER = NOON - 15 * MINUTE
DOWNLOAD = {"delivery_type": "DOWNLOAD"}

# Each row: the status, when the restore or its link ends, and whether the job is taken.
UNENDED: dict[str, tuple[str, dict[str, Any], bool]] = {
    "running": ("RUNNING", {}, True),
    "unknown": ("UNKNOWN", {}, True),
    "completed": ("COMPLETED", {}, False),
    "failed": ("FAILED", {}, False),
    "ended when it was first tried": ("FAILED", {"restore_finished_date": EARLIER}, True),
    "ended before": ("FAILED", {"restore_finished_date": EARLIER - SECOND}, False),
    "download": ("COMPLETED", DOWNLOAD | {"expiration_date": NOON + SECOND}, True),
    "download without a link": ("COMPLETED", DOWNLOAD, False),
    "expired download": ("COMPLETED", DOWNLOAD | {"expiration_date": NOON}, False),
}


@pytest.mark.parametrize(("status", "fields", "is_taken"), UNENDED.values(), ids=UNENDED)
def test_the_first_listing_takes_older_jobs_that_can_still_change(
    status: str, fields: dict[str, Any], *, is_taken: bool
) -> None:
    interest = Interest.beyond(Marks.at_first(NOON), ORDERS, NOON)

    assert interest.takes(plain_job(status=status, **fields), NOON - 6 * DAY) is is_taken
