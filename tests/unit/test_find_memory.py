"""What an environment remembers of watched projects between its sweeps."""

import math

import pytest

from restore_watch.atlas.endpoints import AtlasList
from restore_watch.atlas.projects import RESTORE_EVENTS
from restore_watch.model.jobs_of_interest import MARGIN
from restore_watch.model.marks import Part
from restore_watch.model.restore_job import RestoreKind
from restore_watch.sweep.find.listing_scope import LISTED_KINDS
from restore_watch.sweep.find.memory_of_projects import (
    CLUSTERS_KNOWN,
    PROJECTS_KNOWN,
    REMEMBERED,
    FindMemory,
)
from restore_watch.sweep.find.wake import kinds_woken_by
from unit.scripted_atlas import GROUP, Clock

FLEX, DEDICATED, COLLECTION = LISTED_KINDS
FLEX_CLUSTERS, CLUSTERS = AtlasList.FLEX_CLUSTERS, AtlasList.CLUSTERS
OTHER_GROUP = "5f0000000000000000000a02"
BOTH = {FLEX_CLUSTERS: ["orders"], CLUSTERS: ["carts", "users"]}
ORDERS, CARTS = Part(FLEX, "orders"), Part(FLEX, "carts")
FIRST, SECOND = "1", "2"
"""Ids of events."""


@pytest.fixture
def memory(clock: Clock) -> FindMemory:
    return FindMemory(clock)


# Projects


def test_the_list_of_projects_is_due_until_it_was_read(memory: FindMemory) -> None:
    assert memory.projects_are_due
    assert memory.projects is None


def test_the_list_of_projects_is_due_again_after_ten_minutes(
    memory: FindMemory, clock: Clock
) -> None:
    memory.list_of_projects([GROUP, OTHER_GROUP])
    are_due = []
    for seconds in (0, 599, 1):
        clock.now += seconds
        are_due.append(memory.projects_are_due)

    assert are_due == [False, False, True]
    assert memory.projects == frozenset({GROUP, OTHER_GROUP})
    assert PROJECTS_KNOWN == 600


def test_a_list_without_projects_is_known(memory: FindMemory) -> None:
    memory.list_of_projects([])

    assert memory.projects == frozenset()
    assert not memory.projects_are_due


def test_the_list_of_projects_is_due_after_the_clock_was_set_back(
    memory: FindMemory, clock: Clock
) -> None:
    memory.list_of_projects([GROUP])
    clock.now -= 1

    assert memory.projects_are_due


def test_of_a_project_that_is_not_watched_any_more_nothing_is_remembered(
    memory: FindMemory,
) -> None:
    for group_id in (GROUP, OTHER_GROUP):
        memory.unseen_events(group_id, [FIRST])
        memory.read_again(group_id, [Part(FLEX)])
        memory.tried(group_id, read=(), failing=(), aside=[ORDERS])

    memory.keep_only({GROUP})

    assert memory.unseen_events(GROUP, [FIRST]) == frozenset()
    assert memory.unseen_events(OTHER_GROUP, [FIRST]) == {FIRST}
    assert memory.to_read_again(GROUP) == {Part(FLEX)}
    assert memory.to_read_again(OTHER_GROUP) == set()
    assert memory.aside(GROUP) == {ORDERS}
    assert memory.aside(OTHER_GROUP) == frozenset()


# Events


def test_an_event_is_unseen_once(memory: FindMemory) -> None:
    assert memory.unseen_events(GROUP, [FIRST]) == {FIRST}
    assert memory.unseen_events(GROUP, [FIRST]) == frozenset()
    assert memory.unseen_events(GROUP, [FIRST, SECOND]) == {SECOND}


def test_each_project_has_its_own_events(memory: FindMemory) -> None:
    memory.unseen_events(GROUP, [FIRST])

    assert memory.unseen_events(OTHER_GROUP, [FIRST]) == {FIRST}


def test_only_the_events_that_were_shown_last_are_remembered(memory: FindMemory) -> None:
    """The others lie before the moment since which events are asked for."""
    for event in (FIRST, SECOND):
        memory.unseen_events(GROUP, [event])

    assert memory.unseen_events(GROUP, [SECOND]) == frozenset()
    assert memory.unseen_events(GROUP, [FIRST]) == {FIRST}


@pytest.mark.parametrize("event_type", RESTORE_EVENTS)
def test_every_event_that_is_asked_for_wakes_the_kinds_of_its_jobs(event_type: str) -> None:
    is_flex = event_type.startswith("TENANT_")

    assert kinds_woken_by(event_type) == ((FLEX,) if is_flex else (DEDICATED, COLLECTION))


@pytest.mark.parametrize("event_type", ["", "TENANT", "FLEX_RESTORE_FAILED", "tenant_restore"])
def test_an_event_of_an_unknown_type_wakes_every_kind(event_type: str) -> None:
    known = (FLEX,) if event_type == "TENANT" else LISTED_KINDS

    assert kinds_woken_by(event_type) == known


# What comes again


def test_what_is_read_again_is_read_once(memory: FindMemory) -> None:
    memory.read_again(GROUP, [Part(FLEX)])
    memory.read_again(GROUP, [ORDERS])
    memory.read_again(OTHER_GROUP, [])

    assert memory.to_read_again(OTHER_GROUP) == set()
    assert memory.to_read_again(GROUP) == {Part(FLEX), ORDERS}
    assert memory.to_read_again(GROUP) == set()


# Listings


def test_projects_and_clusters_take_turns_those_that_were_never_asked_first(
    memory: FindMemory, clock: Clock
) -> None:
    for part in (ORDERS, None, ORDERS):
        clock.now += 60
        memory.asking(GROUP, part)

    turns = [ORDERS, None, CARTS]
    assert sorted(turns, key=lambda part: memory.last_asked(GROUP, part)) == [CARTS, None, ORDERS]
    assert memory.last_asked(OTHER_GROUP) == -math.inf


def test_a_project_for_which_no_time_was_left_comes_first(memory: FindMemory) -> None:
    for group_id in (GROUP, OTHER_GROUP):
        memory.asking(group_id)
    memory.not_asked(OTHER_GROUP)

    assert sorted([GROUP, OTHER_GROUP], key=memory.last_asked) == [OTHER_GROUP, GROUP]


def test_of_too_many_the_one_that_was_asked_longest_ago_comes_first(memory: FindMemory) -> None:
    for number in range(REMEMBERED + 1):
        memory.asking(str(number))

    assert memory.last_asked("0") < memory.last_asked("1")


def test_what_is_set_aside_stays_so_until_it_is_read_or_fails(memory: FindMemory) -> None:
    users = Part(DEDICATED, "users")
    memory.tried(GROUP, read=(), failing=(), aside=[ORDERS, CARTS, users])
    memory.tried(GROUP, read=[ORDERS], failing=[users], aside=[Part(DEDICATED)])

    assert memory.aside(GROUP) == {CARTS, Part(DEDICATED)}
    assert memory.aside(OTHER_GROUP) == frozenset()
    assert [memory.was_read(GROUP, part) for part in (ORDERS, CARTS)] == [True, False]
    assert not memory.was_read(OTHER_GROUP, ORDERS)


# Clusters


def test_clusters_are_remembered_for_ten_minutes(memory: FindMemory, clock: Clock) -> None:
    memory.clusters_are(GROUP, BOTH)
    clock.now += 599
    assert memory.clusters_of(GROUP) == BOTH
    assert memory.clusters_of(OTHER_GROUP) == {}

    clock.now += 1
    assert memory.clusters_of(GROUP) == {}
    assert CLUSTERS_KNOWN == 600


def test_clusters_are_forgotten_before_a_new_one_has_a_job_older_than_the_margin() -> None:
    """A remembered list hides a new cluster. The margin takes in the jobs that it had meanwhile."""
    assert MARGIN.total_seconds() > CLUSTERS_KNOWN


def test_a_list_without_clusters_is_remembered(memory: FindMemory) -> None:
    memory.clusters_are(GROUP, {FLEX_CLUSTERS: ()})

    assert memory.clusters_of(GROUP) == {FLEX_CLUSTERS: ()}


def test_each_list_of_clusters_has_its_own_age(memory: FindMemory, clock: Clock) -> None:
    memory.clusters_are(GROUP, BOTH)
    clock.now += 400
    memory.clusters_are(GROUP, {CLUSTERS: ["carts"]})
    clock.now += 400

    assert memory.clusters_of(GROUP) == {CLUSTERS: ["carts"]}


@pytest.mark.parametrize(
    ("kinds", "left"),
    [
        ([FLEX], {CLUSTERS}),
        ([DEDICATED], {FLEX_CLUSTERS}),
        ([COLLECTION], {FLEX_CLUSTERS}),
        (LISTED_KINDS, set()),
        ([], {FLEX_CLUSTERS, CLUSTERS}),
    ],
    ids=str,
)
def test_what_wakes_a_kind_has_the_list_of_its_clusters_read_anew(
    memory: FindMemory, kinds: list[RestoreKind], left: set[AtlasList]
) -> None:
    memory.clusters_are(GROUP, BOTH)
    memory.clusters_are(OTHER_GROUP, BOTH)

    memory.forget_clusters(GROUP, kinds)

    assert set(memory.clusters_of(GROUP)) == left
    assert memory.clusters_of(OTHER_GROUP) == BOTH
