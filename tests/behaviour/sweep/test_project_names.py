"""Messages have the name of the project, as the list of projects last showed it."""

from typing import Any

import pytest

from behaviour.projects import Changed, with_fields
from behaviour.rows import rows
from local_stack.atlas import EmulatedRestore
from local_stack.aws import aws_error
from local_stack.environment import Environment
from local_stack.faults import Action, Answer, Reset
from local_stack.steps import (
    ACKNOWLEDGE,
    LOOK_UP_NAME,
    MISSING_ROLE,
    NOTE_NAME,
    PROJECTS,
    RECORD,
    too_many_requests,
)
from local_stack.world import World

cases = pytest.mark.parametrize

WATCHED = ("named", "all")
HOUR = 60
LIST_EVERY = {"named": HOUR, "all": 10}
"""Minutes."""

DENIED = aws_error("dynamodb", "AccessDeniedException", status=400)


def watching_as(world: World, watched: str) -> Environment:
    """A cold start that watches the test's project, by its id or with all others."""
    world.atlas.add_project(world.group)
    return world.environment(project_ids="all" if watched == "all" else (world.group,))


def call_project(world: World, name: str) -> None:
    """The project has this name from now on."""
    world.atlas.add_project(world.group).name = name


def names_said(world: World, subject: EmulatedRestore | str) -> list[str | None]:
    """The names in the messages about a job or a project, in the order of arrival."""
    return [one.event["data"]["projectName"] for one in world.messages(subject)]


def found(world: World, environment: Environment) -> str | None:
    """The name in the message about a restore that a sweep finds now."""
    job = world.finished_job()
    assert environment.tick()["failures"] == []
    (name,) = names_said(world, job)
    return name


# What a sweep knows


@cases("watched", WATCHED)
def test_a_message_about_a_restore_that_was_found_has_the_name_of_its_project(
    world: World, watched: str
) -> None:
    call_project(world, "payments")
    environment = watching_as(world, watched)
    environment.tick()

    assert world.bookkeeping()["name"] == "payments"
    assert found(world, environment) == "payments"
    # Another environment reads it in the item, and nothing has to be written.
    assert found(world, watching_as(world, watched)) == "payments"
    assert world.count(NOTE_NAME) == 0


def test_the_first_sweep_of_all_projects_has_their_names(world: World) -> None:
    call_project(world, "payments")

    assert found(world, world.environment(project_ids="all")) == "payments"


@cases(("watched", "lists"), rows({"named": ("named", 2), "all": ("all", 12)}, "named"))
def test_a_name_is_written_once_for_each_change_of_it(
    world: World, watched: str, lists: int
) -> None:
    call_project(world, "payments")
    environment = watching_as(world, watched)
    writes: list[int] = []
    read = 0
    for hour in range(2):
        if hour == 1:
            call_project(world, "ledgers")
        for _ in range(6):
            environment.tick(10)
            read += world.count(PROJECTS)
            writes.append(world.count(NOTE_NAME))

    assert (sum(writes[:6]), sum(writes[6:]), read) == (1, 1, lists)
    assert world.bookkeeping()["name"] == "ledgers"
    assert found(world, environment) == "ledgers"


@cases("minutes", [HOUR - 1, HOUR])
def test_the_list_is_read_for_names_once_an_hour(world: World, minutes: int) -> None:
    environment = world.watching()
    environment.tick()
    assert world.count(PROJECTS) == 1
    environment.tick(minutes)

    assert world.count(PROJECTS) == (minutes == HOUR)


def test_a_sweep_without_a_tick_and_one_that_watches_nothing_read_no_list(world: World) -> None:
    world.watching().follow()
    world.environment().tick()

    assert world.count(PROJECTS) == 0


def test_the_list_is_read_page_by_page_until_all_names_are_known(world: World) -> None:
    groups = [f"{number:024x}" for number in range(4)]
    for group in groups:
        world.atlas.add_project(group).name = f"named {group[-1]}"
    world.atlas.behaviour.largest_page = 2
    environment = world.watching(groups[1])
    environment.tick()

    assert world.bookkeeping(groups[1])["name"] == "named 1"
    assert not world.bookkeeping(groups[2])
    assert world.count(PROJECTS) <= 2


# What goes wrong

REFUSALS: dict[str, Action] = {
    "401": MISSING_ROLE,
    "403": Answer(403),
    "404": Answer(404),
    "429": too_many_requests(),
    "500": Answer(500),
    "no-answer": Reset(),
    "html": Answer(200, {"Content-Type": "text/html"}, "<html>"),
    "no-results": Answer.json(200, {}),
    "odd-entries": Changed(lambda _: {"results": [7, {"id": 7}, {"name": "x"}]}),
}


@pytest.mark.campaign
@pytest.mark.fault("F127")
@cases("refusal", rows(REFUSALS, "401"))
def test_a_list_that_cannot_be_read_for_names_is_no_trouble_and_is_read_an_hour_later(
    world: World, refusal: Action
) -> None:
    environment = world.watching()
    world.inject(PROJECTS, refusal, times=None)
    results: list[dict[str, Any]] = []
    asked: list[int] = []
    for _ in range(6):
        results.append(environment.tick(10))
        asked.append(bool(world.count(PROJECTS)))

    assert [one["failures"] for one in results] == [[]] * 6
    assert sum(asked) == 1
    assert environment.lines(level="ERROR") == []
    assert world.watch_said() == []
    assert found(world, environment) is None
    assert not world.bookkeeping().keys() & {"troubles", "failingSince", "name"}
    world.heal()
    environment.tick(HOUR)
    assert found(world, environment) == f"Project {world.group[-4:]}"


@cases("watched", WATCHED)
def test_a_name_that_cannot_be_stored_is_no_failure_and_is_stored_with_the_next_list(
    world: World, watched: str
) -> None:
    environment = watching_as(world, watched)
    with world.inject(NOTE_NAME, DENIED, times=None):
        assert environment.tick()["failures"] == []
        assert world.count(NOTE_NAME) >= 1
    assert "name" not in world.bookkeeping()
    environment.tick(LIST_EVERY[watched])

    assert world.bookkeeping()["name"] == f"Project {world.group[-4:]}"


URL = "https://restore-1.c.mongodb-dev.net:27017/AbCdEfGhIjKlMnOpQrStUvWx/restore-2.tar.gz"
ODD: dict[str, tuple[object, str | None]] = {
    "url": (f"see {URL}", "see [redacted]"),
    "long": ("x" * 3000, "x" * 256),
    "hostile": ("<!channel> *{{DATE}}*", "<!channel> *{{DATE}}*"),
    "half-a-pair": ("a\ud800b", "a?b"),
    "empty": ("", None),
    "null": (None, None),
    "number": (7, None),
    "map": ({"name": "payments"}, None),
}


@cases(("shown", "said"), rows(ODD, "url", "null"))
@cases("watched", WATCHED)
def test_a_name_from_atlas_is_cut_has_no_url_and_may_be_missing(
    world: World, watched: str, shown: object, said: str | None
) -> None:
    world.inject(PROJECTS, with_fields(name=shown), times=None)
    environment = watching_as(world, watched)
    environment.tick()

    assert world.bookkeeping().get("name") == said
    assert found(world, environment) == said


BY_HAND: dict[str, tuple[object, str | None]] = {
    "number": (10**17, None),
    "list": ([None], None),
    "set": ({1, 2}, None),
    "map": ({"S": "x"}, None),
    "long": ("x" * 3000, "x" * 256),
    "url": (URL, "[redacted]"),
}


@pytest.mark.campaign
@pytest.mark.fault("F89")
@cases(("value", "said"), rows(BY_HAND, "map"))
def test_a_name_that_somebody_has_changed_by_hand_holds_up_nobody_and_heals(
    world: World, value: object, said: str | None
) -> None:
    call_project(world, "payments")
    environment = world.watching()
    environment.tick()
    world.rewrite_bookkeeping(name=value)

    assert found(world, environment) == said
    job = world.finished_job()
    world.check(job, world.watching())
    assert names_said(world, job) == [said]
    environment.tick(HOUR)
    assert found(world, environment) == "payments"


# What is published


def test_a_message_that_is_published_again_has_its_id_and_the_name_of_today(world: World) -> None:
    call_project(world, "payments")
    environment = world.watching()
    environment.tick()
    job = world.finished_job()
    with world.inject(ACKNOWLEDGE, DENIED, times=None):
        environment.tick()
        call_project(world, "ledgers")
        environment.tick(HOUR)
    environment.tick()

    first, *others = [one.event for one in world.messages(job)]
    assert {one["id"] for one in others} == {first["id"]}
    assert (first["data"]["projectName"], others[-1]["data"]["projectName"]) == (
        "payments",
        "ledgers",
    )


@cases("watched", rows({one: one for one in WATCHED}, "all"))
def test_messages_about_the_watch_have_the_name_also_of_a_project_that_is_removed(
    world: World, watched: str
) -> None:
    call_project(world, "payments")
    environment = watching_as(world, watched)
    environment.tick()
    world.atlas.lock_out(world.group)
    environment.ticks(2, minutes=4)
    world.environment(project_ids=("f" * 24,)).tick()

    assert world.watch_said() == [("degraded", world.group), ("recovered", world.group)]
    assert names_said(world, world.group) == ["payments", "payments"]


# What a check knows


def test_a_check_that_publishes_reads_the_name_once_an_hour(world: World) -> None:
    call_project(world, "payments")
    world.watching().tick()
    job = world.job(timeline=["PENDING", "RUNNING", "COMPLETED"])
    environment = world.watching()
    calls: list[int] = []
    for minutes in (0, 1, HOUR):
        if calls:
            job.advance()
        world.pass_time(60 * minutes)
        world.stack.forget_calls()
        world.check(job, environment)
        world.check(job, environment)
        calls.append(world.count(LOOK_UP_NAME))

    assert calls == [1, 0, 1]
    assert names_said(world, job) == ["payments"] * 3


def test_a_warm_check_is_two_calls_and_four_if_the_job_has_changed(world: World) -> None:
    world.watching().tick()
    job = world.job(timeline=["PENDING", "RUNNING", "COMPLETED"])
    world.check(job, world.watching())
    environment = world.watching()
    world.stack.forget_calls()
    world.check(job, environment)
    assert world.count(LOOK_UP_NAME) == 0
    job.advance()
    world.check(job, environment)
    world.stack.forget_calls()
    world.check(job, environment)
    assert len(world.calls()) == 2
    job.advance()
    world.stack.forget_calls()
    world.check(job, environment)
    assert len(world.calls()) == 4


@cases("failure", [DENIED, Reset()], ids=["denied", "no-answer"])
def test_a_check_that_cannot_read_the_name_publishes_the_change_without(
    world: World, failure: Action
) -> None:
    world.watching().tick()
    job = world.job(timeline=["RUNNING", "COMPLETED"])
    environment = world.watching()
    with world.inject(LOOK_UP_NAME, failure, times=None):
        world.check(job, environment)
    job.advance()
    world.pass_time(60)
    world.check(job, environment)

    assert names_said(world, job) == [None, f"Project {world.group[-4:]}"]


@pytest.mark.campaign
@pytest.mark.fault("F127")
def test_a_look_up_that_fails_is_made_once_a_minute(world: World) -> None:
    world.watching().tick()
    environment = world.watching()
    with world.inject(LOOK_UP_NAME, DENIED, times=None):
        for _ in range(5):
            world.check(world.finished_job(), environment)
        assert world.count(LOOK_UP_NAME) == 1
        world.pass_time(60)
        world.check(world.finished_job(), environment)
        assert world.count(LOOK_UP_NAME) == 2


def test_nobody_looks_for_the_name_of_a_project_that_is_not_watched(world: World) -> None:
    job = world.job()
    for environment in (world.environment(), world.environment(project_ids=("f" * 24,))):
        world.check(job, environment)

    assert world.count(LOOK_UP_NAME) == 0
    assert world.count(RECORD) >= 1
    assert names_said(world, job) == [None]


def test_a_validation_has_the_name(world: World) -> None:
    call_project(world, "payments")
    world.watching().tick()
    job = world.finished_job()
    environment = world.watching()
    report = {"action": "record-validation", **job.event, "verdict": "PASSED"}
    environment.answer(report)

    assert names_said(world, job) == ["payments", "payments"]


def test_a_sweep_without_a_tick_reads_the_name_of_a_job_that_has_changed(world: World) -> None:
    call_project(world, "payments")
    world.watching().tick()
    job = world.recorded_job(timeline=["RUNNING", "COMPLETED"])
    job.advance()
    world.watching().follow()

    assert names_said(world, job) == [None, "payments"]
