"""What an environment remembers of watched projects between its sweeps."""

import math

import pytest

from restore_watch.atlas.endpoints import AtlasList
from restore_watch.atlas.projects import RESTORE_EVENTS
from restore_watch.model.marks import MARGIN, Part
from restore_watch.model.restore_job import RestoreKind
from restore_watch.sweep.find.listing import LISTED_KINDS
from restore_watch.sweep.find.memory import (
    CLUSTERS_KNOWN,
    PROJECTS_KNOWN,
    FindMemory,
    kinds_woken_by,
)
from unit.scripted_atlas import GROUP, Clock

FLEX, DEDICATED, COLLECTION = LISTED_KINDS
FLEX_CLUSTERS, CLUSTERS = AtlasList.FLEX_CLUSTERS, AtlasList.CLUSTERS
OTHER_GROUP = "5f0000000000000000000a02"
BOTH = {FLEX_CLUSTERS: ["orders"], CLUSTERS: ["carts", "users"]}
ORDERS, CARTS = Part(FLEX, "orders"), Part(FLEX, "carts")
TENANT_EVENT = {"1": "TENANT_RESTORE_REQUESTED_AUDIT"}
CPS_EVENT = {"2": "CPS_RESTORE_FAILED"}


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
        memory.events_seen(group_id, TENANT_EVENT)
        memory.read_again(group_id, [Part(FLEX)])
        memory.tried(group_id, read=(), failing=(), aside=[ORDERS])
        memory.listing_was_due(group_id)

    memory.keep_only({GROUP})

    assert memory.events_seen(GROUP, TENANT_EVENT) == frozenset()
    assert memory.events_seen(OTHER_GROUP, TENANT_EVENT) == {FLEX}
    assert memory.to_read_again(GROUP) == {Part(FLEX)}
    assert memory.to_read_again(OTHER_GROUP) == set()
    assert memory.aside(GROUP) == {ORDERS}
    assert memory.aside(OTHER_GROUP) == frozenset()
    assert memory.last_tried(GROUP) > memory.last_tried(OTHER_GROUP) == -math.inf


# Events


def test_an_event_wakes_once(memory: FindMemory) -> None:
    assert memory.events_seen(GROUP, TENANT_EVENT) == {FLEX}
    assert memory.events_seen(GROUP, TENANT_EVENT) == frozenset()
    assert memory.events_seen(GROUP, TENANT_EVENT | CPS_EVENT) == {DEDICATED, COLLECTION}


def test_each_project_has_its_own_events(memory: FindMemory) -> None:
    memory.events_seen(GROUP, TENANT_EVENT)

    assert memory.events_seen(OTHER_GROUP, TENANT_EVENT) == {FLEX}


def test_only_the_events_that_were_shown_last_are_remembered(memory: FindMemory) -> None:
    """The others lie before the moment since which events are asked for."""
    for events in (TENANT_EVENT, CPS_EVENT):
        memory.events_seen(GROUP, events)

    assert memory.events_seen(GROUP, CPS_EVENT) == frozenset()
    assert memory.events_seen(GROUP, TENANT_EVENT) == {FLEX}


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


def test_a_project_that_was_never_listed_for_its_age_comes_first(
    memory: FindMemory, clock: Clock
) -> None:
    memory.listing_was_due(GROUP)

    assert memory.last_tried(GROUP) == clock.now
    assert memory.last_tried(OTHER_GROUP) < memory.last_tried(GROUP)


def test_projects_that_are_listed_for_their_age_take_turns(
    memory: FindMemory, clock: Clock
) -> None:
    for group_id in (GROUP, OTHER_GROUP, GROUP):
        clock.now += 60
        memory.listing_was_due(group_id)

    assert sorted([GROUP, OTHER_GROUP], key=memory.last_tried) == [OTHER_GROUP, GROUP]


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
