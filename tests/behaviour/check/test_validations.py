"""Validations: a pipeline's verdict on restored data is recorded once, published, and true."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta, timezone
from typing import Any

import pytest

from behaviour.rows import pairs, rows
from foundation.errors import ApplicationError
from local_stack.atlas import EmulatedRestore
from local_stack.aws import aws_error
from local_stack.canaries import (
    CANARY_ACCESS_TOKEN,
    CANARY_CLIENT_SECRET,
    CANARY_DOWNLOAD_TOKEN,
    CANARY_PRIVATE_KEY,
)
from local_stack.connections import Connections
from local_stack.environment import Environment, target_of
from local_stack.steps import ACKNOWLEDGE, PUBLISH, QUESTION, RECALL, RECORD, UNKNOWN_JOB, VALIDATE
from local_stack.wire import Answer, Call, Phase, Reset, Selection
from local_stack.world import LONG_AGO, Stored, World, within
from observed_stack import ObservedStack
from restore_watch.errors import (
    InvalidEventError,
    NotificationPendingError,
    RestoreJobNotFoundError,
    TooManyValidationsError,
    ValidationRefusedError,
)
from restore_watch.model.validation import Validation, Verdict

HOUR = 3600.0


def report(job: EmulatedRestore, verdict: str = "PASSED", **more: Any) -> dict[str, Any]:
    """The event by which a pipeline reports."""
    return {"action": "record-validation", **job.event, "verdict": verdict, **more}


@pytest.fixture
def job(world: World) -> EmulatedRestore:
    """A restore that has ended, and whose change is published."""
    made = world.finished_job()
    world.check(made)
    assert is_settled(world, made, 1)
    world.stack.forget_calls()
    return made


def is_settled(world: World, job: EmulatedRestore, entries: int) -> bool:
    item = world.item(job) or {}
    is_left = "expiresAt" in item and "openShard" not in item
    return is_left and world.stored(job) == Stored("COMPLETED", entries, entries)


# Recorded, published, and told


def test_a_validation_of_a_settled_job_is_kept_published_and_settled_again(
    world: World, job: EmulatedRestore, environment: Environment
) -> None:
    before = world.item(job) or {}
    at = world.clock().replace(microsecond=0)
    elsewhere = at.astimezone(timezone(timedelta(hours=2)))
    found = {"validatedBy": "drill", "detail": "ok", "validatedAt": elsewhere.isoformat()}

    answer = environment.answer(report(job, **found))

    (_, message), item = world.messages(job), world.item(job) or {}
    kept = {"verdict": "PASSED", **found, "validatedAt": f"{at:%Y-%m-%dT%H:%M:%SZ}"}
    told = {name: value for name, value in message.event["data"].items() if name in answer["job"]}
    assert answer == {"job": told, "validation": kept, "changed": True, "sequence": 2}
    assert message.event["id"] == f"{job.restore_id}:VALIDATION:2"
    assert message.event["data"]["validation"] == item["history"][-1]["validation"] == kept
    assert message.event["time"] == item["history"][-1]["observedAt"] == item["observedAt"]
    assert message.subject == f"Atlas restore validation PASSED: {job.cluster}"
    assert message.attributes == {
        "type": "atlas-restore-watch.validation-recorded.v1",
        "verdict": "PASSED",
        "kind": "flex",
        "groupId": job.group_id,
        "clusterName": job.cluster,
    }
    changed = {name for name in item if item[name] != before.get(name)}
    assert changed - {"expiresAt"} == {"history", "sequence", "publishedSequence", "observedAt"}
    assert world.operations() == ["UpdateItem", "UpdateItem", "Publish", "UpdateItem"]


def test_a_validation_is_logged_with_the_request_id_and_without_its_texts(
    stack: ObservedStack, world: World, job: EmulatedRestore
) -> None:
    stack.logs()
    texts = {"validatedBy": "drill-7", "detail": "two are missing"}
    answer = world.invoke(report(job, "FAILED", **texts)).result
    lines = [json.loads(line) for line in stack.logs().splitlines() if line.startswith("{")]
    (log,) = [line for line in lines if line.get("message") == "validated"]

    facts = log["restore_id"], log["verdict"], log["sequence"], log["changed"], log["published"]
    assert facts == (job.restore_id, "FAILED", 2, True, 1)
    assert not [line for line in lines if "RestoreDuration" in line]
    assert not [text for text in texts.values() if text in str(lines)]
    request_id = (world.item(job) or {})["history"][-1]["requestId"]
    assert request_id == log["function_request_id"]
    assert request_id not in json.dumps([answer, *[one.event for one in world.messages(job)]])


# V1: the environment dies, or AWS refuses

DEATHS: dict[str, tuple[Selection, Phase, int]] = {
    "after-reading": (RECALL, "after", 0),
    "before-the-write": (VALIDATE, "before", 0),
    "after-the-write": (VALIDATE, "after", 1),
    "before-the-publication": (PUBLISH, "before", 1),
    "after-the-publication": (PUBLISH, "after", 2),
    "before-the-acknowledgement": (ACKNOWLEDGE, "before", 2),
    "after-the-acknowledgement": (ACKNOWLEDGE, "after", 1),
}
"""By name: the step and the phase, and how often the message is then sent."""


@pytest.mark.fault("V1")
@pytest.mark.parametrize(("step", "phase", "copies"), rows(DEATHS, "after-the-write", campaign=()))
def test_a_validation_that_dies_at_any_step_is_published_by_the_next_sweep_if_it_was_stored(
    world: World, job: EmulatedRestore, step: Selection, phase: Phase, copies: int
) -> None:
    dying = world.environment()
    with world.death(dying, step, phase), pytest.raises(ApplicationError):
        dying.answer(report(job))
    world.environment().tick()

    assert world.published(job) == ["COMPLETED", *["VALIDATION:2"] * copies]
    assert is_settled(world, job, 2 if copies else 1)

    # The delivery is repeated.
    assert world.environment().answer(report(job))["changed"] is (copies == 0)
    assert world.published(job) == ["COMPLETED", *["VALIDATION:2"] * (copies or 1)]
    assert len({json.dumps(one.event) for one in world.messages(job)}) == 2
    assert is_settled(world, job, 2)


@pytest.mark.fault("V1")
def test_an_invocation_recognises_its_own_validation_after_a_retry(
    world: World, job: EmulatedRestore, patient: Connections
) -> None:
    world.inject(VALIDATE, Reset(), phase="after")

    result = world.environment(patient).answer(report(job))

    assert (result["changed"], result["sequence"]) == (True, 2)
    assert world.published(job) == ["COMPLETED", "VALIDATION:2"]


# V2 to V4: delivered again, and races


@pytest.mark.fault("V2")
def test_a_late_retry_by_lambda_does_not_make_an_older_verdict_the_last_one(
    world: World, job: EmulatedRestore, environment: Environment
) -> None:
    def answer(event: dict[str, Any], request_id: str) -> Any:
        return environment.application.answer(event, environment.deadline(), request_id)

    failed = report(job, "FAILED", detail="2 documents are missing")
    with world.inject(PUBLISH, Answer(400)):
        world.raised(NotificationPendingError, lambda: answer(failed, "first"))
    answer(report(job), "second")
    retried = answer(failed, "first")

    assert (retried["changed"], retried["sequence"]) == (False, 2)
    history = (world.item(job) or {})["history"]
    assert [one["validation"]["verdict"] for one in history[1:]] == ["FAILED", "PASSED"]


@pytest.mark.campaign
@pytest.mark.fault("V3")
def test_validations_at_once_are_all_recorded_and_published_in_order(
    world: World, job: EmulatedRestore, environment: Environment
) -> None:
    reports = [report(job, detail=f"part {n}") for n in range(6)]
    with ThreadPoolExecutor(6) as threads, world.hold(VALIDATE) as gate:
        running = [threads.submit(environment.answer, one) for one in reports]
        gate.wait_for(6)
        gate.open()
        results = sorted((one.result() for one in running), key=lambda one: one["sequence"])

    assert [one["sequence"] for one in results] == list(range(2, 8))
    history = (world.item(job) or {})["history"][1:]
    details = [one["validation"]["detail"] for one in results]
    assert [one["validation"]["detail"] for one in history] == details
    messages = {one.event["id"]: one.event["data"] for one in world.messages(job)}
    assert [one["validation"]["detail"] for one in list(messages.values())[1:]] == details
    assert is_settled(world, job, 7)


@pytest.mark.fault("V4")
@pytest.mark.parametrize(
    ("step", "order"),
    [(VALIDATE, ["COMPLETED", "VALIDATION:3"]), (RECORD, ["VALIDATION:2", "COMPLETED"])],
    ids=["the-validation-loses", "the-check-loses"],
)
def test_a_validation_and_a_change_at_once_are_both_recorded_and_published(
    world: World, patient: Connections, step: Selection, order: list[str]
) -> None:
    job = world.recorded_job(timeline=["RUNNING", "COMPLETED"])
    job.advance()
    late, fast = world.environment(patient), world.environment()
    events = [report(job, "FAILED"), job.event]
    slow_event, fast_event = events if step is VALIDATE else reversed(events)
    with world.hold(within(step, Selection(when=patient.made))) as gate:
        running = world.begin(lambda: late.answer(slow_event))
        gate.wait_for(1)
        assert fast.answer(fast_event)["changed"]
        gate.open()
        assert running.end()["changed"]

    assert world.published(job) == ["RUNNING", *order]
    by_id = {one.event["id"].partition(":")[2]: one.event["data"] for one in world.messages(job)}
    assert by_id["COMPLETED"]["previousStatus"] == "RUNNING"
    assert is_settled(world, job, 3)


@pytest.mark.fault("V4")
def test_an_acknowledgement_that_a_validation_overtakes_does_not_settle_the_job(
    world: World, patient: Connections
) -> None:
    job = world.finished_job()
    late = world.environment(patient)
    with world.hold(within(ACKNOWLEDGE, Selection(when=patient.made))) as gate:
        running = world.begin(lambda: world.check(job, late))
        gate.wait_for(1)
        world.inject(PUBLISH, Answer(400), skip=1)
        world.raised(NotificationPendingError, lambda: world.environment().answer(report(job)))
        gate.open()
        running.end()
    item = world.item(job) or {}
    assert world.stored(job) == Stored("COMPLETED", 2, 1)
    assert ("openShard" in item, "expiresAt" in item) == (True, False)

    world.check(job)
    assert world.published(job) == ["COMPLETED", "COMPLETED", "VALIDATION:2"]
    assert is_settled(world, job, 2)


# V5 to V8: jobs that are settled, unknown, full or forgotten


@pytest.mark.fault("V5")
def test_a_validation_of_a_settled_job_does_not_expire_while_it_is_pending(
    world: World, job: EmulatedRestore
) -> None:
    before = (world.item(job) or {})["expiresAt"]
    world.pass_time(24 * HOUR)
    world.inject(PUBLISH, Answer(400))
    world.raised(NotificationPendingError, lambda: world.environment().answer(report(job)))
    assert "expiresAt" not in (world.item(job) or {})

    world.check(job)

    assert is_settled(world, job, 2)
    assert (world.item(job) or {})["expiresAt"] >= before + 86_400


@pytest.mark.fault("V6")
def test_a_job_that_the_table_does_not_know_is_checked_first(
    world: World, environment: Environment
) -> None:
    job = world.job(timeline=["RUNNING", "COMPLETED"])

    result = environment.answer(report(job, "FAILED"))

    assert (result["changed"], result["sequence"]) == (True, 2)
    check = ["UpdateItem", "GetSecretValue", "token", "flex", "UpdateItem", "Publish", "UpdateItem"]
    assert world.operations() == [*check, "UpdateItem", "UpdateItem", "Publish", "UpdateItem"]
    assert world.published(job) == ["RUNNING", "VALIDATION:2"]
    assert "openShard" in (world.item(job) or {})


@pytest.mark.fault("V6")
def test_a_job_that_nobody_knows_is_an_error_and_nothing_is_stored(world: World) -> None:
    job = world.job(restore_id=LONG_AGO)
    world.inject(QUESTION, UNKNOWN_JOB, times=None)

    world.raised(RestoreJobNotFoundError, lambda: world.environment().answer(report(job)))

    assert world.item(job) is None
    assert world.published(job) == []


@pytest.mark.fault("V6")
def test_a_job_that_is_deleted_before_the_write_is_checked_and_recorded_anew(
    world: World, job: EmulatedRestore
) -> None:
    def delete_once(call: Call, phase: Phase) -> None:
        if phase == "after" and RECALL.covers(call) and world.count(RECALL) == 1:
            world.delete(job)

    with world.aws.wire.listen(delete_once):
        result = world.environment().answer(report(job))

    assert (result["changed"], result["sequence"]) == (True, 2)
    assert world.published(job) == ["COMPLETED", "COMPLETED", "VALIDATION:2"]
    assert is_settled(world, job, 2)


@pytest.mark.campaign
@pytest.mark.fault("V7")
def test_twenty_validations_are_kept_and_one_more_is_refused_and_loses_nothing(
    world: World, job: EmulatedRestore, environment: Environment
) -> None:
    sign = "\N{COLLISION SYMBOL}"
    reports = [
        report(job, "FAILED", validatedBy=sign * 256, detail=f"{n:04}" + sign * 996)
        for n in range(20)
    ]
    for one in reports:
        environment.answer(one)

    error = world.raised(TooManyValidationsError, lambda: environment.answer(report(job)))

    assert "20 validations" in str(error)
    assert not environment.answer(reports[-1])["changed"]
    assert world.published(job) == ["COMPLETED", *(f"VALIDATION:{n}" for n in range(2, 22))]
    assert is_settled(world, job, 21)
    for message in world.messages(job)[1:]:
        assert len(json.dumps(message.event)) < 20_000
        assert (message.subject or "").isascii()


@pytest.mark.fault("V8")
def test_a_validation_of_a_download_whose_link_is_gone_leaves_the_index_again(
    world: World, environment: Environment
) -> None:
    job = world.recorded_job("dedicated", delivery_type="download", timeline=["download-ready"])
    world.pass_time(3 * HOUR)
    environment.sweep()
    assert "openShard" not in (world.item(job) or {})
    environment.answer(report(job))
    assert "openShard" in (world.item(job) or {})

    environment.tick()

    assert is_settled(world, job, 2)
    assert world.published(job) == ["COMPLETED", "VALIDATION:2"]


# V9: what its texts may hold


@pytest.mark.fault("V9")
def test_no_secret_in_the_texts_of_a_validation_is_stored_sent_or_logged(
    world: World, job: EmulatedRestore
) -> None:
    """Whatever is produced is searched for these secrets."""
    texts = (
        f"read https://a.example.net/{CANARY_DOWNLOAD_TOKEN}/restore.tar.gz",
        f"Bearer {CANARY_ACCESS_TOKEN}",
        f"--password {CANARY_PRIVATE_KEY}",
        f"client_secret={CANARY_CLIENT_SECRET}",
    )
    for text in texts:
        world.invoke(report(job, validatedBy=text, detail=text))
    with world.inject(PUBLISH, aws_error("sns", "NotFound", status=404)):
        world.invoke(report(job, detail="; ".join(texts)))

    history = (world.item(job) or {})["history"]
    assert ["[redacted]" in one["validation"]["detail"] for one in history[1:]] == [True] * 5


# F97: a verdict that cannot be true

UNTRUE: dict[str, tuple[str, list[str], str | None]] = {
    "still-running": ("RESTORE", ["RUNNING"], "RUNNING"),
    "failed": ("RESTORE", ["RUNNING", "FAILED"], "FAILED"),
    "cancelled": ("RESTORE", ["RUNNING", "CANCELED"], "CANCELLED"),
    "ended-with-a-new-word": ("RESTORE", ["RUNNING", "HALF+finished"], "UNKNOWN"),
    "failed-after-it-was-ready": ("DOWNLOAD", ["RUNNING", "COMPLETED", "FAILED"], None),
    "completed-meanwhile": ("RESTORE", ["RUNNING", "COMPLETED"], None),
    "expired-since": ("DOWNLOAD", ["COMPLETED", "EXPIRED"], None),
    "known-to-have-expired": ("DOWNLOAD", ["RUNNING", "COMPLETED", "EXPIRED", "EXPIRED"], None),
}
"""The delivery, what Atlas says, and the status of which PASSED is refused. The last is news."""


@pytest.mark.fault("F97")
@pytest.mark.parametrize(("delivery", "timeline", "refused_as"), rows(UNTRUE, "failed"))
def test_a_restore_whose_data_passed_has_completed(
    world: World, delivery: str, timeline: list[str], refused_as: str | None
) -> None:
    """What is stored may be older than what Atlas says, so Atlas is asked before it is refused."""
    job = world.job(delivery_type=delivery, timeline=timeline)
    for _ in timeline[2:]:
        world.check(job)
        job.advance()
    world.check(job)
    if len(timeline) == 2:
        job.advance()
    world.stack.forget_calls()

    if refused_as is None:
        assert world.environment().answer(report(job))["changed"]
        assert "COMPLETED" in world.published(job)
    else:
        passed = report(job)
        error = world.raised(ValidationRefusedError, lambda: world.environment().answer(passed))
        assert f" is {refused_as} " in str(error)
        assert world.operations().count("flex") == 1
        assert not [one for one in world.published(job) if "VALIDATION" in one]
    assert world.environment().answer(report(job, "FAILED"))["changed"]


@pytest.mark.fault("F97")
@pytest.mark.parametrize(
    ("minutes", "error", "calls", "verdict"),
    pairs(
        {
            "future": (6, InvalidEventError, []),
            "fast-clock": (4, None, None),
            "before-the-schedule": (-30, ValidationRefusedError, ["UpdateItem"]),
            "before-the-job": (-90, InvalidEventError, []),
            "1970": (-60 * 24 * 365 * 56, InvalidEventError, []),
        },
        {"PASSED": "PASSED", "FAILED": "FAILED"},
        "future-PASSED",
        "fast-clock-FAILED",
        "before-the-schedule-PASSED",
        "before-the-job-FAILED",
    ),
)
def test_the_moment_of_a_test_lies_between_the_schedule_and_five_minutes_from_now(
    world: World,
    verdict: str,
    minutes: float,
    error: type[ApplicationError] | None,
    calls: list[str] | None,
) -> None:
    """The restore was asked for an hour before it was scheduled."""
    hour_ago = int(world.clock().timestamp() - HOUR)
    job = world.recorded_job(restore_id=f"{hour_ago:08x}{'5f' * 8}", timeline=["COMPLETED"])
    at = world.clock() + timedelta(minutes=minutes)
    event = report(job, verdict, validatedAt=at.isoformat())

    if error is None:
        assert world.environment().answer(event)["changed"]
    else:
        raised = world.raised(error, lambda: world.environment().answer(event))
        assert "validatedAt: " in str(raised)
        assert world.operations() == calls
        assert world.published(job) == ["COMPLETED"]


@pytest.mark.fault("F97")
def test_a_verdict_that_was_recorded_before_is_not_refused_when_it_is_repeated(
    world: World, environment: Environment
) -> None:
    """1.0.0 recorded any."""
    job = world.recorded_job(timeline=["FAILED"])
    table, deadline = environment.checker.outbox.table, environment.deadline()
    recorded = table.recall(target_of(job), deadline)
    assert recorded is not None
    table.validate(recorded, Validation(verdict=Verdict.PASSED), world.clock(), deadline)

    assert not environment.answer(report(job))["changed"]
    assert world.published(job) == ["FAILED", "VALIDATION:2"]
