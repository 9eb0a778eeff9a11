"""What an environment remembers of watched projects between its sweeps."""

import math

import pytest

from restore_watch.atlas.families import Family
from restore_watch.model.marks import Part
from restore_watch.model.restore_target import RestoreKind
from restore_watch.sweep.finding.memory_of_projects import ProjectMemory
from unit.records import (
    CLUSTERS,
    COLLECTION,
    DEDICATED,
    FLEX,
    FLEX_CLUSTERS,
    LISTED_KINDS,
    OTHER_GROUP,
)
from unit.scripted_atlas import GROUP, Clock

BOTH = {FLEX_CLUSTERS: ["orders"], CLUSTERS: ["carts", "users"]}
ORDERS, CARTS = Part(FLEX, "orders"), Part(FLEX, "carts")
EVENT, NEWER_EVENT = "1", "2"
"""Ids of events."""


@pytest.fixture
def found(clock: Clock) -> ProjectMemory:
    return ProjectMemory(clock)


# Projects


@pytest.mark.parametrize("projects", [[], [GROUP, OTHER_GROUP]], ids=len)
def test_the_list_of_projects_is_due_again_after_ten_minutes_and_if_the_clock_is_set_back(
    found: ProjectMemory, clock: Clock, projects: list[str]
) -> None:
    assert (found.were_projects_listed_within(600), found.projects) == (False, frozenset())

    found.store_projects(projects)
    read_at, listed = clock.now, []
    for seconds in (0, 599, 600, -1):
        clock.now = read_at + seconds
        listed.append(found.were_projects_listed_within(600))

    assert listed == [True, True, False, False]
    assert found.projects == frozenset(projects)


def test_of_a_project_that_is_not_watched_any_more_nothing_is_remembered(
    found: ProjectMemory,
) -> None:
    for group_id in (GROUP, OTHER_GROUP):
        found.take_unseen_events(group_id, [EVENT])
        found.add_to_read_again(group_id, [Part(FLEX)])
        found.note_tried(group_id, read=(), failing=(), aside=[ORDERS])

    found.keep_only({GROUP})

    assert found.take_unseen_events(GROUP, [EVENT]) == frozenset()
    assert found.take_unseen_events(OTHER_GROUP, [EVENT]) == {EVENT}
    found.add_to_read_again(GROUP, [ORDERS])
    assert found.take_to_read_again(GROUP) == {Part(FLEX), ORDERS}
    assert found.take_to_read_again(GROUP) == found.take_to_read_again(OTHER_GROUP) == set()
    assert found.aside(GROUP) == {ORDERS}
    assert found.aside(OTHER_GROUP) == frozenset()


# Events


def test_an_event_is_unseen_once_and_only_those_shown_last_are_remembered(
    found: ProjectMemory,
) -> None:
    """The others lie before the moment since which events are asked for."""
    shown = [[EVENT], [EVENT], [EVENT, NEWER_EVENT], [NEWER_EVENT], [EVENT]]

    unseen = [found.take_unseen_events(GROUP, events) for events in shown]

    assert unseen == [{EVENT}, set(), {NEWER_EVENT}, set(), {EVENT}]
    assert found.take_unseen_events(OTHER_GROUP, [EVENT]) == {EVENT}


# Listings


def test_projects_and_clusters_take_turns_those_that_were_never_asked_first(
    found: ProjectMemory, clock: Clock
) -> None:
    for part in (ORDERS, None, ORDERS):
        clock.now += 60
        found.note_turn(GROUP, part)

    turns = [ORDERS, None, CARTS]
    assert sorted(turns, key=lambda part: found.last_turn(GROUP, part)) == [CARTS, None, ORDERS]
    assert found.last_turn(OTHER_GROUP) == -math.inf


def test_of_too_many_the_one_that_was_asked_longest_ago_comes_first(found: ProjectMemory) -> None:
    for number in range(200_001):
        found.note_turn(str(number))

    assert found.last_turn("0") < found.last_turn("1")


def test_what_is_set_aside_stays_so_until_it_is_read_or_fails(found: ProjectMemory) -> None:
    users = Part(DEDICATED, "users")
    found.note_tried(GROUP, read=(), failing=(), aside=[ORDERS, CARTS, users])
    found.note_tried(GROUP, read=[ORDERS], failing=[users], aside=[Part(DEDICATED)])

    assert found.aside(GROUP) == {CARTS, Part(DEDICATED)}
    assert found.aside(OTHER_GROUP) == frozenset()
    assert [found.was_read(GROUP, part) for part in (ORDERS, CARTS)] == [True, False]
    assert not found.was_read(OTHER_GROUP, ORDERS)


# Clusters


def test_clusters_are_remembered_for_ten_minutes(found: ProjectMemory, clock: Clock) -> None:
    found.store_clusters(GROUP, BOTH)
    found.store_clusters(OTHER_GROUP, {FLEX_CLUSTERS: ()})
    clock.now += 599
    assert found.clusters_of(GROUP) == BOTH
    assert found.clusters_of(OTHER_GROUP) == {FLEX_CLUSTERS: ()}

    clock.now += 1
    assert found.clusters_of(GROUP) == {}


def test_each_list_of_clusters_has_its_own_age(found: ProjectMemory, clock: Clock) -> None:
    found.store_clusters(GROUP, BOTH)
    clock.now += 400
    found.store_clusters(GROUP, {CLUSTERS: ["carts"]})
    clock.now += 400

    assert found.clusters_of(GROUP) == {CLUSTERS: ["carts"]}


@pytest.mark.parametrize(
    ("kinds", "left"),
    [
        ([FLEX], {CLUSTERS}),
        ([DEDICATED], {FLEX_CLUSTERS}),
        ([COLLECTION], {FLEX_CLUSTERS}),
        (LISTED_KINDS, set()),
        ([], {FLEX_CLUSTERS, CLUSTERS}),
    ],
    ids=["flex", "dedicated", "collection", "all", "none"],
)
def test_what_wakes_a_kind_has_the_list_of_its_clusters_read_anew(
    found: ProjectMemory, kinds: list[RestoreKind], left: set[Family]
) -> None:
    found.store_clusters(GROUP, BOTH)
    found.store_clusters(OTHER_GROUP, BOTH)

    found.forget_clusters(GROUP, kinds)

    assert set(found.clusters_of(GROUP)) == left
    assert found.clusters_of(OTHER_GROUP) == BOTH
