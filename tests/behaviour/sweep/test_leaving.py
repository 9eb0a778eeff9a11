"""When a job leaves the index of open jobs, when it does not, and how it comes back."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from behaviour.projects import project_with
from behaviour.rows import rows
from local_stack.atlas import EmulatedRestore, Kind
from local_stack.environment import Environment
from local_stack.faults import Action
from local_stack.refusal import atlas_error
from local_stack.restores import date
from local_stack.steps import DEDICATED, FLEX, LEAVE, UNKNOWN_JOB
from local_stack.wire import Selection
from local_stack.world import SHORT, Stored, World

FORGOTTEN = ["Atlas does not know it"]
LINK_EXPIRED = ["its link has expired"]
REFUSED = ["Atlas refuses it, and its project is no longer watched"]


def reasons(environment: Environment) -> list[str]:
    """Why the last sweep stopped following jobs, by the log."""
    return [line["reason"] for line in environment.lines("This restore job is no longer followed")]


# Ready downloads


def download(world: World, kind: Kind = "flex", link_hours: float | None = 1) -> EmulatedRestore:
    """A recorded download that is ready, with a link that works for this long."""
    word, steps = "DOWNLOAD", ["COMPLETED"]
    if kind == "dedicated":
        word, steps = "download", ["running", "download-ready"]
    job = world.job(kind, delivery_type=word, timeline=steps)
    job.run_to_end()
    job.drop("expirationDate", "expiresAt")
    if link_hours is not None:
        move_link(world, job, link_hours)
    world.check(job)
    return job


def move_link(world: World, job: EmulatedRestore, hours: float) -> datetime:
    """The link works for so long from now on. Return the moment of its end."""
    ends = (world.clock() + timedelta(hours=hours)).replace(microsecond=0)
    name = "expirationDate" if job.delivery_type == "DOWNLOAD" else "expiresAt"
    job.set(**{name: date(ends)})
    return ends


DOWNLOADS: dict[str, tuple[Kind, float | None, float, bool]] = {
    "flex": ("flex", 1, 2, False),
    "dedicated": ("dedicated", 1, 2, False),
    "hidden": ("flex", 1, 2, True),
    "flex-without-a-date": ("flex", None, 24, False),
    "dedicated-without-a-date": ("dedicated", None, 24, False),
}


@pytest.mark.fault("F83")
@pytest.mark.parametrize(
    ("kind", "link_hours", "hours", "is_hidden"), rows(DOWNLOADS, "flex", "hidden")
)
def test_a_ready_download_is_followed_until_an_hour_after_its_link(
    world: World,
    environment: Environment,
    kind: Kind,
    link_hours: float | None,
    hours: float,
    *,
    is_hidden: bool,
) -> None:
    """Without a date, for a day. Also if Atlas forgets it."""
    job = download(world, kind, link_hours)
    if is_hidden:
        world.atlas.hide_restore(job)
    environment.tick(hours * 60 - 6)
    assert (world.is_open(job), reasons(environment)) == (True, [])

    environment.tick(12)
    assert (world.is_open(job), reasons(environment)) == (False, LINK_EXPIRED)
    assert "expiresAt" in world.known_item(job)
    assert environment.tick()["open"] == 0
    assert world.published(job) == ["COMPLETED"]

    # A check by name follows it again only if it has changed.
    world.atlas.show_restore(job)
    world.check(job)
    assert not world.is_open(job)
    job.set(**({"status": "FAILED"} if kind == "flex" else {"cancelled": True}))
    world.leave_pending(job)
    assert world.is_open(job)


@pytest.mark.parametrize("kind", ["flex", "dedicated"])
def test_a_link_that_moves_is_followed_without_a_message_until_an_hour_after_its_new_date(
    world: World, environment: Environment, kind: Kind
) -> None:
    job = download(world, kind)
    before, ends = world.known_item(job), move_link(world, job, 5)
    assert environment.tick()["changed"] == 0
    after = world.known_item(job)
    assert datetime.fromisoformat(after["expirationDate"]) == ends
    assert after == before | {"expirationDate": after["expirationDate"]}

    environment.tick(5.8 * 60)
    assert world.is_open(job)
    environment.tick(0.4 * 60)
    assert (world.is_open(job), reasons(environment)) == (False, LINK_EXPIRED)
    assert world.published(job) == ["COMPLETED"]


# Jobs that Atlas does not know


@pytest.fixture
def hidden(world: World) -> EmulatedRestore:
    """A recorded job that Atlas has forgotten. It is not so new that it may still appear."""
    job = world.recorded_job(timeline=SHORT)
    world.pass_time(120)
    world.atlas.hide_restore(job)
    return job


NO_CLUSTER = atlas_error(404, "CLUSTER_NOT_FOUND", "Gone.")
NO_PROJECT = atlas_error(404, "GROUP_NOT_FOUND", "Gone.")
UNKNOWN: dict[str, dict[Selection, Action]] = {
    "hidden": {},
    "job": {FLEX: UNKNOWN_JOB, DEDICATED: UNKNOWN_JOB},
    "project": {FLEX: NO_PROJECT, DEDICATED: NO_PROJECT},
    "other-kind-gone": {DEDICATED: atlas_error(410, "GONE", "No.")},
    "no-such-cluster-of-the-other-kind": {DEDICATED: NO_CLUSTER},
}


@pytest.mark.fault("F83")
@pytest.mark.parametrize("answers", rows(UNKNOWN, "other-kind-gone"))
def test_a_job_that_atlas_has_forgotten_for_a_day_leaves_until_it_is_named_again(
    world: World,
    environment: Environment,
    hidden: EmulatedRestore,
    answers: dict[Selection, Action],
) -> None:
    job = hidden
    for step, answer in answers.items():
        world.inject(step, answer, times=None)
    (failure,) = environment.tick()["failures"]
    assert failure["error"] == "RestoreJobNotFoundError"
    since = world.known_item(job)["missingSince"]

    # Two answers a day apart prove little, and so do answers within a quarter of an hour.
    environment.tick(24 * 60 - 4)
    environment.ticks(2, minutes=5)
    assert world.known_item(job)["missingSince"] == since
    assert (world.is_open(job), reasons(environment)) == (True, [])
    environment.tick(6)
    assert (world.is_open(job), reasons(environment)) == (False, FORGOTTEN)
    assert world.stored(job) == Stored("RUNNING", 1, 1)
    assert "expiresAt" not in world.known_item(job)
    assert environment.tick()["open"] == 0

    # Also if Atlas's answer is older than the table.
    world.heal()
    world.atlas.show_restore(job)
    job.set(status="QUEUED" if answers else "RUNNING")
    assert not world.check(job).changed
    assert (world.is_open(job), "missingSince" in world.known_item(job)) == (True, False)
    job.set(status="COMPLETED")
    assert environment.tick(5)["changed"] == 1
    assert world.published(job) == SHORT


@pytest.mark.fault("F83")
def test_a_job_that_atlas_refuses_leaves_a_week_after_its_project_was_taken_out(
    world: World,
) -> None:
    job = world.recorded_job(timeline=["RUNNING"])
    world.watching().tick()
    environment = world.watching(project_with(world))
    world.atlas.lock_out(world.group)
    environment.tick()

    environment.tick(7 * 24 * 60 - 34)
    environment.ticks(2, minutes=15)
    assert (world.is_open(job), reasons(environment)) == (True, [])

    environment.tick(6)
    assert (world.is_open(job), reasons(environment)) == (False, REFUSED)


def test_a_new_job_that_atlas_does_not_show_yet_is_not_missed(
    world: World, environment: Environment
) -> None:
    job = world.recorded_job()
    world.atlas.hide_restore(job)

    assert environment.sweep()["failures"] != []
    assert "missingSince" not in world.known_item(job)


# What happens while a job is about to leave


def is_found(world: World, job: EmulatedRestore, **fields: str) -> None:
    world.atlas.show_restore(job)
    job.set(**fields)
    world.check(job)


def is_missed_again(world: World, job: EmulatedRestore) -> None:
    is_found(world, job)
    world.rewrite(job, missingSince="2026-05-04T12:00:00.000000Z")


def changes(world: World, job: EmulatedRestore) -> None:
    is_found(world, job, status="WAITING")


def fails(world: World, job: EmulatedRestore) -> None:
    """Its message is pending."""
    world.atlas.show_restore(job)
    job.set(status="FAILED")
    world.leave_pending(job)


def link_moves(world: World, job: EmulatedRestore) -> None:
    world.rewrite(job, expirationDate="2099-01-01T00:00:00Z")


MEANWHILE: dict[str, tuple[str, Callable[[World, EmulatedRestore], None]]] = {
    "forgotten, found": ("forgotten", is_found),
    "forgotten, found, and missed again": ("forgotten", is_missed_again),
    "forgotten, changes": ("forgotten", changes),
    "forgotten, fails": ("forgotten", fails),
    "forgotten, deleted": ("forgotten", World.delete),
    "link, moves": ("link", link_moves),
    "link, fails": ("link", fails),
    "link, deleted": ("link", World.delete),
    "link without a date, gets one": ("no date", link_moves),
}


@pytest.mark.fault("F80", "F83")
@pytest.mark.usefixtures("table_stack")
@pytest.mark.parametrize(
    ("why", "meanwhile"), rows(MEANWHILE, "forgotten, fails", campaign=("link, moves",))
)
def test_a_job_does_not_leave_if_it_is_not_as_the_sweep_knew_it(
    world: World,
    environment: Environment,
    hidden: EmulatedRestore,
    why: str,
    meanwhile: Callable[[World, EmulatedRestore], None],
) -> None:
    job = hidden
    if why == "forgotten":
        environment.ticks(14, minutes=110)
    else:
        job = download(world, link_hours=None if why == "no date" else 1)
        environment.tick(23 * 60 if why == "no date" else 60)

    with world.whenever(LEAVE, lambda: meanwhile(world, job)):
        environment.tick(65)
    assert world.count(LEAVE) >= 1
    is_deleted = meanwhile == World.delete
    assert (world.item(job) is None) is is_deleted
    assert world.is_open(job) is not is_deleted
    assert is_deleted or reasons(environment) == []


# Jobs of a newer version


def make_foreign(world: World, job: EmulatedRestore) -> None:
    """A newer version has recorded the job, of a kind that this version does not know."""
    (entry,) = world.known_item(job)["history"]
    world.rewrite(job, kind="snapshot-export", history=[entry | {"kind": "snapshot-export"}])


def test_what_is_pending_for_a_job_of_a_newer_version_stays_for_that_version(
    world: World, environment: Environment
) -> None:
    """Its message cannot be made here. That is reported, and holds up no other message."""
    job, other = world.job(), world.job()
    for one in (job, other):
        world.leave_pending(one)
    make_foreign(world, job)

    (failure,) = environment.tick()["failures"]
    assert (failure["restoreId"], failure["error"]) == (job.restore_id, "TableUnavailableError")
    assert (world.published(job), world.published(other)) == ([], ["PENDING"])
    assert world.stored(job) == Stored("PENDING", 1, 0)
