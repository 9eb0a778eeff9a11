"""Marks: how far the restores of a project are known, whatever ends or delays a listing."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime, timedelta

import pytest

from behaviour.projects import (
    BAD,
    ENDED,
    behind,
    ended_jobs,
    listed,
    mark,
    of,
    reported_once,
    unknown,
)
from behaviour.rows import rows
from foundation.errors import ApplicationError
from local_stack.atlas import EmulatedRestore
from local_stack.aws import aws_error
from local_stack.connections import Connections
from local_stack.environment import Environment
from local_stack.faults import Action, Answer, Reset
from local_stack.refusal import atlas_error
from local_stack.restores import date
from local_stack.running import Running
from local_stack.steps import (
    BEGIN_PROJECT,
    COLLECTION_LIST,
    FLEX_CLUSTERS,
    FLEX_LIST,
    MOVE_MARK,
    NOTE_WATCH,
    PUBLISH,
    QUESTION,
    RECORD,
    too_many_requests,
)
from local_stack.wire import Gate, Phase, Selection
from local_stack.world import Stored, World, within

cases = pytest.mark.parametrize

LEASE_IS_OVER = 66.0
"""Seconds after which the lease of a sweep that died, or takes long, has run out."""

# What happened before a sweep that dies or takes long


def listed_before(_world: World, successor: Environment) -> None:
    successor.tick()
    successor.world.pass_time(900)


def refused_for_minutes(world: World, successor: Environment) -> None:
    successor.tick()
    world.atlas.lock_out(world.group)
    successor.ticks(3)


def admitted_for_minutes(world: World, successor: Environment) -> None:
    refused_for_minutes(world, successor)
    successor.tick()
    world.atlas.admit(world.group)
    successor.ticks(3)


type Prepare = Callable[[World, Environment], None]

TELL_DEGRADED, TELL_RECOVERED = of(PUBLISH, "watch-degraded"), of(PUBLISH, "watch-recovered")

DEATHS: dict[str, tuple[Selection, Phase, Prepare | None]] = {
    "first-after-begin": (BEGIN_PROJECT, "after", None),
    "first-at-clusters": (FLEX_CLUSTERS, "before", None),
    "first-after-record": (RECORD, "after", None),
    "first-after-publish": (PUBLISH, "after", None),
    "first-before-move": (MOVE_MARK, "before", None),
    "first-after-move": (MOVE_MARK, "after", None),
    "later-at-a-list": (COLLECTION_LIST, "before", listed_before),
    "later-after-record": (RECORD, "after", listed_before),
    "later-before-move": (MOVE_MARK, "before", listed_before),
    "after-degraded": (NOTE_WATCH, "after", refused_for_minutes),
    "before-its-message": (TELL_DEGRADED, "before", refused_for_minutes),
    "after-its-message": (TELL_DEGRADED, "after", refused_for_minutes),
    "after-recovered": (NOTE_WATCH, "after", admitted_for_minutes),
    "before-that-message": (TELL_RECOVERED, "before", admitted_for_minutes),
    "after-that-message": (TELL_RECOVERED, "after", admitted_for_minutes),
}
"""Only a write leaves something behind if its answer is lost."""


@pytest.mark.fault("F1", "F2", "F66", "F76", "F78")
@cases(
    ("step", "phase", "prepare"),
    rows(DEATHS, "later-before-move", campaign=("first-after-move", "before-its-message")),
)
def test_a_sweep_that_dies_is_replaced_by_one_that_misses_nothing(
    world: World, patient: Connections, step: Selection, phase: Phase, prepare: Prepare | None
) -> None:
    if prepare:
        prepare(world, world.watching(by=patient))
    jobs = ended_jobs(world)
    running = [world.job(cluster="orders-flex", timeline=["RUNNING", "COMPLETED"])]
    running += [world.job("dedicated", f"other-{number}") for number in range(3)]
    doomed = world.watching()
    with world.death(doomed, step, phase):
        try:
            doomed.tick()
        except ApplicationError as error:
            world.said.append(repr(error))
    # No mark is past what was not recorded.
    began = min(datetime.fromtimestamp(int(job.restore_id[:8], 16), UTC) for job in jobs)
    is_all_recorded = all(world.item(job) for job in (*jobs, *running))
    assert is_all_recorded or not world.bookkeeping() or mark(world) <= began

    world.pass_time(LEASE_IS_OVER)
    successor = world.watching(by=patient)
    successor.tick()
    world.atlas.admit(world.group)
    assert successor.tick()["failures"] == []
    assert [world.stored(job) for job in jobs] == [ENDED] * 3
    assert [set(world.published(job)) for job in jobs] == [{"COMPLETED"}] * 3
    assert [world.stored(job) for job in running] == [Stored("RUNNING", 1, 1)] * 4
    # It goes on from there.
    running[0].advance()
    more = ended_jobs(world, cluster="more")
    successor.ticks(2, minutes=4)
    assert world.stored(running[0]) == Stored("COMPLETED", 2, 2)
    assert reported_once(world, more)
    assert behind(world) == set()
    said = [one.split(":", 1) for one in dict.fromkeys(world.published(world.group))]
    watched = prepare in {refused_for_minutes, admitted_for_minutes}
    assert [state for state, _ in said] == ["degraded", "recovered"] * watched
    assert len({since for _, since in said}) == watched
    assert world.bookkeeping().keys().isdisjoint({"unsent", "degraded", "troubles"})


@contextmanager
def slow_sweep(world: World, step: Selection) -> Iterator[tuple[Gate, Running[object]]]:
    """Within the block, a sweep waits at this step. Its lease has run out, its time has not."""
    slow = world.watching()
    world.pass_time(60)
    with world.hold(within(step, Selection(when=slow.by.made))) as gate:
        running = world.begin(lambda: slow.sweep(seconds=90))
        gate.wait_for(1)
        # The tick of another one takes a minute more.
        world.skew = 40
        yield gate, running


def remembered(world: World) -> dict[str, object]:
    """What the table knows of the project, but for the second at which the item may be deleted.

    Whoever writes last, early or late, keeps the item alive for longer.
    """
    return {name: value for name, value in world.bookkeeping().items() if name != "expiresAt"}


OUTLIVED: dict[str, tuple[Selection, Prepare | None, bool]] = {
    "begin": (BEGIN_PROJECT, None, True),
    "move": (MOVE_MARK, listed_before, True),
    "catch-up": (MOVE_MARK, None, False),
    "degraded": (NOTE_WATCH, refused_for_minutes, True),
    "recovered": (NOTE_WATCH, admitted_for_minutes, True),
}
"""The step at which a sweep waits, what happened before, and if the next one reads all lists."""


@pytest.mark.fault("F78", "F80")
@cases(("step", "prepare", "reads_all"), rows(OUTLIVED, "recovered"))
def test_a_sweep_that_outlives_its_lease_sets_nothing_back(
    world: World, patient: Connections, step: Selection, prepare: Prepare | None, *, reads_all: bool
) -> None:
    successor = world.watching(by=patient)
    if prepare:
        prepare(world, successor)
    with slow_sweep(world, step) as (gate, slow):
        jobs = ended_jobs(world)
        with nullcontext() if reads_all else world.inject(FLEX_LIST, Answer(503), times=None):
            successor.tick()
        before = remembered(world)
        gate.open()
        slow.end()
    assert remembered(world) == before
    world.atlas.admit(world.group)
    successor.ticks(2, minutes=4)

    assert reported_once(world, jobs)
    assert behind(world) == set()
    said = ["degraded", "recovered"] if step is NOTE_WATCH else []
    assert world.watch_said() == [(state, world.group) for state in said]


@pytest.mark.fault("F5", "F76")
def test_a_restore_that_one_environment_could_not_store_is_found_by_another(
    world: World, watching: Environment, patient: Connections
) -> None:
    other = world.watching(by=patient)
    for environment in (watching, other):
        environment.tick()
    (job,) = ended_jobs(world, "flex")
    throttled = aws_error("dynamodb", "ProvisionedThroughputExceededException", status=400)
    with world.inject(of(RECORD, job.restore_id), throttled, times=None):
        watching.tick(15)
    assert behind(world) == {"flex/orders-flex"}
    other.tick()

    assert reported_once(world, [job])


# What could not be read stays behind


def running_job(world: World, age: timedelta, cluster: str = "orders") -> EmulatedRestore:
    """A restore that runs since then."""
    return world.job(cluster=cluster, timeline=["RUNNING"], at=world.atlas.now() - age)


def two_pages(world: World) -> list[EmulatedRestore]:
    """A list with running jobs on both sides of the end of its first page."""
    jobs = [running_job(world, timedelta(days=5, hours=number)) for number in (1, 2)]
    world.atlas.add_ended_restores(world.group, "orders", "flex", 499, apart=timedelta(minutes=5))
    return jobs


FAILURES: dict[str, Action] = {
    "reset": Reset(),
    "out-of-order": Answer(503),
    "limited": too_many_requests({"Retry-After": "40"}),
    "refused": atlas_error(403, "USER_CANNOT_ACCESS_GROUP", "Not now."),
    "html": Answer(200, {"Content-Type": "text/html"}, "<html>"),
    "cut-off": Answer(200, {"Content-Type": "application/json"}, '{"results": [{"id": "6948'),
}


@pytest.mark.fault("F76", "F81")
@cases("failure", rows(FAILURES, "cut-off"))
def test_a_list_that_ends_between_two_pages_is_read_again(
    world: World, watching: Environment, failure: Action
) -> None:
    first, second = two_pages(world)
    (other,) = ended_jobs(world, "flex", cluster="other")
    page = Selection("atlas", "flex_list", lambda call: call.query.get("pageNum") == "2")
    with world.inject(page, failure, times=None):
        watching.tick()
    assert world.stored(first) == Stored("RUNNING", 1, 1)
    assert unknown(world, [second])
    item = world.bookkeeping()
    assert item["behind"]["flex/orders"] == item["firstMark"]

    result = world.watching().tick()
    assert result["failures"] == []
    assert [world.published(job) for job in (first, second)] == [["RUNNING"]] * 2
    assert reported_once(world, [other])
    assert behind(world) == set()


@pytest.mark.fault("F81")
@cases("gone", ["deleted", "upgraded", "unknown by any code"])
def test_a_cluster_that_stayed_behind_and_is_gone_holds_up_nothing(
    world: World, watching: Environment, gone: str
) -> None:
    running_job(world, timedelta(), "bad")
    unknown_404 = atlas_error(404, "RESOURCE_NOT_FOUND", "No such thing.")
    world.inject(of(FLEX_LIST, "/bad/"), Answer(503), times=None)
    watching.tick()
    assert behind(world) == {"flex/bad"}
    world.heal()
    if gone == "upgraded":
        world.atlas.add_cluster(world.group, "bad", "dedicated")
    else:
        world.atlas.remove_cluster(world.group, "bad")
    if gone == "unknown by any code":
        world.inject(of(FLEX_LIST, "/bad/"), unknown_404, times=None)
    watching.tick(16)

    assert watching.tick(16)["failures"] == []
    assert behind(world) == set()


@pytest.mark.campaign
@pytest.mark.fault("F81")
def test_clusters_for_which_no_time_was_left_are_read_by_the_next_sweep(
    world: World, watching: Environment
) -> None:
    jobs = [ended_jobs(world, "flex", cluster=f"orders-{number}")[0] for number in range(90)]
    # The calls of 32 threads that are under way leave time for the marks.
    with world.whenever(FLEX_LIST, lambda: world.pass_time(0.05)):
        watching.sweep(seconds=7)
    unread = {f"flex/{job.cluster}" for job in jobs if world.item(job) is None}
    assert unread
    assert unread <= behind(world)
    # What begins while a listing is under way, here for two seconds, is left to the next one.
    assert mark(world) < world.clock() - timedelta(seconds=1)
    successor = world.watching()
    successor.tick()

    assert {f"flex/{name}" for name in listed(world)} >= unread
    assert behind(world) == set()
    assert all(world.stored(job) == ENDED for job in jobs)


# Lists that show a restore, or its cluster, late


@pytest.mark.fault("F79", "F81")
@cases(
    "failed_before",
    rows({"a cluster that was read": False, "one that failed": True}, "one that failed"),
)
def test_a_cluster_that_its_list_leaves_out_for_less_than_an_hour_loses_no_restore(
    world: World, watching: Environment, *, failed_before: bool
) -> None:
    for name in ("good", "bad"):
        world.atlas.add_cluster(world.group, name, "flex")
    watching.tick()
    job = world.finished_job(cluster="bad")
    if failed_before:
        with world.inject(BAD, Answer(503), times=None):
            watching.ticks(3, minutes=16)
    without = Answer.json(200, {"results": [{"name": "good"}], "totalCount": 1})
    with world.inject(FLEX_CLUSTERS, without, times=None):
        watching.ticks(2, minutes=16)
    watching.ticks(2, minutes=16)

    assert reported_once(world, [job])


# How far back a listing reaches


@pytest.mark.fault("F77", "F79")
def test_a_first_listing_that_succeeds_much_later_begins_two_hours_before_the_first_attempt(
    world: World, watching: Environment
) -> None:
    now = world.atlas.now()
    old, recent = (
        world.finished_job(cluster="orders", at=now - timedelta(minutes=minutes))
        for minutes in (130, 50)
    )
    for job in (old, recent):
        job.set(restoreFinishedDate=date(now - timedelta(minutes=30)))
    with world.inject(QUESTION, Answer(503), times=None):
        watching.tick()
        jobs = ended_jobs(world)
        watching.ticks(2, minutes=150)
    world.watching().tick()

    assert reported_once(world, [recent, *jobs])
    assert unknown(world, [old])
