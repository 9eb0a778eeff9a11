"""The steps that list one project, and what counts as read in the end."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import batched
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restore_watch.atlas.clusters_to_watch import clusters_to_watch
from restore_watch.atlas.entries import cluster_entries, job_entries
from restore_watch.atlas.families import Family, jobs_of
from restore_watch.atlas.pages import Page
from restore_watch.atlas.rate_limits import Bucket
from restore_watch.model.marks import Marks, Part
from restore_watch.sweep.finding.parts_read import PartsRead
from restore_watch.sweep.finding.project_listing import (
    ClustersPage,
    JobsPage,
    ListingStep,
    ProjectListing,
)
from restore_watch.sweep.finding.wanted_parts import WantedParts
from unit.open_jobs import NOON
from unit.records import CLUSTERS, COLLECTION, DEDICATED, DOWN, FLEX, FLEX_CLUSTERS, LISTED_KINDS
from unit.scripted_atlas import GROUP

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

NOBODY: Any = None
"""Whoever takes the steps: here, the test."""

ORDERS, CARTS = (Part(FLEX, name) for name in ("orders", "carts"))

MARK = NOON - HOUR
MARKS = Marks(first=NOON - DAY, whole=MARK)
OLD, NEW = MARK - 2 * HOUR, MARK + MINUTE
"""When jobs that are not of interest, and such that are, were created."""


def id_at(created_at: datetime, number: int = 0) -> str:
    return f"{int(created_at.timestamp()):08x}{number:016x}"


def shown(*entries: Any, has_next: bool = False, date: datetime | None = NOON - 5 * MINUTE) -> Page:
    return Page(list(entries), has_next, date)


def clusters(*names: Any, has_next: bool = False) -> Page:
    return shown(*({"name": name} for name in names), has_next=has_next)


def job(created_at: datetime, number: int = 0) -> dict[str, Any]:
    return {"id": id_at(created_at, number)}


def listing(**options: Any) -> ProjectListing:
    began = options.pop("began", None)
    wanted = WantedParts(GROUP, options.pop("marks", MARKS), NOON, lambda _: 0.0)
    for name in ("kinds", "clusters"):
        if name in options:
            options[name] = frozenset(options[name])
    return ProjectListing(replace(wanted, **options), NOBODY, began)


def one_cluster(**options: Any) -> tuple[ProjectListing, JobsPage]:
    """A listing of all kinds that has one Flex cluster left to read."""
    listed = listing(remembered={FLEX_CLUSTERS: ["orders"], CLUSTERS: []}, **options)
    (step,) = listed.first_steps()
    assert isinstance(step, JobsPage)
    return listed, step


def one_kind(**options: Any) -> tuple[ProjectListing, ClustersPage]:
    """A listing of Flex restores that has the list of clusters left to read."""
    listed = listing(kinds=[FLEX], **options)
    (step,) = listed.first_steps()
    assert isinstance(step, ClustersPage)
    return listed, step


def next_page(listed: ProjectListing, step: JobsPage, page: Page) -> JobsPage:
    (following,) = read_jobs(listed, step, page)
    assert isinstance(following, JobsPage)
    return following


def read_jobs(listed: ProjectListing, step: JobsPage, page: Page) -> list[ListingStep]:
    """The step that follows from a page of jobs, if one does."""
    page = replace(page, at=step.pages.at)
    return listed.note_jobs_page(step, page, job_entries(page, step.part.kind).readable)


def ids(page: Page) -> set[str]:
    return {entry["id"] for entry in page.entries}


# The first steps


FIRST_STEPS: dict[str, tuple[dict[str, Any], set[Family | Part]]] = {
    "all kinds": ({}, {FLEX_CLUSTERS, CLUSTERS}),
    **{
        f"only {kind}": ({"kinds": [kind]}, {which})
        for kind, which in ((FLEX, FLEX_CLUSTERS), (DEDICATED, CLUSTERS), (COLLECTION, CLUSTERS))
    },
    "remembered clusters": (
        {"remembered": {FLEX_CLUSTERS: ["orders", "carts", "orders"]}},
        {ORDERS, CARTS, CLUSTERS},
    ),
    "remembered dedicated ones have two lists of jobs": (
        {"remembered": {FLEX_CLUSTERS: [], CLUSTERS: ["users"]}},
        {Part(DEDICATED, "users"), Part(COLLECTION, "users")},
    ),
    "no clusters": ({"remembered": {FLEX_CLUSTERS: [], CLUSTERS: []}}, set()),
    "a cluster of a kind that is listed": (
        {"kinds": [FLEX], "clusters": [ORDERS], "remembered": {FLEX_CLUSTERS: ["orders"]}},
        {ORDERS},
    ),
    "a cluster that has stayed behind and that no list shows": (
        {"remembered": {FLEX_CLUSTERS: [], CLUSTERS: []}, "marks": Marks(OLD, MARK, {ORDERS: OLD})},
        {ORDERS},
    ),
}


@pytest.mark.parametrize(("options", "expected"), FIRST_STEPS.values(), ids=FIRST_STEPS)
def test_a_listing_begins_with_lists_of_clusters_and_the_jobs_of_remembered_ones(
    options: dict[str, Any], expected: set[Family | Part]
) -> None:
    listed = listing(**options, began=NOON)
    steps = listed.first_steps()

    assert {step.reads for step in steps} == expected
    assert len(steps) == len(expected)
    for step in steps:
        what = step.reads
        assert step.bucket == Bucket(GROUP, jobs_of(what.kind) if isinstance(what, Part) else what)
    # Otherwise remembered ones would never be read anew.
    assert listed.cluster_names == {}
    assert listed.parts_read().is_full is ("kinds" not in options)
    if not steps:
        every = frozenset(map(Part, LISTED_KINDS))
        assert listed.parts_read() == PartsRead(NOON, every, frozenset(), is_full=True)


def test_what_has_stayed_behind_longest_comes_first() -> None:
    names = [f"orders-{number}" for number in range(9)]
    behind = {Part(FLEX, name): MARK - number * MINUTE for number, name in enumerate(names)}
    late = {Part(DEDICATED): MARK - HOUR}
    marks = Marks(MARKS.first, MARK, behind | late)

    options: dict[str, Any] = {"kinds": [FLEX, DEDICATED], "remembered": {FLEX_CLUSTERS: names}}
    first, *steps = listing(marks=marks, **options).first_steps()

    assert first.bucket.family is CLUSTERS
    assert [one.reads for one in steps] == sorted(behind, key=lambda part: behind[part])


def test_clusters_with_the_same_mark_come_in_any_order() -> None:
    """So the time that a sweep has is not spent on the same clusters every time."""
    names = [f"orders-{number}" for number in range(50)]
    steps = listing(kinds=[FLEX], remembered={FLEX_CLUSTERS: names}).first_steps()
    order = [str(step.reads) for step in steps]

    assert order != [f"flex/{name}" for name in names]
    assert sorted(order) == sorted(f"flex/{name}" for name in names)


# Clusters

MORE = "Atlas shows more clusters of a project than one page holds"
NO_NAME = "An entry in the list of Flex clusters has no usable name"
NO_NAMES = [None, 7, "", {"name": "orders"}]
ODD_ENTRIES: list[Any] = [None, "orders", ["orders"], {}]
BAD_PAGES = [
    (shown({"name": "orders"}, has_next=True), MORE),
    *((shown(odd, {"name": "orders"}), NO_NAME) for odd in ODD_ENTRIES),
    *((shown({"name": name}, {"name": "orders"}), NO_NAME) for name in NO_NAMES),
]


@pytest.mark.parametrize(("page", "problem"), BAD_PAGES, ids=lambda value: str(value)[:60])
def test_a_list_of_clusters_that_cannot_be_read_to_its_end_is_taken_in_and_counts_as_unread(
    page: Page, problem: str
) -> None:
    listed, step = one_kind()

    steps = listed.note_clusters_page(
        step, page, clusters_to_watch(cluster_entries(page, step.which))
    )

    assert [one.reads for one in steps] == [ORDERS]
    assert str(listed.failures[FLEX_CLUSTERS]) == problem
    listed.finish_step(step)
    assert listed.cluster_names == {}
    assert Part(FLEX) in listed.parts_read().unread


ODD_NAMES = {
    "orders_late": "orders_late",
    "-orders": "-orders",
    "../groups": "../groups",
    "a%2fb": "a%2fb",
    "a\r\nb": "a b",
    "a" * 10_000: "a" * 64,
    "https://u:p@example.net/x": "[redacted]",
}


@pytest.mark.fault("F106")
@pytest.mark.parametrize(("name", "quoted"), ODD_NAMES.items(), ids=range(len(ODD_NAMES)))
def test_a_cluster_whose_name_no_path_may_have_is_left_out_and_the_list_is_read(
    name: str, quoted: str
) -> None:
    read = clusters_to_watch(cluster_entries(clusters(name, "orders"), FLEX_CLUSTERS))

    assert read == (["orders"], [], [quoted], None)


# How far a list is read


@pytest.mark.parametrize(
    ("pages_shown", "asked"),
    [
        ([[NEW, OLD]], []),
        ([[]], []),
        ([[NEW, NEW]], [2]),
        ([[OLD, NEW]], [2]),
        ([[OLD, NEW, OLD]], [2]),
        ([[OLD - DAY, OLD]], [2]),
        ([[MARK - HOUR]], [2]),
        ([[OLD]], [2]),
        ([[OLD - DAY, OLD], [OLD - 2 * DAY]], [2, 3]),
        # A new job pushed the last one of the first page to the second, which shows it again.
        ([[NEW], [NEW, OLD]], [2]),
        ([[MARK - 14 * MINUTE], [NEW, OLD]], [2, 3]),
    ],
    ids=[
        *("descending past the mark", "empty", "not past it", "ascending", "mixed"),
        *("old and ascending", "just reached", "a single old one", "once ascending", "shifted"),
        "newer on the second",
    ],
)
def test_reading_goes_on_as_long_as_a_newer_job_may_follow(
    pages_shown: list[list[datetime]], asked: list[int]
) -> None:
    """A next page is linked to each of these."""
    listed, step = one_cluster()
    numbers: list[int] = []
    for created in pages_shown:
        entries = [job(moment, number) for number, moment in enumerate(created)]
        for following in read_jobs(listed, step, shown(*entries, has_next=True)):
            assert isinstance(following, JobsPage)
            step = following
            numbers.append(step.pages.at.number)

    assert numbers == asked


def test_a_list_whose_next_page_shows_nothing_new_is_not_read_to_its_end() -> None:
    """The same page may follow for ever."""
    listed, step = one_cluster()
    page = shown(job(NEW), has_next=True)
    second = next_page(listed, step, page)

    assert read_jobs(listed, second, page) == []
    for one in (step, second):
        listed.finish_step(one)
    assert ORDERS in listed.parts_read().unread


def test_the_tries_of_a_page_are_not_those_of_the_next() -> None:
    listed, _ = one_cluster()
    tried = JobsPage(listed, ORDERS, tries=1)

    assert next_page(listed, tried, shown(job(NEW), has_next=True)).tries == 0


moments = st.integers(0, 10 * 24 * 60).map(lambda minutes: NOON - minutes * MINUTE)


@given(
    created=st.lists(moments, max_size=12, unique=True).map(sorted),
    newest_first=st.booleans(),
    size=st.integers(2, 4),
    marks=st.sampled_from([MARKS, Marks.at_first(NOON)]),
)
def test_no_job_of_interest_is_missed_whether_the_newest_comes_first_or_last(
    created: list[datetime], *, newest_first: bool, size: int, marks: Marks
) -> None:
    if newest_first:
        created.reverse()
    entries = [job(moment, number) for number, moment in enumerate(created)]
    parts = [list(one) for one in batched(entries, size, strict=False)] or [[]]
    listed, first = one_cluster(marks=marks)
    since = MARK - HOUR if marks is MARKS else NOON - 7 * DAY

    seen: set[str] = set()
    steps: list[ListingStep] = [first]
    while steps:
        step = steps.pop()
        assert isinstance(step, JobsPage)
        page = shown(*parts[step.pages.at.number - 1], has_next=step.pages.at.number < len(parts))
        seen |= ids(page)
        steps += read_jobs(listed, step, page)
        assert listed.finish_step(step) is (not steps)

    assert seen >= {
        id_at(moment, number) for number, moment in enumerate(created) if moment >= since
    }
    assert ORDERS in listed.parts_read().read


# When it began


@pytest.mark.parametrize(
    ("asked", "date", "began"),
    [
        (None, NOON - MINUTE, NOON - MINUTE),
        (None, NOON + MINUTE, NOON),
        (None, None, NOON),
        (NOON - 2 * MINUTE, NOON - MINUTE, NOON - 2 * MINUTE),
        (NOON + HOUR, NOON - MINUTE, NOON),
    ],
    ids=[
        *("first answer", "a clock that is fast", "no date"),
        *("woken by events", "a clock that is fast in an answer about events"),
    ],
)
def test_a_listing_begins_with_the_first_answer_by_the_clock_of_atlas_but_not_in_the_future(
    asked: datetime | None, date: datetime | None, began: datetime
) -> None:
    listed, step = one_cluster(began=asked)
    second = next_page(listed, step, shown(job(NEW), has_next=True, date=date))
    read_jobs(listed, second, shown(date=NOON - HOUR))

    assert listed.parts_read().began == began


# What was read


def test_a_listing_is_done_with_its_last_step_and_a_cluster_is_read_with_its_last_page() -> None:
    listed, step = one_kind()
    page = clusters("orders", "carts")
    entries = cluster_entries(page, step.which)
    first, other = listed.note_clusters_page(step, page, clusters_to_watch(entries))
    assert isinstance(first, JobsPage)
    second = next_page(listed, first, shown(job(NEW), has_next=True))
    assert [listed.finish_step(one) for one in (step, other, first)] == [False] * 3
    assert first.reads in listed.parts_read().unread

    assert listed.finish_step(second)
    assert listed.parts_read().read == {ORDERS, CARTS, Part(FLEX)}


@pytest.mark.fault("F81")
@pytest.mark.parametrize(("unread_for", "is_gone"), [(DAY, False), (DAY + MINUTE, True)], ids=str)
def test_a_cluster_that_no_list_shows_is_gone_after_a_day_in_which_it_could_not_be_read(
    unread_for: timedelta, *, is_gone: bool
) -> None:
    listed = listing(kinds=[FLEX], marks=Marks(MARKS.first, MARK, {ORDERS: NOON - unread_for}))
    names, jobs = sorted(listed.first_steps(), key=lambda step: isinstance(step, JobsPage))
    assert isinstance(names, ClustersPage)
    entries = cluster_entries(clusters(), names.which)
    listed.note_clusters_page(names, clusters(), clusters_to_watch(entries))
    listed.finish_step(names)
    listed.note_failure(jobs, DOWN)
    listed.finish_step(jobs, is_read=False)

    assert listed.parts_read().unread == (set() if is_gone else {ORDERS})


def test_only_a_listing_that_read_something_moves_marks() -> None:
    listed, step = one_cluster()
    listed.finish_step(step, is_read=False)
    assert listed.parts_read().began is None
    assert listed.parts_read().marks_after(MARKS) == MARKS

    listed = listing(began=NOON)
    for one in listed.first_steps():
        listed.finish_step(one, is_read=False)
    assert listed.parts_read().unread == set(map(Part, LISTED_KINDS))
    assert listed.parts_read().marks_after(MARKS) == MARKS

    listed, step = one_cluster()
    read_jobs(listed, step, shown())
    listed.finish_step(step)

    assert listed.parts_read().marks_after(MARKS) == Marks(MARKS.first, NOON - 5 * MINUTE)
