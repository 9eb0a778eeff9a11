"""The statuses that Atlas gives: skipped, contradicted, of downloads, unknown, or of odd jobs."""

import json
from typing import Any

import pytest

from behaviour.rows import rows
from local_stack.atlas import EmulatedRestore, Kind
from local_stack.environment import Environment
from local_stack.faults import Answer
from local_stack.wire import Selection
from local_stack.world import Stored, World
from restore_watch.model.results import CheckResult

cases = pytest.mark.parametrize

END = {"restoreFinishedDate": "2026-10-05T12:05:05Z"}
"""It makes an unknown word an end."""


def follow(environment: Environment, job: EmulatedRestore, *moves: int) -> list[CheckResult]:
    """Check the job, and again after each of these numbers of its next steps."""
    results = [environment.check(job)]
    for steps in moves:
        for _ in range(steps):
            job.advance()
        results.append(environment.check(job))
    return results


def is_open(world: World, job: EmulatedRestore) -> bool:
    return "openShard" in (world.item(job) or {})


@pytest.mark.fault("F11")
@cases(
    ("kind", "timeline", "before", "after"),
    [
        ("flex", ["PENDING", "RUNNING", "COMPLETED"], "PENDING", "COMPLETED"),
        ("dedicated", ["running", "finished"], "RUNNING", "COMPLETED"),
        ("dedicated", ["running", "cancelled"], "RUNNING", "CANCELLED"),
    ],
    ids=["flex", "dedicated", "dedicated-cancelled"],
)
def test_statuses_skipped_between_checks_give_one_message(
    world: World, kind: Kind, timeline: list[str], before: str, after: str
) -> None:
    job = world.recorded_job(kind, timeline=timeline)
    world.pass_time(61)
    job.run_to_end()
    world.pass_time(7)
    result = world.check(job)
    assert (result.previous_status, result.job.status, result.sequence) == (before, after, 2)

    first, message = world.messages(job)
    assert first.event["data"]["previousStatus"] is None
    assert "previousStatus" not in first.attributes
    data = message.event["data"]
    assert (data["previousStatus"], data["status"], data["sequence"]) == (before, after, 2)
    assert data["durationSeconds"] in {60, 61, 62}
    assert 7 <= data["detectionLatencySeconds"] < 10
    assert data["succeeded"] is (after == "COMPLETED")
    assert world.published(job) == [before, after]


@pytest.mark.fault("F12")
@cases("delivery_type", ["automated", "pointInTime"])
def test_an_automated_restore_that_expires_later_sends_no_message(
    world: World, environment: Environment, delivery_type: str
) -> None:
    timeline = ["running", "finished", "expired"]
    job = world.job("dedicated", delivery_type=delivery_type, timeline=timeline)
    job.advance()
    environment.check(job)
    job.advance()
    job.drop("finishedAt")
    world.stack.forget_calls()
    result = environment.check(job)

    assert (result.changed, result.contradiction, result.job.status) == (False, None, "COMPLETED")
    assert world.operations() == ["dedicated", "UpdateItem"]
    assert world.published(job) == ["COMPLETED"]
    assert world.stored(job) == Stored("COMPLETED", 1, 1)


@pytest.mark.fault("F14")
@cases(
    ("kind", "timeline", "contradicts", "end"),
    [
        ("flex", ["FAILED", "COMPLETED"], {}, "FAILED"),
        (
            "dedicated",
            ["failed"],
            {"failed": False, "finishedAt": "2026-10-05T12:05:05Z"},
            "FAILED",
        ),
        ("dedicated", ["cancelled"], {"cancelled": False, "failed": False}, "CANCELLED"),
    ],
    ids=["flex", "dedicated-failed", "dedicated-cancelled"],
)
def test_the_first_end_stays_and_another_one_is_reported_once(
    world: World,
    environment: Environment,
    kind: Kind,
    timeline: list[str],
    contradicts: dict[str, Any],
    end: str,
) -> None:
    job = world.job(kind, timeline=timeline)
    environment.answer(job.event)
    job.run_to_end()
    job.set(**contradicts)
    result = environment.check(job)
    assert (result.changed, result.job.status) == (False, end)
    assert result.contradiction == "COMPLETED"
    for _ in range(2):
        environment.answer(job.event)

    (warning,) = environment.lines(level="WARNING")
    assert (warning["recorded"], warning["contradiction"]) == (end, "COMPLETED")
    assert world.published(job) == [end]
    assert world.stored(job) == Stored(end, 1, 1)


# Downloads


def download(world: World, kind: Kind, *steps: str) -> EmulatedRestore:
    """A download that runs. These steps are next."""
    delivery, first = ("download", "running") if kind == "dedicated" else ("DOWNLOAD", "RUNNING")
    return world.job(kind, delivery_type=delivery, timeline=[first, *steps])


@pytest.mark.fault("F8", "F13", "F56")
@cases(
    ("kind", "ready", "step", "end"),
    rows(
        {
            "dedicated-expired": ("dedicated", "download-ready", "expired", "EXPIRED"),
            "dedicated-cancelled": ("dedicated", "download-ready", "cancelled", "CANCELLED"),
            "dedicated-failed": ("dedicated", "download-ready", "failed", "FAILED"),
            "flex-expired": ("flex", "COMPLETED", "EXPIRED", "EXPIRED"),
            "flex-cancelled": ("flex", "COMPLETED", "CANCELED", "CANCELLED"),
        },
        "dedicated-expired",
        "dedicated-failed",
        "flex-cancelled",
    ),
)
def test_a_ready_download_stays_open_and_its_later_end_is_published(
    world: World, environment: Environment, kind: Kind, ready: str, step: str, end: str
) -> None:
    job = download(world, kind, ready, step)
    _, completed = follow(environment, job, 1)
    assert (completed.job.download_available, completed.job.succeeded) == (True, True)
    assert is_open(world, job)
    older = job.frozen()

    (_, ended) = follow(environment, job, 1)
    assert (ended.previous_status, ended.job.status) == ("COMPLETED", end)
    assert (ended.job.download_available, ended.job.succeeded) == (False, False)
    assert world.published(job) == ["RUNNING", "COMPLETED", end]
    assert (world.item(job) or {})["downloadAvailable"] is False
    assert not is_open(world, job)

    world.inject(Selection("atlas", kind), Answer.json(200, older.body()))
    result = environment.check(job)
    assert (result.changed, result.job.status, result.contradiction) == (False, end, None)
    assert world.stored(job) == Stored(end, 3, 3)


# Words that Atlas may add


@pytest.mark.campaign
@pytest.mark.fault("F15", "F49", "F58")
def test_thirty_unknown_words_leave_room_for_the_end(
    world: World, environment: Environment
) -> None:
    words = [f"WORD-{number}-{'x' * 200}" for number in range(30)]
    job = world.job(timeline=words)
    results = follow(environment, job, *[1] * 29)
    assert [result.changed for result in results] == [True] * 13 + [False] * 17
    assert [result.unrecorded_word for result in results] == [None] * 13 + words[13:]
    assert is_open(world, job)

    job.set(**END)
    ended = environment.check(job)
    assert (ended.changed, ended.job.terminal, ended.job.succeeded) == (True, True, None)
    assert not is_open(world, job)

    job.set(status="COMPLETED")
    assert environment.check(job).changed
    ids = [f"UNKNOWN:{word}" for word in words[:13]]
    assert world.published(job) == [*ids, f"UNKNOWN:{words[-1]}:ENDED", "COMPLETED"]
    assert world.stored(job) == Stored("COMPLETED", 15, 15)
    assert len(json.dumps(world.item(job), default=str)) < 100_000
