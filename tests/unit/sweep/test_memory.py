"""What an environment remembers between its sweeps: of open jobs, and of watched projects."""

import math

import pytest

from restore_watch.atlas.endpoints import AtlasList
from restore_watch.errors import AtlasUnavailableError
from restore_watch.model.marks import Part
from restore_watch.model.restore_job import RestoreKind
from restore_watch.sweep.find.memory_of_projects import FindMemory
from restore_watch.sweep.find.wake import kinds_woken_by
from restore_watch.sweep.memory_of_jobs import SweepMemory
from unit.atlas_answers import RESTORE_EVENTS
from unit.open_jobs import open_job
from unit.scripted_atlas import GROUP, Clock

FIRST, SECOND, THIRD = map(open_job, range(3))


@pytest.fixture
def memory(clock: Clock) -> SweepMemory:
    return SweepMemory(clock)


# Moments


def test_jobs_are_ordered_by_when_they_were_asked_about_the_unasked_first_in_any_order(
    memory: SweepMemory, clock: Clock
) -> None:
    """So a job that kills its environment is not the first to be asked about every time."""
    jobs = [open_job(number) for number in range(50)]
    assert memory.longest_unasked_first(jobs) != jobs

    memory.settled(FIRST)  # recorded by a list of its cluster, but never asked about
    for job in (THIRD, SECOND):
        memory.asked(job)
        clock.now += 1

    assert memory.longest_unasked_first([SECOND, THIRD, FIRST]) == [FIRST, THIRD, SECOND]


@pytest.mark.parametrize(
    ("waits", "missed"),
    [
        ((0, 300, 300), [0, 300, 600]),
        ((0, 7200, 7201, 300), [0, 7200, 0, 300]),
        ((0, -1000, 60), [0, 0, 60]),
    ],
    ids=["from the first 404", "a long time without an answer", "a clock that was set back"],
)
def test_a_missed_job_is_settled_and_missed_since_the_first_of_the_404s(
    memory: SweepMemory, clock: Clock, waits: tuple[int, ...], missed: list[int]
) -> None:
    seconds = []
    for wait in waits:
        clock.now += wait
        seconds.append(memory.missed(FIRST))
        assert memory.last_settled(FIRST) == clock.now
    assert seconds == missed

    memory.settled(FIRST)  # by another answer
    clock.now += 60
    assert memory.missed(FIRST) == 0


def test_jobs_that_are_no_longer_open_are_forgotten(memory: SweepMemory) -> None:
    for job in (FIRST, SECOND):
        memory.settled(job)
        memory.left_out(job)
    memory.asked(THIRD)

    memory.keep_only({SECOND.key, THIRD.key})

    assert [memory.last_settled(job) is None for job in (FIRST, SECOND, THIRD)] == [
        True,
        False,
        True,
    ]
    assert [memory.list_helps([job]) for job in (FIRST, SECOND)] == [True, False]


def test_a_failure_of_a_jobs_own_endpoint_lasts_until_that_endpoint_answers(
    memory: SweepMemory, clock: Clock
) -> None:
    job, error = open_job(), AtlasUnavailableError("down")
    memory.failed(job, error)
    clock.now += 99
    assert memory.lasting_failure(job) is None
    clock.now += 1
    memory.settled(job)

    assert memory.lasting_failure(job) is error
    memory.answered_alone(job)
    assert memory.lasting_failure(job) is None


def test_a_recorded_job_is_known_for_two_hours(memory: SweepMemory, clock: Clock) -> None:
    memory.recorded(FIRST.key)
    clock.now += 7199
    assert [memory.is_recorded(job.key) for job in (FIRST, SECOND)] == [True, False]

    clock.now += 1
    assert not memory.is_recorded(FIRST.key)


# Lists


def test_the_jobs_of_a_list_take_turns_to_be_asked_about_alone(
    memory: SweepMemory, clock: Clock
) -> None:
    turns = []
    for alone in (True, True, True, False, True):
        clock.now += 60
        (job,) = memory.turns([FIRST, SECOND, THIRD])
        turns.append(job)
        memory.asked(job, alone=alone)

    assert turns == [FIRST, SECOND, THIRD, FIRST, FIRST]


def test_the_jobs_whose_own_endpoints_fail_come_instead_the_longest_unasked_one_first(
    memory: SweepMemory, clock: Clock
) -> None:
    for job in (THIRD, SECOND):
        clock.now += 60
        memory.asked(job, alone=True)
        memory.failed(job, AtlasUnavailableError("503"))

    assert memory.turns([FIRST, SECOND, THIRD]) == (THIRD, SECOND)
    assert [memory.fails(job) for job in (FIRST, SECOND)] == [False, True]


def test_a_list_that_was_of_no_use_twice_is_not_asked_for_within_an_hour(
    memory: SweepMemory, clock: Clock
) -> None:
    """Each cluster and kind has its own list."""
    others = [open_job(cluster="carts"), open_job(kind=RestoreKind.DEDICATED)]
    helps = []
    for useful in (False, True, False, False):
        memory.list_was(FIRST, useful=useful)
        helps.append(memory.list_helps([FIRST]))
    assert helps == [True, True, True, False]
    assert [memory.list_helps([one]) for one in (SECOND, *others)] == [False, True, True]

    clock.now += 3599
    assert not memory.list_helps([FIRST])
    clock.now += 2
    assert memory.list_helps([FIRST])


def test_while_a_job_waits_for_a_turn_of_its_own_the_list_of_its_cluster_is_not_asked_for(
    memory: SweepMemory,
) -> None:
    memory.left_out(SECOND)
    assert [memory.list_helps([one, THIRD]) for one in (FIRST, SECOND)] == [True, False]

    memory.asked(SECOND)
    assert memory.list_helps([FIRST, SECOND, THIRD])


def test_a_limited_number_of_lists_is_remembered(memory: SweepMemory) -> None:
    jobs = [open_job(cluster=f"orders-{number}") for number in range(1001)]
    for job in jobs * 2:
        memory.list_was(job, useful=False)

    assert sum(not memory.list_helps([job]) for job in jobs) <= 1000


# Projects


LISTED_KINDS = (RestoreKind.FLEX, RestoreKind.DEDICATED, RestoreKind.COLLECTION)
FLEX, DEDICATED, COLLECTION = LISTED_KINDS
FLEX_CLUSTERS, CLUSTERS = AtlasList.FLEX_CLUSTERS, AtlasList.CLUSTERS
OTHER_GROUP = "5f0000000000000000000a02"
BOTH = {FLEX_CLUSTERS: ["orders"], CLUSTERS: ["carts", "users"]}
ORDERS, CARTS = Part(FLEX, "orders"), Part(FLEX, "carts")
EVENT, NEWER_EVENT = "1", "2"
"""Ids of events."""


@pytest.fixture
def found(clock: Clock) -> FindMemory:
    return FindMemory(clock)


# Projects


@pytest.mark.parametrize("projects", [[], [GROUP, OTHER_GROUP]], ids=len)
def test_the_list_of_projects_is_due_again_after_ten_minutes_and_if_the_clock_is_set_back(
    found: FindMemory, clock: Clock, projects: list[str]
) -> None:
    assert (found.projects_are_due, found.projects) == (True, None)

    found.list_of_projects(projects)
    read_at, are_due = clock.now, []
    for seconds in (0, 599, 600, -1):
        clock.now = read_at + seconds
        are_due.append(found.projects_are_due)

    assert are_due == [False, False, True, True]
    assert found.projects == frozenset(projects)


def test_of_a_project_that_is_not_watched_any_more_nothing_is_remembered(found: FindMemory) -> None:
    for group_id in (GROUP, OTHER_GROUP):
        found.unseen_events(group_id, [EVENT])
        found.read_again(group_id, [Part(FLEX)])
        found.tried(group_id, read=(), failing=(), aside=[ORDERS])

    found.keep_only({GROUP})

    assert found.unseen_events(GROUP, [EVENT]) == frozenset()
    assert found.unseen_events(OTHER_GROUP, [EVENT]) == {EVENT}
    found.read_again(GROUP, [ORDERS])
    assert found.to_read_again(GROUP) == {Part(FLEX), ORDERS}
    assert found.to_read_again(GROUP) == found.to_read_again(OTHER_GROUP) == set()
    assert found.aside(GROUP) == {ORDERS}
    assert found.aside(OTHER_GROUP) == frozenset()


# Events


def test_an_event_is_unseen_once_and_only_those_shown_last_are_remembered(
    found: FindMemory,
) -> None:
    """The others lie before the moment since which events are asked for."""
    shown = [[EVENT], [EVENT], [EVENT, NEWER_EVENT], [NEWER_EVENT], [EVENT]]

    unseen = [found.unseen_events(GROUP, events) for events in shown]

    assert unseen == [{EVENT}, set(), {NEWER_EVENT}, set(), {EVENT}]
    assert found.unseen_events(OTHER_GROUP, [EVENT]) == {EVENT}


WOKEN = {
    **dict.fromkeys(RESTORE_EVENTS[:3], (FLEX,)),
    **dict.fromkeys(RESTORE_EVENTS[3:], (DEDICATED, COLLECTION)),
    **dict.fromkeys(("", "FLEX_RESTORE_FAILED", "tenant_restore"), LISTED_KINDS),
    "TENANT": (FLEX,),
}


@pytest.mark.parametrize(("event_type", "kinds"), WOKEN.items(), ids=WOKEN)
def test_an_event_wakes_the_kinds_of_its_jobs_and_an_unknown_one_every_kind(
    event_type: str, kinds: tuple[RestoreKind, ...]
) -> None:
    assert kinds_woken_by(event_type) == kinds


# Listings


def test_projects_and_clusters_take_turns_those_that_were_never_asked_first(
    found: FindMemory, clock: Clock
) -> None:
    for part in (ORDERS, None, ORDERS):
        clock.now += 60
        found.asking(GROUP, part)

    turns = [ORDERS, None, CARTS]
    assert sorted(turns, key=lambda part: found.last_asked(GROUP, part)) == [CARTS, None, ORDERS]
    assert found.last_asked(OTHER_GROUP) == -math.inf


def test_of_too_many_the_one_that_was_asked_longest_ago_comes_first(found: FindMemory) -> None:
    for number in range(20_001):
        found.asking(str(number))

    assert found.last_asked("0") < found.last_asked("1")


def test_what_is_set_aside_stays_so_until_it_is_read_or_fails(found: FindMemory) -> None:
    users = Part(DEDICATED, "users")
    found.tried(GROUP, read=(), failing=(), aside=[ORDERS, CARTS, users])
    found.tried(GROUP, read=[ORDERS], failing=[users], aside=[Part(DEDICATED)])

    assert found.aside(GROUP) == {CARTS, Part(DEDICATED)}
    assert found.aside(OTHER_GROUP) == frozenset()
    assert [found.was_read(GROUP, part) for part in (ORDERS, CARTS)] == [True, False]
    assert not found.was_read(OTHER_GROUP, ORDERS)


# Clusters


def test_clusters_are_remembered_for_ten_minutes(found: FindMemory, clock: Clock) -> None:
    found.clusters_are(GROUP, BOTH)
    found.clusters_are(OTHER_GROUP, {FLEX_CLUSTERS: ()})
    clock.now += 599
    assert found.clusters_of(GROUP) == BOTH
    assert found.clusters_of(OTHER_GROUP) == {FLEX_CLUSTERS: ()}

    clock.now += 1
    assert found.clusters_of(GROUP) == {}


def test_each_list_of_clusters_has_its_own_age(found: FindMemory, clock: Clock) -> None:
    found.clusters_are(GROUP, BOTH)
    clock.now += 400
    found.clusters_are(GROUP, {CLUSTERS: ["carts"]})
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
    found: FindMemory, kinds: list[RestoreKind], left: set[AtlasList]
) -> None:
    found.clusters_are(GROUP, BOTH)
    found.clusters_are(OTHER_GROUP, BOTH)

    found.forget_clusters(GROUP, kinds)

    assert set(found.clusters_of(GROUP)) == left
    assert found.clusters_of(OTHER_GROUP) == BOTH
