"""Events and batches of many targets: thirty-two are asked about at once, with what all share."""

import json
import secrets
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from foundation.errors import ApplicationError
from local_stack.atlas import EmulatedRestore
from local_stack.connections import Connections
from local_stack.environment import Environment
from local_stack.running import wait_until
from local_stack.steps import (
    ACKNOWLEDGE,
    FLEX,
    MISSING_ROLE,
    RECORD,
    UNKNOWN_JOB,
    about,
)
from local_stack.wire import Call, Phase
from local_stack.world import Stored, World, within
from restore_watch.errors import RestoreJobNotFoundError


@pytest.fixture
def environment(world: World, roomy: Connections) -> Environment:
    return world.environment(by=roomy)


def jobs_of(world: World, count: int, **how: Any) -> list[EmulatedRestore]:
    return [world.job(**how) for _ in range(count)]


def named(jobs: Sequence[EmulatedRestore]) -> list[dict[str, str]]:
    return [{**job.event, "kind": "flex"} for job in jobs]


def batch(*bodies: object) -> dict[str, Any]:
    """A batch of SQS with these bodies."""
    return {
        "Records": [
            {"messageId": str(number), "eventSource": "aws:sqs", "body": json.dumps(body)}
            for number, body in enumerate(bodies)
        ]
    }


def batch_of(jobs: Sequence[EmulatedRestore]) -> dict[str, Any]:
    """Ten records, each with a tenth of the jobs."""
    return batch(*({"targets": named(jobs[number::10])} for number in range(10)))


def published_once(world: World, jobs: Sequence[EmulatedRestore]) -> bool:
    """Whether these are the new messages, in any order."""
    ids = sorted(message.event["id"] for message in world.received())
    return ids == sorted(f"{job.restore_id}:PENDING" for job in jobs)


def reported(environment: Environment, level: str) -> Counter[str]:
    """How often each job was reported: as checked (INFO), or as failed (ERROR)."""
    return Counter(line["restore_id"] for line in environment.lines(level=level))


@pytest.mark.campaign
@pytest.mark.fault("F43", "F87")
def test_a_project_that_hangs_keeps_no_other_project_from_being_asked(
    world: World, environment: Environment
) -> None:
    elsewhere = secrets.token_hex(12)
    hanging, others = jobs_of(world, 40, group=elsewhere), jobs_of(world, 5)
    targets = {"targets": named([*hanging, *others])}
    with (
        world.hold(within(FLEX, about(elsewhere))) as asking,
        world.hold(ACKNOWLEDGE, "after") as acknowledged,
    ):
        answering = world.begin(lambda: environment.answer(targets))
        acknowledged.wait_for(5)
        assert published_once(world, others)
        assert {world.stored(job) for job in hanging} == {None}
        acknowledged.open()
        asking.open()
        answer = answering.end()

    restores = [one["job"]["restoreId"] for one in answer["results"]]
    assert restores == [job.restore_id for job in (*hanging, *others)]


@pytest.mark.campaign
@pytest.mark.fault("F59", "F87")
def test_what_a_delivery_did_not_reach_comes_first_in_the_next_one(
    world: World, environment: Environment
) -> None:
    """Each of the three deliveries has time for a third of the targets."""
    jobs = jobs_of(world, 60)
    targets = {"detail-type": "Atlas Restore Watch Requested", "detail": {"targets": named(jobs)}}
    assert len(environment.answer(targets)["results"]) == 60
    environment.forget_log()
    recorded = 0

    def ends(call: Call, phase: Phase) -> None:
        nonlocal recorded
        if phase == "after" and RECORD.covers(call):
            recorded += 1
            if recorded > 20:
                world.pass_time(60)

    for _ in range(3):
        recorded = 0
        # A call to AWS that is under way then ends as one that got no answer.
        with world.aws.wire.listen(ends), pytest.raises(ApplicationError):
            environment.answer(targets)

    assert set(reported(environment, "INFO")) == {job.restore_id for job in jobs}


def test_the_error_of_the_first_target_that_failed_is_raised(
    world: World, environment: Environment
) -> None:
    unknown, refused = jobs_of(world, 2)
    world.inject(within(FLEX, about(unknown.restore_id)), UNKNOWN_JOB, times=None)
    world.inject(within(FLEX, about(refused.restore_id)), MISSING_ROLE, times=None)
    event = {"targets": named([unknown, refused])}

    world.raised(RestoreJobNotFoundError, lambda: environment.answer(event))


@pytest.mark.fault("F42")
def test_a_job_that_several_records_name_is_recorded_once_and_every_record_is_done(
    world: World, roomy: Connections
) -> None:
    """A check waits while another one publishes; here until that one has acknowledged it."""
    job, other = jobs_of(world, 2)
    done = Stored("PENDING", 1, 1)
    environment = world.environment(
        by=roomy, sleep=lambda _: wait_until(lambda: world.stored(job) == done)
    )
    bodies = [*named([job, other, job, other]), {**job.event, "kind": "auto"}]

    assert environment.answer(batch(*bodies)) == {"batchItemFailures": []}
    assert published_once(world, [job, other])
    assert world.stored(job) == done
    assert reported(environment, "INFO") == {job.restore_id: 3, other.restore_id: 2}
    assert sum(line["changed"] for line in environment.lines("checked")) == 2


@pytest.mark.campaign
@pytest.mark.fault("F43", "F61", "F87")
def test_an_invocation_ends_before_its_deadline_although_atlas_hangs(
    world: World, environment: Environment
) -> None:
    jobs = jobs_of(world, 60)
    world.clock.go_on()
    begun = world.uptime()
    with world.hold(FLEX):
        answer = environment.answer(batch_of(jobs), seconds=6.0)
        assert world.uptime() - begun < 6.0

    assert len(answer["batchItemFailures"]) == 10
    assert reported(environment, "ERROR") == {job.restore_id: 1 for job in jobs}
