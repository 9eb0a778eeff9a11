"""Up to when the jobs of a project are known: no mark passes what was read, and none moves back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restore_watch.model.jobs_of_interest import MARGIN, Interest
from restore_watch.model.marks import FIRST_MARK, Marks, Part
from restore_watch.model.restore_job import RestoreKind
from restore_watch.sweep.find.listing_scope import LISTED_KINDS
from strategies import plain_job
from unit.open_jobs import NOON

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)

FLEX, DEDICATED, COLLECTION = (Part(kind) for kind in LISTED_KINDS)
KINDS = {FLEX, DEDICATED, COLLECTION}
CARTS, ORDERS = (Part(RestoreKind.FLEX, name) for name in ("carts", "orders"))
DEDICATED_ORDERS = Part(RestoreKind.DEDICATED, "orders")
EVERY_CLUSTER = [Part(kind, name) for kind, name in product(LISTED_KINDS, ("carts", "orders"))]

AT_NOON = Marks(first=NOON, whole=NOON)


def later(minutes: int) -> datetime:
    return NOON + minutes * MINUTE


# One listing


def test_the_first_mark_lies_an_hour_before_the_first_attempt() -> None:
    marks = Marks.at_first(NOON)

    assert marks.whole == marks.first == NOON - HOUR
    assert marks.of(ORDERS) == marks.of(DEDICATED) == NOON - HOUR


def test_a_complete_listing_moves_the_mark_to_its_begin() -> None:
    marks = AT_NOON.moved(later(1), KINDS | {ORDERS, CARTS}, (), is_full=True)

    assert marks == Marks(NOON, later(1))


def test_a_cluster_that_could_not_be_read_stays_behind_alone() -> None:
    marks = AT_NOON.moved(later(1), KINDS | {CARTS}, {ORDERS}, is_full=True)

    assert marks.behind == {ORDERS: NOON}
    assert [marks.of(part) for part in (ORDERS, CARTS)] == [NOON, later(1)]


def test_a_cluster_of_the_same_name_and_another_kind_does_not_stay_behind() -> None:
    marks = AT_NOON.moved(later(1), KINDS | {DEDICATED_ORDERS}, {ORDERS}, is_full=True)

    assert marks.of(DEDICATED_ORDERS) == later(1)


def test_a_cluster_that_fails_again_keeps_its_first_mark() -> None:
    marks = AT_NOON
    for minute in (1, 2, 3):
        marks = marks.moved(later(minute), KINDS, {ORDERS}, is_full=True)

    assert marks == Marks(NOON, later(3), {ORDERS: NOON})


def test_a_cluster_that_was_behind_catches_up_when_it_is_read() -> None:
    behind = Marks(NOON, later(5), {ORDERS: NOON, CARTS: later(1)})

    marks = behind.moved(later(6), {ORDERS}, {CARTS}, is_full=False)

    assert marks == Marks(NOON, later(5), {CARTS: later(1)})


def test_a_cluster_that_its_list_no_longer_shows_is_dropped() -> None:
    marks = Marks(NOON, later(5), {ORDERS: NOON}).moved(later(6), KINDS, (), is_full=True)

    assert marks.behind == {}


def test_a_kind_whose_clusters_are_not_known_stays_behind_with_all_of_them() -> None:
    marks = AT_NOON.moved(later(1), {DEDICATED, COLLECTION}, {FLEX}, is_full=True)

    assert [marks.of(part) for part in (ORDERS, CARTS, FLEX)] == [NOON] * 3
    assert marks.of(DEDICATED_ORDERS) == later(1)


def test_a_kind_that_stays_behind_keeps_the_older_marks_of_its_clusters() -> None:
    marks = Marks(NOON, later(5), {ORDERS: NOON})

    marks = marks.moved(later(6), {DEDICATED, COLLECTION}, {FLEX}, is_full=True)

    assert [marks.of(part) for part in (ORDERS, CARTS)] == [NOON, later(5)]


def test_clusters_take_over_the_mark_of_a_kind_that_was_behind() -> None:
    marks = Marks(NOON, later(5), {FLEX: later(2)})

    marks = marks.moved(later(6), {FLEX, CARTS}, {ORDERS}, is_full=False)

    assert marks == Marks(NOON, later(5), {ORDERS: later(2)})


def test_a_listing_of_some_kinds_leaves_the_mark_of_the_project_and_adds_nothing_behind() -> None:
    marks = AT_NOON.moved(later(1), {FLEX, CARTS}, {ORDERS}, is_full=False)

    assert marks == AT_NOON


@pytest.mark.parametrize("is_full", [True, False])
def test_the_mark_does_not_move_back_when_a_listing_seems_to_begin_before_it(
    *, is_full: bool
) -> None:
    marks = AT_NOON.moved(later(-1), KINDS, {ORDERS}, is_full=is_full)

    assert marks.whole == NOON
    assert marks.of(ORDERS) == NOON


# Any listings


@dataclass(frozen=True)
class Listed:
    """Which cluster lists a listing reads, and which clusters: true, false, or not shown."""

    kinds: Mapping[RestoreKind, bool]
    clusters: Mapping[Part, bool | None]

    def parts(self, behind: Mapping[Part, datetime], *, read: bool) -> set[Part]:
        kinds = {Part(kind) for kind, is_read in self.kinds.items() if is_read is read}
        return kinds | {
            part
            for part, is_read in self.clusters.items()
            if is_read is read and (part.kind in self.kinds or part in behind)
        }


some_listings = st.lists(
    st.builds(
        Listed,
        st.dictionaries(st.sampled_from(LISTED_KINDS), st.booleans()),
        st.fixed_dictionaries({part: st.none() | st.booleans() for part in EVERY_CLUSTER}),
    ),
    max_size=8,
)


@given(some_listings)
def test_no_mark_passes_what_was_read_and_none_moves_back(listings: list[Listed]) -> None:
    marks = AT_NOON
    known_until = dict.fromkeys(EVERY_CLUSTER, NOON)
    for minute, one in enumerate(listings, start=1):
        read, unread = (one.parts(marks.behind, read=is_read) for is_read in (True, False))
        before, marks = (
            marks,
            marks.moved(later(minute), read, unread, is_full=read | unread >= KINDS),
        )
        for part in EVERY_CLUSTER:
            # A cluster that a complete list does not show has no jobs.
            is_gone = Part(part.kind) in read and part not in unread
            if part in read or is_gone:
                known_until[part] = later(minute)
            assert before.of(part) <= marks.of(part) <= known_until[part]
        assert before.whole <= marks.whole


@given(some_listings)
def test_one_complete_listing_ends_every_delay(listings: list[Listed]) -> None:
    marks = AT_NOON
    for minute, one in enumerate(listings, start=1):
        read, unread = (one.parts(marks.behind, read=is_read) for is_read in (True, False))
        marks = marks.moved(later(minute), read, unread, is_full=read | unread >= KINDS)

    marks = marks.moved(later(60), KINDS | {ORDERS}, (), is_full=True)

    assert marks == Marks(NOON, later(60))


def test_parts_are_named_by_kind_and_cluster() -> None:
    assert [str(part) for part in (FLEX, ORDERS)] == ["flex", "flex/orders"]


# Interest

NOW = NOON + DAY
AFTER_FIRST = Marks(first=NOON - HOUR, whole=NOW - HOUR)


ENDED = plain_job(status="COMPLETED")
RUNNING = plain_job(status="RUNNING")


@pytest.mark.parametrize(
    ("before_mark", "is_taken"),
    [
        (timedelta(), True),
        (MARGIN, True),
        (MARGIN + SECOND, False),
        (-HOUR, True),
        (-DAY, True),
    ],
    ids=["at it", "an hour before", "a little more", "just now", "in the future"],
)
def test_a_job_in_any_status_is_of_interest_from_an_hour_before_the_mark(
    before_mark: timedelta, *, is_taken: bool
) -> None:
    interest = Interest.beyond(AFTER_FIRST, ORDERS, NOW)
    created_at = AFTER_FIRST.whole - before_mark

    assert interest.may_take(created_at) is is_taken
    assert interest.takes(ENDED, created_at) is is_taken
    assert interest.reaches_to == AFTER_FIRST.whole - HOUR
    assert MARGIN == HOUR


def test_the_jobs_of_a_part_that_is_behind_are_of_interest_from_its_own_mark() -> None:
    marks = Marks(AFTER_FIRST.first, AFTER_FIRST.whole, {ORDERS: NOON})

    assert Interest.beyond(marks, ORDERS, NOW).may_take(NOON)
    assert not Interest.beyond(marks, CARTS, NOW).may_take(NOON)


def test_a_mark_counts_for_seven_days_at_most() -> None:
    marks = Marks(NOON - 30 * DAY, NOW, {ORDERS: NOON - 20 * DAY})
    interest = Interest.beyond(marks, ORDERS, NOW)

    assert interest.may_take(NOW - 7 * DAY - MARGIN)
    assert not interest.may_take(NOW - 7 * DAY - MARGIN - SECOND)


@pytest.mark.parametrize("listed", [timedelta(), 3 * HOUR], ids=["at once", "hours later"])
def test_the_first_listing_takes_what_can_still_change_for_seven_days(listed: timedelta) -> None:
    """They count from the first attempt, however long it takes until one succeeds."""
    interest = Interest.beyond(Marks.at_first(NOON), ORDERS, NOON + listed)
    oldest = max(NOON - 7 * DAY, NOON + listed - 7 * DAY - MARGIN)

    assert interest.takes(ENDED, NOON - FIRST_MARK - MARGIN)
    assert not interest.takes(ENDED, NOON - FIRST_MARK - MARGIN - SECOND)
    assert interest.may_take(oldest)
    assert not interest.may_take(oldest - SECOND)
    assert interest.reaches_to == NOON - 7 * DAY


UNENDED: dict[str, tuple[dict[str, Any], bool]] = {
    "running": ({"status": "RUNNING"}, True),
    "unknown": ({"status": "UNKNOWN"}, True),
    "completed": ({"status": "COMPLETED"}, False),
    "failed": ({"status": "FAILED"}, False),
    "ended when it was first tried": (
        {"status": "FAILED", "restore_finished_date": NOON - 15 * MINUTE},
        True,
    ),
    "ended before": (
        {"status": "FAILED", "restore_finished_date": NOON - 15 * MINUTE - SECOND},
        False,
    ),
    "download": (
        {"status": "COMPLETED", "delivery_type": "DOWNLOAD", "expiration_date": NOON + SECOND},
        True,
    ),
    "download without a link": ({"status": "COMPLETED", "delivery_type": "DOWNLOAD"}, False),
    "expired download": (
        {"status": "COMPLETED", "delivery_type": "DOWNLOAD", "expiration_date": NOON},
        False,
    ),
}


@pytest.mark.parametrize(("fields", "is_taken"), UNENDED.values(), ids=UNENDED)
def test_the_first_listing_takes_older_jobs_that_can_still_change(
    fields: dict[str, Any], *, is_taken: bool
) -> None:
    interest = Interest.beyond(Marks.at_first(NOON), ORDERS, NOON)

    assert interest.takes(plain_job(**fields), NOON - 6 * DAY) is is_taken


def test_a_later_listing_takes_only_what_is_new() -> None:
    assert not Interest.beyond(AFTER_FIRST, ORDERS, NOW).may_take(NOON)


def test_a_cluster_that_was_never_read_is_listed_as_at_first() -> None:
    marks = AFTER_FIRST.moved(NOW, KINDS, (), is_full=True)
    never_read = Marks(marks.first, marks.whole, {ORDERS: marks.first})

    assert Interest.beyond(never_read, ORDERS, NOW).may_take(NOON - 5 * DAY)
    assert not Interest.beyond(never_read, CARTS, NOW).may_take(NOON - 5 * DAY)


ages = st.timedeltas(-DAY, 40 * DAY)


@given(ages, ages, ages, ages)
def test_nothing_of_interest_lies_before_the_moment_that_a_listing_reaches_to(
    first: timedelta, whole: timedelta, behind: timedelta, created: timedelta
) -> None:
    marks = Marks(NOW - first, NOW - whole, {ORDERS: NOW - behind})
    interest = Interest.beyond(marks, ORDERS, NOW)
    created_at = NOW - created

    if created_at < interest.reaches_to:
        assert not interest.may_take(created_at)
    if interest.may_take(created_at):
        assert interest.takes(RUNNING, created_at)
    assert interest.takes(ENDED, created_at) is (created_at >= interest.since)
