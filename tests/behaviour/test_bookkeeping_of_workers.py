"""Several workers: each reads its part of the bookkeeping, and one the list of all projects."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from behaviour.test_workers import FIRST, SECOND, project_of, sweeps
from local_stack.atlas import EmulatedRestore
from local_stack.environment import Environment
from local_stack.steps import BEGIN_PROJECT, EVENTS, FLEX, MOVE_PROJECT, QUERY, QUESTION, about
from local_stack.wire import Answer, Phase, Selection
from local_stack.world import World, within
from restore_watch.errors import RestoreWatchError
from restore_watch.model.status_change import utc_text

cases = pytest.mark.parametrize

OF_1_0_0 = Path(__file__).parents[1] / "deployed" / "items_of_1_0_0.json"
LIST = Selection("atlas", "projects")
BEGIN = Selection(
    "dynamodb", "UpdateItem", lambda c: BEGIN_PROJECT.covers(c) and not MOVE_PROJECT.covers(c)
)
EXPIRE = Selection("dynamodb", "UpdateItem", lambda call: b'"SET #expiresAt' in call.body)


@contextmanager
def silent(world: World, project: str) -> Iterator[None]:
    """Atlas does not answer for this project."""
    with world.inject(within(QUESTION, about(project)), Answer(503), times=None):
        yield


def degraded(world: World, project: str, environment: Environment) -> None:
    """The project was reported, and nobody has looked since."""
    with silent(world, project):
        for _ in range(5):
            sweeps(world, environment)
    assert world.watch_said()[-1] == ("degraded", project)


def assert_said_once(world: World, project: str) -> None:
    """There was one outage, of which every message has the same moment."""
    states, moments = zip(*(one.split(":", 1) for one in world.published(project)), strict=True)
    assert (set(states), len(set(moments))) == ({"degraded", "recovered"}, 1)


def test_a_worker_reads_its_own_projects_and_nobody_elses(world: World) -> None:
    projects = [project_of(number, 16) for number in range(16)]
    environment = world.watching(*projects, workers=4)
    sweeps(world, environment)
    names = [item["restoreId"] for item in world.items() if item["restoreId"][:6] == "share/"]
    for worker in range(4):
        world.stack.forget_calls()
        environment.sweep(worker=worker)
        queries = [json.loads(one.body)["ExpressionAttributeValues"] for one in world.calls(QUERY)]
        parts = [(one[":first"]["S"], one[":last"]["S"]) for one in queries if ":first" in one]
        read = {one for one in names if any(first <= one <= last for first, last in parts)}
        assert {one[8:] for one in read} == set(projects[4 * worker : 4 * worker + 4])
        assert (len(queries), world.count(QUESTION)) == (3 + 1, 4)


# An update, and another number of workers


def put_items_of_1_0_0(world: World) -> list[EmulatedRestore]:
    """Put them as if they were of a minute ago. Return their restores, which have ended since."""
    then = datetime.fromisoformat("2026-11-28T22:28:31.000000Z")
    later = world.clock() - timedelta(minutes=1) - then
    moments = re.compile(r"\d{4}-\d\d-\d\dT[\d:]{8}(?:\.\d+)?Z")
    text = moments.sub(
        lambda found: utc_text(datetime.fromisoformat(found[0]) + later), OF_1_0_0.read_text()
    )
    restores = []
    for item in json.loads(text):
        world.aws.client("dynamodb").put_item(TableName=world.stack.table_name, Item=item)
        if "kind" in item:
            of = (item[name]["S"] for name in ("groupId", "clusterName", "kind"))
            restores.append(world.atlas.start_restore(*of, restore_id=item["restoreId"]["S"]))
            restores[-1].run_to_end()
    return restores


@pytest.mark.fault("M2")
@cases("watched", [pytest.param("named", marks=pytest.mark.campaign), "all"])
@cases("workers", [pytest.param(1, marks=pytest.mark.campaign), 4])
def test_an_update_from_1_0_0_goes_on_with_every_mark_job_and_outage(
    world: World, workers: int, watched: str
) -> None:
    failing = project_of(3, 4)
    degraded(world, failing, world.watching(failing))
    world.rewrite_bookkeeping(failing, failingSince=None)  # which 1.0.0 did not store
    jobs = put_items_of_1_0_0(world)
    projects = [jobs[0].group_id, failing]
    world.atlas.add_project(projects[0])
    before = {one: world.bookkeeping(one) for one in projects}
    ids = "all" if watched == "all" else projects
    environment = world.environment(project_ids=ids, workers=workers)

    with silent(world, failing):
        for _ in range(4):
            sweeps(world, environment)
            assert world.count(BEGIN) == 0
    for _ in range(5):
        sweeps(world, environment)

    assert [world.published(one)[-1] for one in jobs] == ["COMPLETED"] * 3
    assert not any(world.is_open(one) for one in jobs)
    for one in projects:
        after = world.bookkeeping(one)
        assert after["firstMark"] == before[one]["firstMark"]
        assert after["mark"] > before[one]["mark"]
    assert_said_once(world, failing)
    assert len(world.watch_said()) == 2


@pytest.mark.fault("M2")
def test_a_change_of_the_number_loses_no_mark_and_no_outage(world: World) -> None:
    """Each time, somebody has restored something since the last sweep, hours ago."""
    failing, other = project_of(3, 4), project_of(1, 4)
    degraded(world, failing, world.watching(failing, other))
    mark = world.bookkeeping(other)["mark"]
    for workers in (4, 2, 1):
        world.pass_time(2 * 3600)
        job = world.finished_job(group=other)
        world.pass_time(3600)
        environment = world.watching(failing, other, workers=workers)
        with silent(world, failing):
            sweeps(world, environment)
            sweeps(world, environment, 15)
        assert world.published(job) == ["COMPLETED"]
        assert (before := mark) < (mark := world.bookkeeping(other)["mark"]), before
    for _ in range(5):
        sweeps(world, environment)
    assert_said_once(world, failing)


@pytest.mark.fault("M2")
@cases("watched", [pytest.param("named", marks=pytest.mark.campaign), "all"])
def test_an_outage_of_a_week_with_one_worker_goes_on_with_several_as_before(
    world: World, watched: str
) -> None:
    """The other worker sweeps before the first one has moved back what was moved before."""
    failing, other = project_of(SECOND), project_of(FIRST)
    sweeps(world, world.watching(failing, other, workers=2))
    degraded(world, failing, world.watching(failing, other))
    ids = "all" if watched == "all" else (failing, other)
    environment = world.environment(project_ids=ids, workers=2)
    with silent(world, failing):
        environment.sweep(worker=SECOND)
        for _ in range(3):
            sweeps(world, environment)
    for _ in range(6):
        sweeps(world, environment)
    assert_said_once(world, failing)


@contextmanager
def older_version(world: World) -> Iterator[None]:
    """1.1.0 sees no item that has the key of several workers."""
    table, client = {"TableName": world.stack.table_name}, world.aws.client("dynamodb")
    items = [i for i in client.scan(**table)["Items"] if i["restoreId"]["S"].startswith("share/")]
    for item in items:
        client.delete_item(**table, Key={name: item[name] for name in ("cluster", "restoreId")})
    yield
    for item in items:
        client.put_item(**table, Item=item)


@pytest.mark.fault("M2")
@pytest.mark.campaign
def test_a_step_back_and_a_later_update_lose_no_mark_and_no_outage(world: World) -> None:
    healed, failing = project_of(0, 4), project_of(3, 4)
    old, new = (world.watching(healed, failing, workers=workers) for workers in (1, 4))
    degraded(world, healed, old)
    with silent(world, healed):
        sweeps(world, new)
    with older_version(world):
        old.ticks(5)
        degraded(world, failing, old)
        job = world.finished_job(group=healed)
        old.tick(15)
    for _ in range(6):
        sweeps(world, new)

    assert_said_once(world, healed)
    assert_said_once(world, failing)
    assert len(world.watch_said()) == 4
    assert world.published(job) == ["COMPLETED"]


@pytest.mark.fault("M2")
@pytest.mark.campaign
@cases("beside", [older_version, nullcontext], ids=["older version", "one worker"])
def test_a_sweep_of_one_worker_beside_those_of_several_does_no_harm(
    world: World, beside: Callable[[World], AbstractContextManager[object]]
) -> None:
    seen, failing = project_of(0, 4), project_of(3, 4)
    old, new = (world.watching(seen, failing, workers=workers) for workers in (1, 4))
    jobs = []
    with silent(world, failing):
        for _ in range(6):
            with beside(world):
                old.tick(0.5)
            jobs.append(world.finished_job(group=seen))
            sweeps(world, new)
    for _ in range(6):
        sweeps(world, new, 5)
    assert [world.published(job) for job in jobs] == [["COMPLETED"]] * 6
    assert_said_once(world, failing)


@pytest.mark.fault("M2")
@cases("watched", [pytest.param("named", marks=pytest.mark.campaign), "all"])
def test_a_worker_that_sweeps_before_the_first_has_moved_its_projects_loses_no_mark(
    world: World, watched: str
) -> None:
    project = project_of(SECOND)
    world.watching(project).tick()
    running = world.recorded_job(group=project)
    world.pass_time(2 * 3600)
    job = world.finished_job(group=project)
    world.pass_time(2 * 3600)
    ids = "all" if watched == "all" else [project]
    environment = world.environment(project_ids=ids, workers=2)

    with world.inject(within(FLEX, about(project)), Answer(503), times=None):
        environment.sweep(worker=SECOND)
    for worker in (FIRST, SECOND):
        environment.sweep(worker=worker)
    assert (world.is_open(running), world.published(job)) == (True, ["COMPLETED"])


@pytest.mark.fault("M2")
@cases(
    "step",
    [MOVE_PROJECT, pytest.param(EXPIRE, marks=pytest.mark.campaign)],
    ids=["moved", "expired"],
)
@cases("phase", ["before", "after"])
def test_a_move_that_dies_at_any_step_is_made_up_for(
    world: World, step: Selection, phase: Phase
) -> None:
    project = project_of(SECOND)
    degraded(world, project, world.watching(project))
    before = world.bookkeeping(project)
    doomed, environment = (world.environment(project_ids=[project], workers=2) for _ in range(2))
    with world.death(doomed, step, phase), suppress(RestoreWatchError):
        doomed.tick()
    world.pass_time(130)  # until its lease has run out
    for _ in range(6):
        sweeps(world, environment)

    assert world.bookkeeping(project)["firstMark"] == before["firstMark"]
    assert_said_once(world, project)


@pytest.mark.fault("F89", "M2")
def test_an_attribute_of_somebody_elses_is_in_the_way_of_no_move(world: World) -> None:
    project = project_of(SECOND)
    world.watching(project).tick()
    before = world.bookkeeping(project)
    world.rewrite_bookkeeping(project, **{"who-is-this?": "ours"})
    environment = world.watching(project, workers=2)
    for _ in range(2):
        sweeps(world, environment)
    assert world.bookkeeping(project)["firstMark"] == before["firstMark"]


def test_moving_ends_after_a_while_and_the_next_sweep_goes_on_with_it(world: World) -> None:
    projects = [project_of(FIRST) for _ in range(3)]
    world.watching(*projects).tick()
    environment = world.environment(project_ids=projects, workers=2)
    with world.whenever(MOVE_PROJECT, lambda: world.pass_time(16)):
        sweeps(world, environment)
    assert (world.count(MOVE_PROJECT), world.count(EVENTS), world.count(BEGIN)) == (1, 3, 0)
    for left in (2, 0):
        sweeps(world, environment)
        assert (world.count(MOVE_PROJECT), world.count(EVENTS), world.count(BEGIN)) == (left, 3, 0)


# The list of all projects


def watching_all(world: World, *workers: int) -> tuple[Environment, list[str]]:
    """A cold start for two workers, and new projects of these, which it has seen."""
    projects = [project_of(one) for one in workers]
    for project in projects:
        world.atlas.add_project(project)
    environment = world.environment(project_ids="all", workers=2)
    sweeps(world, environment)
    return environment, projects


def test_the_first_worker_reads_the_list_for_all_every_ten_minutes(world: World) -> None:
    environment, old = watching_all(world, FIRST, SECOND)
    other = world.environment(project_ids="all", workers=2)
    jobs = [world.job(group=project_of(one)) for one in (FIRST, SECOND)]
    lists = 0
    for sweep in range(11):
        sweeps(world, (other, environment)[sweep % 2], minutes=2)
        lists += world.count(LIST)
    assert lists == 2
    assert [world.published(job) for job in jobs] == [["PENDING"]] * 2
    projects = [*old, *(job.group_id for job in jobs)]
    assert world.count(EVENTS) == world.count(within(EVENTS, about(*projects))) == 4


@pytest.mark.campaign
@pytest.mark.fault("F78", "F93")
def test_a_project_of_another_worker_is_missed_by_two_lists_and_dropped_after_a_day(
    world: World,
) -> None:
    environment, (gone, *others) = watching_all(world, SECOND, FIRST, SECOND)
    for one in (gone, *others[:1]):
        world.atlas.hide_project(one)
    sweeps(world, environment, 11)
    for one in (gone, *others[:1]):
        world.atlas.show_project(one)
    for _ in range(4):
        sweeps(world, environment)
    assert world.watch_said() == []

    world.atlas.remove_project(gone)
    for minutes in (11, 1, 1, 2):
        sweeps(world, environment, minutes)
    assert world.watch_said() == [("degraded", gone)]
    # What was reported needs no second look at the list.
    for minutes, lists, is_known in (
        (1, 1, True),
        (1, 0, True),
        (23 * 60, 1, True),
        (61, 1, False),
    ):
        sweeps(world, environment, minutes)
        assert (world.count(LIST), "mark" in world.bookkeeping(gone)) == (lists, is_known)
    assert_said_once(world, gone)


@pytest.mark.fault("M1")
@pytest.mark.campaign
def test_without_the_first_worker_the_others_go_on_with_what_they_know(world: World) -> None:
    environment, (known, gone) = watching_all(world, SECOND, SECOND)
    world.atlas.hide_project(gone)
    for minutes in (11, 1, 1, 2):
        sweeps(world, environment, minutes)
    assert world.watch_said() == [("degraded", gone)]
    world.atlas.show_project(gone)
    job, late = world.finished_job(group=known), project_of(SECOND)
    world.atlas.add_project(late)
    world.stack.forget_calls()
    for _ in range(26):
        world.pass_time(3600)
        environment.sweep(worker=SECOND)
    assert world.published(job) == ["COMPLETED"]
    assert (world.count(LIST), world.watch_said()) == (0, [("degraded", gone)])
    assert (bool(world.bookkeeping(late)), "mark" in world.bookkeeping(gone)) == (False, True)

    for _ in range(5):
        sweeps(world, environment)
    assert world.bookkeeping(late)["mark"]
    assert world.watch_said() == [("degraded", gone), ("recovered", gone)]
