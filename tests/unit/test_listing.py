"""The steps that list one project, and what counts as read in the end."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import batched
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restore_watch.atlas.endpoints import AtlasList
from restore_watch.atlas.entries import cluster_entries, job_entries
from restore_watch.atlas.pages import Page
from restore_watch.atlas.rate_limits import Bucket
from restore_watch.model.jobs_of_interest import MARGIN
from restore_watch.model.marks import Marks, Part
from restore_watch.model.restore_job import RestoreKind
from restore_watch.sweep.find.listing import MORE_CLUSTERS, ProjectListing
from restore_watch.sweep.find.listing_scope import LISTED_KINDS, Wanted
from restore_watch.sweep.find.progress import Read
from restore_watch.sweep.find.steps import ClustersPage, JobsPage, ListingStep
from unit.open_jobs import NOON
from unit.scripted_atlas import GROUP

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

FLEX, DEDICATED, COLLECTION = LISTED_KINDS
ORDERS, CARTS = (Part(FLEX, name) for name in ("orders", "carts"))
FLEX_CLUSTERS, CLUSTERS = AtlasList.FLEX_CLUSTERS, AtlasList.CLUSTERS

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
    wanted = Wanted(GROUP, options.pop("marks", MARKS), NOON, lambda _: 0.0)
    for name in ("kinds", "clusters"):
        if name in options:
            options[name] = frozenset(options[name])
    return ProjectListing(replace(wanted, **options), began)


def one_cluster(**options: Any) -> tuple[ProjectListing, JobsPage]:
    """A listing of all kinds that has one Flex cluster left to read."""
    remembered: dict[AtlasList, Sequence[str]] = {FLEX_CLUSTERS: ["orders"], CLUSTERS: []}
    listed = listing(known=remembered, **options)
    (step,) = listed.first_steps()
    assert isinstance(step, JobsPage)
    return listed, step


def jobs_shown(listed: ProjectListing, step: JobsPage, page: Page) -> list[ListingStep]:
    """The step that follows from a page of jobs, if one does."""
    page = replace(page, at=step.at)
    return listed.jobs_shown(step, page, job_entries(page, step.part.kind).readable)


def pages(steps: Iterable[ListingStep]) -> list[int]:
    return [step.at.number for step in steps if isinstance(step, JobsPage)]


def ids(page: Page) -> set[str]:
    return {entry["id"] for entry in page.entries}


# The first steps


def test_a_listing_of_all_kinds_begins_with_both_lists_of_clusters() -> None:
    steps = listing().first_steps()

    assert {step.bucket for step in steps} == {
        Bucket(GROUP, FLEX_CLUSTERS),
        Bucket(GROUP, CLUSTERS),
    }


@pytest.mark.parametrize(
    ("kind", "which"),
    [(FLEX, FLEX_CLUSTERS), (DEDICATED, CLUSTERS), (COLLECTION, CLUSTERS)],
)
def test_a_listing_of_one_kind_reads_only_the_list_of_its_clusters(
    kind: RestoreKind, which: AtlasList
) -> None:
    listed = listing(kinds=[kind])
    (step,) = listed.first_steps()

    assert isinstance(step, ClustersPage)
    assert step.which is which
    (jobs,) = listed.clusters_shown(step, clusters("orders"))
    assert jobs.bucket == Bucket(GROUP, kind)
    assert not listed.wanted.is_full


def test_a_dedicated_cluster_has_two_lists_of_jobs() -> None:
    listed = listing()
    step = next(one for one in listed.first_steps() if one.bucket.family is CLUSTERS)
    assert isinstance(step, ClustersPage)

    steps = listed.clusters_shown(step, clusters("orders"))

    assert {one.bucket.family for one in steps} == {DEDICATED, COLLECTION}


def test_remembered_clusters_cost_no_call() -> None:
    remembered = {FLEX_CLUSTERS: ["orders", "carts", "orders"], CLUSTERS: []}
    steps = listing(known=remembered).first_steps()

    assert {step.part for step in steps if isinstance(step, JobsPage)} == {ORDERS, CARTS}
    assert len(steps) == 2


def test_a_project_without_clusters_is_read_without_a_step() -> None:
    listed = listing(known={FLEX_CLUSTERS: [], CLUSTERS: []}, began=NOON)

    assert listed.first_steps() == []
    assert listed.read() == Read(
        NOON, frozenset(map(Part, LISTED_KINDS)), frozenset(), is_full=True
    )


def test_what_has_stayed_behind_longest_comes_first() -> None:
    names = [f"orders-{number}" for number in range(9)]
    behind = {Part(FLEX, name): MARK - number * MINUTE for number, name in enumerate(names)}
    marks = Marks(MARKS.first, MARK, behind)

    steps = listing(marks=marks, kinds=[FLEX], known={FLEX_CLUSTERS: names}).first_steps()

    parts = [step.part for step in steps if isinstance(step, JobsPage)]
    assert parts == sorted(behind, key=lambda part: behind[part])


def test_a_kind_that_stayed_behind_longest_comes_before_clusters_of_another() -> None:
    late = Part(DEDICATED, "orders")
    marks = Marks(MARKS.first, MARK, {Part(FLEX): MARK - HOUR, late: MARK - MINUTE})

    steps = listing(marks=marks, kinds=[FLEX], clusters=[late]).first_steps()

    assert [step.bucket.family for step in steps] == [FLEX_CLUSTERS, DEDICATED]


def test_clusters_with_the_same_mark_come_in_any_order() -> None:
    """So the time that a sweep has is not spent on the same clusters every time."""
    names = [f"orders-{number}" for number in range(50)]
    steps = listing(kinds=[FLEX], known={FLEX_CLUSTERS: names}).first_steps()
    order = [step.part.cluster_name for step in steps if isinstance(step, JobsPage)]

    assert order != names
    assert sorted(map(str, order)) == sorted(names)


# Clusters


def test_a_list_of_clusters_that_goes_on_is_taken_in_and_not_read_to_its_end() -> None:
    listed = listing(kinds=[FLEX])
    (step,) = listed.first_steps()
    assert isinstance(step, ClustersPage)

    (jobs,) = listed.clusters_shown(step, clusters("orders", has_next=True))

    assert isinstance(jobs, JobsPage)
    assert jobs.part == ORDERS
    assert str(listed.failures[FLEX_CLUSTERS]) == MORE_CLUSTERS
    listed.finished(step)
    assert listed.cluster_names == {}
    assert Part(FLEX) in listed.read().unread


def test_a_page_of_jobs_without_entries_is_the_last_even_if_a_next_one_is_linked() -> None:
    listed, jobs = one_cluster()

    assert jobs_shown(listed, jobs, shown(has_next=True)) == []


@pytest.mark.parametrize(
    "entry",
    [
        None,
        "orders",
        ["orders"],
        {},
        *({"name": name} for name in (None, 7, "", "../groups", "a/b", "a?b", "a%2fb", "a\n")),
        {"name": "a" * 65},
    ],
    ids=repr,
)
def test_a_name_that_would_change_a_path_is_not_used_and_its_list_not_read(entry: Any) -> None:
    listed = listing(kinds=[FLEX])
    (step,) = listed.first_steps()
    assert isinstance(step, ClustersPage)

    steps = listed.clusters_shown(step, shown(entry, {"name": "orders"}))

    assert [one.part for one in steps if isinstance(one, JobsPage)] == [ORDERS]
    (failure,) = listed.failures.values()
    assert str(failure) == "An entry in the list of Flex clusters has no usable name"
    listed.finished(step)
    assert listed.cluster_names == {}
    assert Part(FLEX) in listed.read().unread


def test_remembered_names_are_not_remembered_again() -> None:
    """Otherwise they would never be read anew."""
    listed, _ = one_cluster()

    assert listed.cluster_names == {}


# How far a list is read


def test_reading_stops_when_the_jobs_descend_past_the_mark() -> None:
    listed, step = one_cluster()

    assert pages(jobs_shown(listed, step, shown(job(NEW), job(OLD), has_next=True))) == []


@pytest.mark.parametrize(
    "created",
    [(NEW, NEW), (OLD, NEW), (OLD, NEW, OLD), (OLD - DAY, OLD), (MARK - MARGIN,)],
    ids=["not past it", "ascending", "mixed", "old and ascending", "just reached"],
)
def test_reading_goes_on_if_a_newer_job_may_follow(created: tuple[datetime, ...]) -> None:
    listed, step = one_cluster()
    entries = [job(moment, number) for number, moment in enumerate(created)]

    assert pages(jobs_shown(listed, step, shown(*entries, has_next=True))) == [2]


def test_a_list_that_once_ascended_is_read_to_the_end() -> None:
    listed, step = one_cluster()
    (second,) = jobs_shown(listed, step, shown(job(OLD - DAY), job(OLD), has_next=True))
    assert isinstance(second, JobsPage)

    (third,) = jobs_shown(listed, second, shown(job(OLD - 2 * DAY), has_next=True))

    assert pages([third]) == [3]


def test_an_order_is_followed_over_pages_that_have_shifted() -> None:
    """A new job pushed the last one of the first page to the second, which shows it again."""
    listed, step = one_cluster()
    *_, second = jobs_shown(listed, step, shown(job(NEW), has_next=True))
    assert isinstance(second, JobsPage)

    assert pages(jobs_shown(listed, second, shown(job(NEW), job(OLD), has_next=True))) == []


def test_a_second_page_with_a_newer_job_than_the_first_one_shows_that_jobs_do_not_descend() -> None:
    listed, step = one_cluster()
    (second,) = jobs_shown(listed, step, shown(job(MARK - 14 * MINUTE), has_next=True))
    assert isinstance(second, JobsPage)

    steps = jobs_shown(listed, second, shown(job(NEW), job(OLD), has_next=True))

    assert pages(steps) == [3]


def test_the_tries_of_a_page_are_not_those_of_the_next() -> None:
    listed, _ = one_cluster()
    tried = JobsPage(GROUP, ORDERS, tries=1)

    (*_, following) = jobs_shown(listed, tried, shown(job(NEW), has_next=True))

    assert following.tries == 0


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
    since = MARK - MARGIN if marks is MARKS else NOON - 7 * DAY

    seen: set[str] = set()
    steps: list[ListingStep] = [first]
    while steps:
        step = steps.pop()
        assert isinstance(step, JobsPage)
        page = shown(*parts[step.at.number - 1], has_next=step.at.number < len(parts))
        seen |= ids(page)
        steps += jobs_shown(listed, step, page)
        assert listed.finished(step) is (not steps)

    assert seen >= {
        id_at(moment, number) for number, moment in enumerate(created) if moment >= since
    }
    assert ORDERS in listed.read().read


# When it began


@pytest.mark.parametrize(
    ("date", "began"),
    [(NOON - MINUTE, NOON - MINUTE), (NOON + MINUTE, NOON), (None, NOON)],
    ids=["earlier", "a clock that is fast", "no date"],
)
def test_a_listing_begins_with_the_first_answer_by_the_clock_of_atlas_but_not_in_the_future(
    date: datetime | None, began: datetime
) -> None:
    listed, step = one_cluster()
    page = shown(job(OLD), job(OLD + MINUTE), has_next=True, date=date)
    (second,) = jobs_shown(listed, step, page)
    assert isinstance(second, JobsPage)
    jobs_shown(listed, second, shown(date=NOON - HOUR))

    assert listed.read().began == began


@pytest.mark.parametrize(
    ("asked", "began"),
    [(NOON - 2 * MINUTE, NOON - 2 * MINUTE), (NOON + HOUR, NOON)],
    ids=["earlier", "a clock that is fast"],
)
def test_a_listing_that_events_have_woken_began_with_them(asked: datetime, began: datetime) -> None:
    listed, step = one_cluster(began=asked)
    jobs_shown(listed, step, shown())

    assert listed.read().began == began


# What was read


def test_a_listing_is_done_with_its_last_step() -> None:
    listed = listing(kinds=[FLEX])
    (step,) = listed.first_steps()
    assert isinstance(step, ClustersPage)
    jobs = listed.clusters_shown(step, clusters("orders", "carts"))

    assert [listed.finished(one) for one in (step, *jobs)] == [False, False, True]
    assert listed.read().read == {ORDERS, CARTS, Part(FLEX)}


def test_a_cluster_is_read_when_its_last_page_is() -> None:
    listed, step = one_cluster()
    (second,) = jobs_shown(listed, step, shown(job(NEW), has_next=True))
    listed.finished(step)
    assert ORDERS in listed.read().unread

    assert listed.finished(second)
    assert ORDERS in listed.read().read


def test_a_page_of_which_a_job_could_not_be_taken_in_leaves_its_cluster_unread() -> None:
    listed, step = one_cluster()
    jobs_shown(listed, step, shown(job(NEW)))
    listed.finished(step, is_read=False)

    assert listed.read().unread == {ORDERS}


def test_a_listing_without_an_answer_moves_no_mark() -> None:
    listed, step = one_cluster()
    listed.finished(step, is_read=False)

    assert listed.read().began is None
    assert listed.read().moves(MARKS) == MARKS


def test_a_listing_that_read_nothing_moves_no_mark() -> None:
    listed = listing(began=NOON)
    for step in listed.first_steps():
        listed.finished(step, is_read=False)

    assert listed.read().unread == set(map(Part, LISTED_KINDS))
    assert listed.read().moves(MARKS) == MARKS


def test_a_complete_listing_moves_the_mark_of_the_project() -> None:
    listed, step = one_cluster()
    jobs_shown(listed, step, shown())
    listed.finished(step)

    assert listed.read().moves(MARKS) == Marks(MARKS.first, NOON - 5 * MINUTE)


def test_a_cluster_of_a_kind_that_is_listed_is_not_listed_twice() -> None:
    listed = listing(kinds=[FLEX], clusters=[ORDERS], known={FLEX_CLUSTERS: ["orders"]})

    assert len(listed.first_steps()) == 1


entries = st.one_of(
    st.sampled_from([None, {}, {"id": "x"}, {"name": "../x"}, {"name": 7}]),
    st.sampled_from(["orders", "carts", "users"]).map(lambda name: {"name": name}),
    st.sampled_from([OLD, NEW]).map(job),
)
answers = st.builds(
    Page, st.lists(entries, max_size=3), st.booleans(), st.none() | st.just(NOON - MINUTE)
)
outcomes = st.tuples(st.integers(0, 9), st.sampled_from(["gone", "fails", "hangs"]) | answers)
"""Which of the open steps is taken, and how that ends."""


@given(
    st.sets(st.sampled_from(LISTED_KINDS)),
    st.sets(st.sampled_from([ORDERS, CARTS, Part(DEDICATED, "orders")])),
    st.none() | st.just({FLEX_CLUSTERS: ["orders", "users"]}),
    st.lists(outcomes, max_size=25),
)
def test_nothing_counts_as_read_of_which_a_step_failed_or_is_not_finished(
    kinds: set[RestoreKind],
    behind: set[Part],
    remembered: dict[AtlasList, Sequence[str]] | None,
    events: list[tuple[int, str | Page]],
) -> None:
    listed = listing(kinds=kinds, clusters=behind, known=remembered or {})
    steps = listed.first_steps()
    seen, failed = [*steps], set[Part]()

    for number, outcome in events:
        if not steps:
            break
        step = steps.pop(number % len(steps))
        if outcome == "hangs":
            steps.append(step)
            continue
        if isinstance(outcome, Page):
            more = (
                listed.clusters_shown(step, outcome)
                if isinstance(step, ClustersPage)
                else jobs_shown(listed, step, outcome)
            )
            steps += more
            seen += more
            if _stays_unread(step, outcome):
                failed.update(parts_of(step, kinds))
        if outcome == "fails":
            failed.update(parts_of(step, kinds))
        assert listed.finished(step, is_read=outcome != "fails") is (not steps)

    read = listed.read()
    left = {part for step in steps for part in parts_of(step, kinds)}
    every = {part for step in seen for part in parts_of(step, kinds)} | set(map(Part, kinds))
    assert read.unread == failed | left
    assert read.read == every - read.unread


def _stays_unread(step: ClustersPage | JobsPage, page: Page) -> bool:
    """An entry has no usable name, or more follows a page of clusters or one that shows no news."""
    if isinstance(step, JobsPage):
        ids = {entry.id for entry in job_entries(page, step.part.kind).readable}
        return page.has_next and ids <= step.known
    return page.has_next or bool(cluster_entries(page, step.which).unreadable)


def parts_of(step: ListingStep, kinds: Iterable[RestoreKind]) -> set[Part]:
    """What is not read as long as this step is not finished."""
    if not isinstance(step, ClustersPage):
        return {step.part}
    flex_only = {FLEX} if step.which is FLEX_CLUSTERS else {DEDICATED, COLLECTION}
    return {Part(kind) for kind in kinds if kind in flex_only}
