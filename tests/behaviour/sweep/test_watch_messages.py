"""What subscribers receive about the watch: a topic that refuses, sweeps that die, old projects."""

from contextlib import nullcontext

import pytest

from behaviour.projects import of, project_with
from behaviour.rows import rows
from local_stack.aws import aws_error
from local_stack.refusal import atlas_error
from local_stack.steps import PUBLISH, QUESTION, SECRET
from local_stack.wire import Injected
from local_stack.world import World
from restore_watch.errors import CredentialsError

cases = pytest.mark.parametrize


def refuse(world: World, *about: str) -> Injected:
    """The topic refuses messages: those about this, or all."""
    denied = aws_error("sns", "AuthorizationError", status=403)
    return world.inject(of(PUBLISH, *about) if about else PUBLISH, denied, times=None)


def reasons(world: World, group: str) -> list[tuple[str, str | None]]:
    """What the messages about a project say, and for which reason."""
    events = [one.event for one in world.messages(group)]
    return [(event["id"].split(":")[1], event["data"]["reason"]) for event in events]


@pytest.mark.campaign
@pytest.mark.fault("F3", "F78")
@cases("accepts", [True, False], ids=["slow", "refuses"])
def test_a_topic_that_takes_long_does_not_keep_a_sweep_from_its_jobs(
    world: World, *, accepts: bool
) -> None:
    """All messages together would take the time of the sweep."""
    healthy, *broken = (project_with(world, "orders") for _ in range(17))
    watching = world.watching(healthy, *broken)
    job = world.job(group=healthy, cluster="orders", timeline=["RUNNING", "COMPLETED"])
    watching.tick()
    for group in broken:
        world.atlas.lock_out(group)
    with refuse(world):
        watching.ticks(2, minutes=4)
    job.run_to_end()
    with (
        nullcontext() if accepts else refuse(world),
        world.whenever(PUBLISH, lambda: world.pass_time(4)),
    ):
        result = watching.tick()

    stored = world.stored(job)
    assert stored is not None
    assert (stored.status, result["notReached"]) == ("COMPLETED", 0)


DETAILS = (
    "see https://restore-1.c.mongodb-dev.net:27017/AbCdEfGhIjKlMnOpQrStUvWx/restore-2.tar.gz",
    "token Bearer eyJhbGciOi.secret.word is not valid",
    "restore-1.c.mongodb-dev.net:27017/AbCdEfGhIjKlMnOpQrStUvWx/restore-2.tar.gz",
    "https:\\/\\/restore-1.c.mongodb-dev.net\\/AbCdEfGhIjKlMnOpQrStUvWx",
)


@pytest.mark.fault("F53")
def test_no_url_or_token_in_a_text_of_atlas_is_in_a_message_or_item_about_the_watch(
    world: World,
) -> None:
    groups = [project_with(world) for _ in DETAILS]
    watching = world.watching(project_with(world), *groups)
    watching.tick()
    for group, detail in zip(groups, DETAILS, strict=True):
        refused = atlas_error(401, "USER_UNAUTHORIZED", detail)
        world.inject(of(QUESTION, group), refused, times=None)
    watching.ticks(2, minutes=4)

    assert sorted(world.watch_said()) == sorted(("degraded", group) for group in groups)
    items = [world.bookkeeping(group) for group in groups]
    text = repr([*map(world.messages, groups), *items]) + watching.log.getvalue()
    for kept in ("see [redacted]", "token [redacted] is not valid"):
        assert kept in text
    assert "AbCdEf" not in text
    assert "secret.word" not in text


# Projects that nobody watches any more


@pytest.mark.fault("F93")
@cases("left", rows({"one of two": True, "the last one": False}, "one of two"))
def test_a_degraded_project_that_is_removed_is_over_although_a_restore_is_open(
    world: World, *, left: bool
) -> None:
    removed, kept = project_with(world, "orders"), project_with(world)
    watching = world.watching(removed, kept)
    world.job(group=removed, cluster="orders", timeline=["RUNNING"])
    watching.tick()
    world.atlas.lock_out(removed)
    watching.ticks(2, minutes=4)
    over = [("degraded", None), ("recovered", "removed")]
    unwatching = world.environment(project_ids=(kept,) if left else ())
    assert unwatching.tick()["open"] == 1
    assert reasons(world, removed) == over

    # Its restore is followed, and degrades nothing.
    assert any(one["failures"] for one in unwatching.ticks(2, minutes=4))
    assert world.watch_said() == [("degraded", removed), ("recovered", removed)]
    watching.ticks(2, minutes=4)
    assert reasons(world, removed) == [*over, ("degraded", None)]


@pytest.mark.fault("F93")
def test_a_degraded_project_that_is_removed_is_over_while_the_secret_cannot_be_read(
    world: World,
) -> None:
    removed, kept = project_with(world), project_with(world)
    watching, unwatching = world.watching(removed, kept), world.watching(kept)
    watching.tick()
    world.atlas.lock_out(removed)
    watching.ticks(2, minutes=4)
    denied = aws_error("secretsmanager", "AccessDeniedException", status=400)
    with world.inject(SECRET, denied, times=None):
        world.raised(CredentialsError, unwatching.tick)

    assert reasons(world, removed) == [("degraded", None), ("recovered", "removed")]


@pytest.mark.fault("F93", "F94")
def test_a_removed_project_whose_restore_is_open_is_none_of_those_that_fail_together(
    world: World,
) -> None:
    """If every watched project fails, that is one message of the stack."""
    removed, kept = project_with(world, "orders"), project_with(world)
    world.job(group=removed, cluster="orders", timeline=["RUNNING"])
    world.watching(removed, kept).tick()
    unwatching = world.watching(kept)
    unwatching.tick()
    for one in (removed, kept):
        world.atlas.lock_out(one)
    unwatching.ticks(2, minutes=4)

    assert world.watch_said() == [("degraded", kept)]


@pytest.mark.fault("F93")
def test_a_message_that_waits_for_the_topic_is_not_lost_with_its_project(world: World) -> None:
    removed, kept = project_with(world), project_with(world)
    watching, unwatching = world.watching(removed, kept), world.watching(kept)
    watching.tick()
    world.atlas.lock_out(removed)
    with refuse(world):
        watching.ticks(2, minutes=4)
        unwatching.ticks(2)
    assert reasons(world, removed) == []
    unwatching.tick()

    assert reasons(world, removed) == [("degraded", None), ("recovered", "removed")]


@pytest.mark.fault("F93")
def test_of_all_projects_one_that_no_list_shows_for_a_day_is_dropped(world: World) -> None:
    gone = project_with(world, "orders")
    project_with(world)
    idle, watching = (world.environment(project_ids="all") for _ in range(2))
    world.job(group=gone, cluster="orders", timeline=["RUNNING"])
    idle.tick()
    watching.tick()
    world.atlas.remove_project(gone)
    watching.ticks(2, minutes=11)
    assert reasons(world, gone) == [("degraded", None)]
    watching.tick(23.5 * 60)
    assert reasons(world, gone) == [("degraded", None)]
    watching.tick(60)
    assert reasons(world, gone) == [("degraded", None), ("recovered", "removed")]

    # Nobody asks for it any more, nor an environment whose list is of yesterday.
    for environment in (watching, idle):
        environment.tick(15)
        assert world.count(of(QUESTION, f"{gone}/events")) == 0
        assert "mark" not in world.bookkeeping(gone)
    assert len(world.watch_said()) == 2
    world.atlas.add_project(gone)
    watching.ticks(2, minutes=10)
    assert world.bookkeeping(gone)["mark"]
