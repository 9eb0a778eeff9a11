"""What subscribers receive when a project cannot be seen, and when it can again."""

from contextlib import suppress
from datetime import datetime
from secrets import token_hex

import pytest

from behaviour.rows import rows
from foundation.errors import ApplicationError
from local_stack.aws import aws_error
from local_stack.environment import Environment
from local_stack.faults import Answer
from local_stack.refusal import atlas_error
from local_stack.steps import EVENTS, MISSING_ROLE, PUBLISH, QUESTION, TOKEN, about
from local_stack.wire import Selection
from local_stack.world import DEGRADED, RECOVERED, World, within

RECOVERY = 4
"""Sweeps, a minute apart, from the first one without a failure to the one that reports it."""


ACKNOWLEDGE_WATCH = Selection(
    "dynamodb",
    "UpdateItem",
    lambda call: b"#unsent" in call.body.partition(b" REMOVE ")[2].partition(b'"')[0],
)
"""The write that removes what was published from the outbox."""


@pytest.fixture
def seen(world: World, watching: Environment) -> Environment:
    """An environment that has seen its project, in which a job runs."""
    world.job(timeline=["RUNNING", "COMPLETED"])
    watching.tick()
    assert watching.tick()["failures"] == []
    return watching


def kinds(world: World) -> list[str]:
    """What was published about the project: `degraded` or `recovered`."""
    return [one.partition(":")[0] for one in world.published(world.group)]


def seconds_apart(text: str, moment: datetime) -> float:
    return abs((datetime.fromisoformat(text) - moment).total_seconds())


def test_a_project_is_degraded_after_three_minutes_and_recovers_after_three_without_a_failure(
    world: World, seen: Environment
) -> None:
    last_seen = world.now()
    world.atlas.lock_out(world.group)
    said = []
    for _ in range(10):
        seen.tick()
        said.append(len(kinds(world)))
    world.atlas.admit(world.group)
    seen.tick()
    seen_again = world.now()
    seen.ticks(RECOVERY - 2)
    assert kinds(world) == ["degraded"]
    seen.tick()

    assert said == [0, 0, 0] + [1] * 7
    degraded, recovered = world.messages(world.group)
    event, data = degraded.event, degraded.event["data"]
    since = data["since"]
    assert (event["type"], event["id"]) == (DEGRADED, f"{world.group}:degraded:{since}")
    assert (event["subject"], event["source"]) == (world.group, f"/groups/{world.group}")
    assert event["time"] == since
    assert seconds_apart(since, last_seen) < 66
    assert seconds_apart(data["lastSuccessAt"], last_seen) < 5
    assert (data["stack"], data["groupId"]) == ("atlas-restore-watch", world.group)
    assert (data["openJobs"], data["reason"]) == (1, None)
    assert data["error"] == "AtlasUnauthorizedError"
    assert "Project Read Only" in data["fix"]
    assert degraded.attributes == {"type": DEGRADED, "groupId": world.group}
    assert degraded.subject == f"Atlas restore watch degraded: {world.group}"

    event = recovered.event
    assert (event["type"], event["id"]) == (RECOVERED, f"{world.group}:recovered:{since}")
    assert seconds_apart(event["time"], seen_again) < 5
    assert event["data"] == data
    assert recovered.attributes == {"type": RECOVERED, "groupId": world.group}

    world.atlas.lock_out(world.group)
    seen.ticks(4)
    world.atlas.admit(world.group)
    seen.ticks(RECOVERY)
    assert kinds(world) == ["degraded", "recovered"] * 2
    assert len(set(world.published(world.group))) == 4


@pytest.mark.campaign
@pytest.mark.parametrize(
    ("step", "is_sent"),
    [(PUBLISH, False), (ACKNOWLEDGE_WATCH, True)],
    ids=["publication", "acknowledgement"],
)
def test_a_message_that_dies_on_its_way_is_sent_again_under_its_id(
    world: World,
    seen: Environment,
    step: Selection,
    is_sent: bool,  # noqa: FBT001
) -> None:
    world.atlas.lock_out(world.group)
    seen.ticks(3)
    refusal = aws_error(step.service or "", "InternalError", status=500)
    with world.inject(within(step, about(world.group)), refusal, times=None):
        seen.ticks(2)
    assert kinds(world) == ["degraded"] * 2 * is_sent
    world.atlas.admit(world.group)
    seen.ticks(RECOVERY + 2)

    *degraded, recovered = world.messages(world.group)
    assert len(degraded) == 1 + 2 * is_sent
    assert all(one == degraded[0] for one in degraded)
    assert recovered.event["type"] == RECOVERED
    assert world.bookkeeping().keys().isdisjoint({"unsent", "degraded", "troubles"})


PROJECT = "6a1f3c9e5b7d204e8c61f0b5"

OUTAGES: dict[str, tuple[Selection, Answer]] = {
    "one project": (within(EVENTS, about(PROJECT)), MISSING_ROLE),
    "every project": (QUESTION, Answer(503)),
    "credentials": (TOKEN, atlas_error(401, "USER_UNAUTHORIZED", "No.")),
}


@pytest.mark.fault("F109")
@pytest.mark.parametrize(("step", "fault"), rows(OUTAGES, "credentials"))
def test_environments_that_have_seen_nothing_say_when_a_sweep_last_succeeded(
    world: World, step: Selection, fault: Answer
) -> None:
    world.watching(world.group, PROJECT).ticks(3)
    succeeded_at = world.lease["succeededAt"]
    world.atlas.expire_tokens()
    with world.inject(step, fault, times=None):
        for _ in range(5):
            with suppress(ApplicationError):
                world.watching(world.group, PROJECT).tick()

    (degraded,) = (*world.messages(PROJECT), *world.messages("atlas-restore-watch"))
    assert degraded.event["data"]["lastSuccessAt"] == succeeded_at


@pytest.mark.fault("F109")
def test_nobody_knows_when_a_project_was_last_seen_that_could_never_be_seen(world: World) -> None:
    world.watching().ticks(2)
    new = world.atlas.add_project(token_hex(12)).group_id
    world.atlas.lock_out(new)
    world.watching(world.group, new).ticks(5)

    (degraded,) = world.messages(new)
    assert degraded.event["data"]["lastSuccessAt"] is None


@pytest.mark.fault("F109")
def test_a_project_is_seen_while_the_list_of_projects_is_not(world: World) -> None:
    known = world.atlas.add_project(world.group)
    watching = world.environment(project_ids="all")
    watching.tick()
    with world.inject(Selection("atlas", "projects"), MISSING_ROLE, times=None):
        watching.ticks(10)
        succeeded_at = world.lease["succeededAt"]
        world.atlas.lock_out(known.group_id)
        watching.ticks(5)

    (degraded,) = world.messages(world.group)
    assert degraded.event["data"]["lastSuccessAt"] == succeeded_at
