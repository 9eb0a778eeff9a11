"""Several workers divide the projects: each sweeps its own, in its own time."""

import json
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest

from behaviour.conftest import RuntimeWith
from local_stack.aws import aws_error
from local_stack.environment import Environment
from local_stack.steps import (
    EVENTS,
    FLEX,
    INVOKE,
    QUESTION,
    SECRET,
    SERVICE_ACCOUNT,
    about,
)
from local_stack.wire import Answer, Selection
from local_stack.world import World, within
from restore_watch.errors import CredentialsError
from restore_watch.model.shares import Worker
from restore_watch.model.status_change import utc_text

SKIPPED = {"skipped": True}
SHORT = ["RUNNING", "COMPLETED"]
FIRST, SECOND = 0, 1

FILE = Selection("dynamodb", "UpdateItem", lambda call: b'"SET #openShard = ' in call.body)
LEASE = Selection("dynamodb", "UpdateItem", lambda call: b'"lease"' in call.body)

_numbers = count(1)


def project_of(number: int, of: int = 2) -> str:
    """A new project of this worker."""
    ids = (f"6a1f3c9e5b7d204e{one:08x}" for one in _numbers)
    return next(one for one in ids if Worker(number, of).has(one))


@pytest.fixture
def projects(world: World) -> list[str]:
    """A project of each of two workers."""
    made = [project_of(FIRST), project_of(SECOND)]
    for one in made:
        world.atlas.add_project(one)
    return made


@pytest.fixture
def one_of_two(world: World, projects: list[str]) -> Environment:
    """A cold start in a stack of two workers, which may get the sweep of either."""
    return world.environment(workers=2, project_ids=projects)


def test_each_worker_sweeps_its_own_projects_for_the_same_tick(
    world: World, one_of_two: Environment, projects: list[str]
) -> None:
    jobs = [world.recorded_job(group=one, timeline=SHORT) for one in projects]
    for job in jobs:
        job.advance()

    for worker, project in enumerate(projects):
        world.stack.forget_calls()
        result = one_of_two.sweep(world.clock(), worker=worker)
        assert (result["open"], result["changed"], result["failures"]) == (1, 1, [])
        assert world.count(QUESTION) == world.count(within(QUESTION, about(project))) > 0
        assert one_of_two.lines("swept")[-1]["worker"] == worker
    assert [world.published(job) for job in jobs] == [SHORT] * 2
    assert [bool(world.bookkeeping(one)) for one in projects] == [True] * 2
    leases = {item["restoreId"] for item in world.items() if "lastTick" in item}
    assert leases == {"lease", "lease/1"}

    assert one_of_two.sweep(world.clock() - timedelta(seconds=1), worker=SECOND) == SKIPPED


@pytest.mark.fault("F65", "F72")
def test_a_worker_that_hangs_holds_up_no_other(
    world: World, one_of_two: Environment, projects: list[str]
) -> None:
    jobs = [world.recorded_job(group=one, timeline=SHORT) for one in projects]
    with world.hold(within(FLEX, about(projects[SECOND])), "after") as gate:
        hanging = world.begin(lambda: one_of_two.sweep(worker=SECOND))
        gate.wait_for(1)
        jobs[FIRST].advance()
        assert world.environment(workers=2).sweep(worker=FIRST)["changed"] == 1
        assert world.environment(workers=2).sweep(worker=SECOND) == SKIPPED
        gate.open()
        assert hanging.end()["open"] == 1
    assert world.published(jobs[FIRST]) == SHORT


def test_each_worker_lists_its_part_of_a_hundred_projects_at_once(world: World) -> None:
    projects = [project_of(3, of=16) for _ in range(8)]
    for one in projects:
        world.atlas.add_project(one)
    one_of_sixteen = world.environment(workers=16, project_ids=projects)
    listed = []
    for minutes in (15, 1, 1):
        world.stack.forget_calls()
        one_of_sixteen.sweep(worker=3)
        world.pass_time(60 * minutes)
        listed.append(sum(one.operation == "flex_clusters" for one in world.questions()))

    assert listed == [8, 6, 2]  # new ones are all listed


def test_a_worker_of_before_their_number_was_lowered_does_nothing(world: World) -> None:
    assert world.environment(workers=2).sweep(worker=2) == SKIPPED
    assert world.environment().sweep(worker=1) == SKIPPED
    assert world.calls() == []


def test_a_job_that_another_version_has_filed_elsewhere_is_moved_to_its_worker(
    world: World, projects: list[str]
) -> None:
    one_of_two = world.environment(workers=2)  # which finds nothing by itself
    other, job = (world.recorded_job(group=projects[FIRST], timeline=SHORT) for _ in range(2))
    for one in (other, job):
        world.rewrite(one, openShard="3")
    job.run_to_end()

    refused = aws_error("dynamodb", "ThrottlingException")
    world.inject(within(FILE, about(other.restore_id)), refused, times=None)
    changed = [one_of_two.sweep(worker=worker)["changed"] for worker in (FIRST, SECOND, FIRST)]
    assert changed == [0, 0, 1]
    assert world.published(job)[-1] == "COMPLETED"
    assert (world.item(other) or {})["openShard"] == "3"
    world.heal()
    for worker in (SECOND, FIRST):
        assert one_of_two.sweep(worker=worker)["open"] == (worker == FIRST)


def test_a_worker_follows_its_own_jobs_while_it_moves_them_however_many_they_are(
    world: World,
) -> None:
    jobs = world.recorded_jobs(3, group=project_of(FIRST, of=4))
    for job in jobs:
        world.rewrite(job, openShard="1")
    environment = world.environment(workers=2)
    with world.whenever(FILE, lambda: world.pass_time(3)):
        assert [environment.sweep(worker=FIRST)["open"] for _ in range(3)] == [3] * 3
    assert [(world.item(job) or {})["openShard"] for job in jobs] == ["0"] * 3


def test_an_environment_remembers_the_projects_and_jobs_of_each_worker(
    world: World, one_of_two: Environment, projects: list[str]
) -> None:
    """Lambda gives the sweep of a worker to any environment."""
    world.recorded_job(group=projects[FIRST])
    world.pass_time(7 * 3600)
    for worker in (FIRST, SECOND, FIRST, SECOND):
        world.stack.forget_calls()
        one_of_two.sweep(worker=worker)
        world.pass_time(30)
    assert world.count(EVENTS) == 1

    world.stack.forget_calls()
    result = one_of_two.sweep(worker=FIRST)
    # The job is so old that it is asked about every five minutes, and the project is known.
    assert (result["open"], result["checked"]) == (1, 0)
    assert [call.operation for call in world.calls(QUESTION)] == ["events"]


def test_an_environment_remembers_each_of_sixteen_workers(world: World) -> None:
    world.recorded_job(group=project_of(FIRST, of=16))
    world.pass_time(7 * 3600)
    environment = world.environment(workers=16)
    checked = [environment.sweep(worker=one)["checked"] for one in (*range(16), FIRST)]

    assert checked == [1, *[0] * 16]


# A tick


@pytest.mark.parametrize("by_rule", [False, True], ids=["schedule", "own rule"])
def test_a_tick_starts_the_other_workers_and_sweeps_for_the_first(
    world: World, projects: list[str], *, by_rule: bool
) -> None:
    jobs = [world.recorded_job(group=one, timeline=SHORT) for one in projects]
    environment = world.environment(workers=4)
    for job in jobs:
        job.advance()
    tick = world.clock().replace(microsecond=0).isoformat().replace("+00:00", "Z")
    rule = {"source": "aws.events", "detail-type": "Scheduled Event", "time": tick}
    event = rule if by_rule else {"action": "sweep", "scheduledTime": tick}

    results = [environment.answer(event)]
    started = world.stack.taken()

    assert (results[0]["workers"], results[0]["started"]) == (4, 3)
    assert [one["worker"] for one in started] == [1, 2, 3]
    moments = {datetime.fromisoformat(one["scheduledTime"]) for one in started}
    assert moments == {datetime.fromisoformat(tick)}
    results += [environment.answer(one) for one in started]
    assert world.stack.taken() == []
    assert sum(one["changed"] for one in results) == 2
    assert [world.published(job) for job in jobs] == [SHORT] * 2
    assert environment.answer(event) == SKIPPED | {"workers": 4, "started": 3}
    assert [environment.answer(one) for one in world.stack.taken()] == [SKIPPED] * 3


def test_a_sweep_by_hand_starts_the_others_too_and_an_old_tick_nobody(world: World) -> None:
    environment = world.environment(workers=2)

    assert environment.follow()["started"] == 1
    assert [one["worker"] for one in world.stack.taken()] == [1]
    assert environment.sweep(world.clock() - timedelta(seconds=111)) == SKIPPED
    assert world.environment().sweep().keys().isdisjoint({"workers", "started"})
    assert (world.stack.taken(), world.count(INVOKE)) == ([], 1)


@pytest.mark.fault("F65")
def test_the_others_are_started_although_the_first_worker_still_works(
    world: World, one_of_two: Environment, projects: list[str]
) -> None:
    world.recorded_job(group=projects[FIRST])
    with world.hold(FLEX, "after") as gate:
        hanging = world.begin(one_of_two.sweep)
        gate.wait_for(1)
        assert [one["worker"] for one in world.stack.taken()] == [SECOND]
        world.stack.forget_calls()
        assert world.environment(workers=2).sweep() == SKIPPED | {"workers": 2, "started": 1}
        assert world.calls(INVOKE)[0].arrived < world.calls(LEASE)[0].arrived
        assert world.naps == [1.0] * 15
        gate.open()
        hanging.end()
    assert [one["worker"] for one in world.stack.taken()] == [SECOND]


@pytest.mark.fault("M1")
def test_a_worker_that_lambda_does_not_start_misses_one_tick(world: World) -> None:
    jobs = [world.recorded_job(group=project_of(one, of=4), timeline=SHORT) for one in (0, 2)]
    environment = world.environment(workers=4)
    for job in jobs:
        job.run_to_end()
    refused = aws_error("lambda", "TooManyRequestsException", status=429)
    with world.inject(INVOKE, refused, skip=1):
        assert environment.tick()["started"] == 2
    (line,) = environment.lines(level="WARNING")
    assert (line["worker"], line["reason"]) == (2, "Lambda answered TooManyRequestsException")
    assert [one["worker"] for one in world.stack.taken()] == [1, 3]

    environment.tick()
    for one in world.stack.taken():
        environment.answer(one)
    assert [world.published(job) for job in jobs] == [SHORT] * 2


def test_the_function_starts_itself(world: World, runtime_with: RuntimeWith) -> None:
    runtime = runtime_with(SWEEP_WORKERS="2")
    result = runtime.invoke({"action": "sweep"}).payload

    assert (result["workers"], result["started"]) == (2, 1)
    (started,) = world.stack.taken()
    assert runtime.invoke(started).payload["open"] == 0
    runtime.invoke(world.finished_job(group=project_of(SECOND)).event)
    assert world.stack.taken() == []
    runtime.invoke(world.job(group=project_of(SECOND)).event)
    (again,) = world.stack.taken()
    assert again.keys() == started.keys() == {"action", "worker", "requestedAt"}


@pytest.mark.fault("M1")
def test_a_sweep_works_although_lambda_hangs_when_others_are_started(world: World) -> None:
    environment = world.environment(workers=4)
    with world.whenever(INVOKE, lambda: world.pass_time(4.5)):
        assert environment.sweep()["started"] == 1
    assert [line["worker"] for line in environment.lines(level="WARNING")] == [2, 3]


# What is one for the stack


def sweeps(world: World, environment: Environment, minutes: float = 1) -> None:
    """A tick, and then the workers that it has started."""
    environment.tick(minutes)
    for one in world.stack.taken():
        environment.answer(one)


@pytest.mark.fault("F94", "M1")
@pytest.mark.parametrize("minutes", [1, pytest.param(5, marks=pytest.mark.campaign)])
def test_an_outage_of_all_projects_is_said_once_and_so_is_its_end(
    world: World, minutes: float
) -> None:
    projects = [project_of(number % 2) for number in range(6)]
    environment = world.watching(*projects, workers=2)
    sweeps(world, environment)
    with world.inject(QUESTION, Answer(503), times=None):
        for _ in range(6):
            sweeps(world, environment, minutes)
    assert world.watch_said() == [("degraded", None)]
    for _ in range(6):
        sweeps(world, environment, minutes)
    assert world.watch_said() == [("degraded", None), ("recovered", None)]


@pytest.mark.campaign
def test_projects_of_one_worker_that_fail_together_are_said_one_by_one(world: World) -> None:
    here, elsewhere = [project_of(SECOND) for _ in range(3)], [project_of(FIRST) for _ in range(12)]
    environment = world.watching(*here, *elsewhere, workers=2)
    sweeps(world, environment)
    with world.inject(within(QUESTION, about(*here)), Answer(503), times=None):
        for _ in range(9):
            sweeps(world, environment)
    assert sorted(world.watch_said()) == sorted(("degraded", one) for one in here)


def written(capsys: pytest.CaptureFixture[str]) -> dict[str, list[float]]:
    """The values of two metrics since they were last looked at."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    names = ("OpenJobs", "SuccessfulSweeps")
    return {name: [one[name][0] for one in lines if name in one] for name in names}


def test_gauges_add_up_and_what_a_dead_worker_left_does_not_count_for_ever(
    world: World, projects: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    for project in projects:
        world.recorded_job(group=project)
    environment = world.environment(workers=2, project_ids=projects)
    sweeps(world, environment)
    sweeps(world, environment)
    # At first, nobody has left anything yet.
    assert written(capsys) == {"OpenJobs": [1, 2], "SuccessfulSweeps": [0, 1]}

    for _ in range(6):
        environment.tick()  # the other is never invoked
    gauges = written(capsys)
    assert gauges["OpenJobs"][-1] == 1
    assert (gauges["SuccessfulSweeps"][1], gauges["SuccessfulSweeps"][-1]) == (1, 0)
    summary = (world.stack.get("sweeps", "lease/1") or {})["summary"]
    assert (summary["open"], summary["seen"]) == (1, projects[SECOND])


def test_what_others_left_counts_beside_sweeps_that_checks_start(
    world: World, projects: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    for project in projects:
        world.recorded_job(group=project)
    environment = world.environment(workers=2, project_ids=projects)
    sweeps(world, environment)
    written(capsys)

    for _ in range(2):
        for seconds in (100, 120):
            world.pass_time(seconds)
            environment.follow(worker=FIRST)
        sweeps(world, environment, minutes=2)
    # They do not hide that the ticks have stopped, either.
    assert written(capsys) == {"OpenJobs": [2] * 2, "SuccessfulSweeps": [1] * 2}


@pytest.mark.campaign
@pytest.mark.fault("F94")
@pytest.mark.parametrize("worker", [FIRST, SECOND])
def test_an_outage_is_said_once_beside_sweeps_that_checks_start(world: World, worker: int) -> None:
    here, elsewhere = [project_of(FIRST) for _ in range(2)], [project_of(SECOND) for _ in range(6)]
    environment = world.watching(*here, *elsewhere, workers=2)
    sweeps(world, environment, minutes=10)
    with world.inject(within(QUESTION, about(*elsewhere)), Answer(503), times=None):
        for _ in range(3):
            sweeps(world, environment)
            for seconds in (60, 180, 30, 200):
                world.pass_time(seconds)
                environment.follow(worker=worker)
    assert world.watch_said() == [("degraded", None)]


@pytest.mark.campaign
@pytest.mark.fault("F94", "M1")
def test_an_outage_is_not_over_when_the_only_worker_that_has_met_it_dies(world: World) -> None:
    environment = world.watching(*(project_of(SECOND) for _ in range(4)), workers=2)
    sweeps(world, environment, minutes=10)
    with world.inject(QUESTION, Answer(503), times=None):
        for _ in range(6):
            sweeps(world, environment)
        environment.ticks(9)  # the other is never invoked
    world.stack.taken()
    assert world.watch_said() == [("degraded", None)]
    for _ in range(6):
        sweeps(world, environment)
    assert world.watch_said() == [("degraded", None), ("recovered", None)]


def test_what_a_worker_left_before_the_number_was_lowered_does_not_count_when_it_is_raised(
    world: World, projects: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    for project in projects:
        world.recorded_job(group=project)
    sweeps(world, world.environment(workers=2, project_ids=projects))
    world.environment(project_ids=projects).ticks(2, minutes=40)
    written(capsys)
    environment = world.environment(workers=2, project_ids=projects)
    for _ in range(2):
        sweeps(world, environment)
    assert written(capsys) == {"OpenJobs": [1, 2], "SuccessfulSweeps": [0, 1]}


def test_the_heartbeat_stops_if_the_sweeps_of_one_worker_fail(
    world: World, projects: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    environment = world.environment(workers=2, project_ids=projects)
    sweeps(world, environment)
    for _ in range(6):
        environment.tick()
        with world.inject(SECRET, aws_error("secretsmanager", "AccessDeniedException")):
            cold = world.environment(workers=2, project_ids=projects)
            with pytest.raises(CredentialsError):
                cold.answer(*world.stack.taken())
    beats = written(capsys)["SuccessfulSweeps"]
    # One that fails once, or for less than three minutes, changes nothing.
    assert (beats[1:4], beats[-1]) == ([1, 1, 1], 0)
    for _ in range(2):
        sweeps(world, environment)
    assert written(capsys)["SuccessfulSweeps"] == [0, 1]


def rewrite_summary(world: World, summary: Any) -> None:
    """Change what the second worker has left. Of a map, what it does not have stays."""
    if isinstance(summary, dict):
        summary = (world.stack.get("sweeps", "lease/1") or {})["summary"] | summary
    key = {"cluster": {"S": "sweeps"}, "restoreId": {"S": "lease/1"}}
    world._rewrite(key, {"summary": summary})  # noqa: SLF001


NO_ZONE = {"since": "2026-11-01T00:00:00", "error": "AtlasUnauthorizedError", "message": "odd"}


@pytest.mark.parametrize(
    "summary", [None, "odd", {"at": "never"}, {"open": [3]}, {"refusal": NO_ZONE}], ids=str
)
def test_a_summary_that_somebody_has_changed_stops_no_sweep(world: World, summary: Any) -> None:
    environment = world.environment(workers=2)
    sweeps(world, environment)
    rewrite_summary(world, summary)

    assert environment.tick()["open"] == 0


@pytest.mark.fault("F46", "M1")
@pytest.mark.parametrize("names", [{"at", "succeededAt"}, {"succeededAt"}], ids=["dead", "failing"])
def test_a_clock_that_was_hours_ahead_hides_no_dead_worker(
    world: World, projects: list[str], capsys: pytest.CaptureFixture[str], names: set[str]
) -> None:
    environment = world.environment(workers=2, project_ids=projects)
    sweeps(world, environment)
    rewrite_summary(world, dict.fromkeys(names, utc_text(world.clock() + timedelta(hours=2))))
    for _ in range(6):
        environment.tick()
        started = world.stack.taken()
        if "at" not in names:
            with world.inject(SECRET, aws_error("secretsmanager", "AccessDeniedException")):
                cold = world.environment(workers=2, project_ids=projects)
                with pytest.raises(CredentialsError):
                    cold.answer(*started)
    assert written(capsys)["SuccessfulSweeps"][-1] == 0


@pytest.mark.campaign
@pytest.mark.fault("F78", "M1")
@pytest.mark.parametrize("worker", [FIRST, SECOND])
def test_the_only_project_of_a_worker_is_said_if_atlas_refuses_it(
    world: World, worker: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """A refusal without a code, while Atlas answers for those of the other worker."""
    refused, *others = project_of(worker), *(project_of(1 - worker) for _ in range(2))
    environment = world.watching(refused, *others, workers=2)
    sweeps(world, environment)
    sweeps(world, environment)
    with world.inject(within(QUESTION, about(refused)), Answer(401), times=None):
        for _ in range(14):
            sweeps(world, environment)
    assert world.watch_said() == [("degraded", refused)]
    assert set(written(capsys)["SuccessfulSweeps"][1:]) == {1}
    for _ in range(5):
        sweeps(world, environment)
    assert world.watch_said() == [("degraded", refused), ("recovered", refused)]


@pytest.mark.fault("F26", "M1")
def test_credentials_that_are_refused_to_all_workers_are_said_once(world: World) -> None:
    environment = world.watching(project_of(FIRST), project_of(SECOND), workers=2)
    sweeps(world, environment)
    with world.inject(QUESTION, Answer(401), times=None):
        for _ in range(7):
            sweeps(world, environment)
    assert world.watch_said() == [("degraded", None)]
    for _ in range(7):
        sweeps(world, environment)
    assert world.watch_said() == [("degraded", None), ("recovered", None)]


def test_only_the_first_worker_asks_when_the_credentials_expire(
    world: World, one_of_two: Environment
) -> None:
    world.rewrite_stack(credentials=None)

    one_of_two.sweep(worker=SECOND)
    assert world.count(SERVICE_ACCOUNT) == 0
    one_of_two.sweep(worker=FIRST)
    assert world.count(SERVICE_ACCOUNT) == 1


def test_a_first_worker_without_a_project_asks_in_one_of_another(world: World) -> None:
    world.own_credentials()
    project = project_of(SECOND)
    environment = world.watching(project, workers=2)
    world.rewrite_stack(credentials=None)

    sweeps(world, environment)
    assert world.count(SERVICE_ACCOUNT) == 0
    sweeps(world, environment)
    assert world.count(within(SERVICE_ACCOUNT, about(project))) == 1
