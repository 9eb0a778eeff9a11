"""Validations that die, race, repeat themselves, come too late or are untrue: V1 to V9, F97."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from boto3.dynamodb.types import TypeSerializer

from foundation.deadline import Deadline
from foundation.errors import TimeBudgetExceededError
from local_stack.atlas import EmulatedRestore
from local_stack.aws import aws_error
from local_stack.canaries import (
    CANARY_ACCESS_TOKEN,
    CANARY_CLIENT_SECRET,
    CANARY_DOWNLOAD_TOKEN,
    CANARY_PRIVATE_KEY,
)
from local_stack.wire import Action, Answer, Call, Phase, Selection
from reliability.aws_faults import SNS_FAULTS, TABLE_FAULTS, each_of
from reliability.campaign import PLENTY, Campaign, Stored, delete_item, event, rewrite, target
from reliability.steps import (
    ACKNOWLEDGE,
    LONG_AGO,
    PUBLISH,
    RECALL,
    RECORD,
    UNKNOWN_JOB,
    VALIDATE,
)
from reliability.sweeping import ANY_QUESTION, Sweeps, death
from restore_watch.check.check import JobChecker
from restore_watch.check.record_validation import ValidationRecorder
from restore_watch.errors import (
    InvalidEventError,
    NotificationPendingError,
    RestoreJobNotFoundError,
    RestoreWatchError,
    TableUnavailableError,
    TooManyValidationsError,
    ValidationRefusedError,
)
from restore_watch.model.results import ValidationResult
from restore_watch.model.validation import VALIDATIONS_LIMIT, Validation, Verdict
from restore_watch.table.job_item import validation_entry

pytestmark = pytest.mark.timeout(60)
cases = pytest.mark.parametrize

PASSED = Validation(verdict=Verdict.PASSED, validated_by="drill", detail="all there")
FAILED = Validation(verdict=Verdict.FAILED)
PARTLY = Validation(verdict=Verdict.FAILED, detail="one part")
HOUR = 3600.0


def reported(job: EmulatedRestore, **more: Any) -> dict[str, Any]:
    """The event by which a pipeline reports."""
    return event(job, action="record-validation", **{"verdict": "PASSED", **more})


def validate(
    campaign: Campaign,
    job: EmulatedRestore,
    validation: Validation = PASSED,
    checker: JobChecker | None = None,
    seconds: float = PLENTY,
) -> ValidationResult:
    """Record the validation, in a new environment unless a checker is named."""
    recorder = ValidationRecorder(checker or campaign.environment())
    deadline = Deadline.after(seconds, campaign.monotonic)
    result = recorder.record(target(job), validation, deadline)
    campaign.said.append(json.dumps(result.as_json()))
    return result


def dated(campaign: Campaign, minutes: float = 0, validation: Validation = PASSED) -> Validation:
    """The validation with its moment, so many minutes from now."""
    at = campaign.clock() + timedelta(minutes=minutes)
    return validation.model_copy(update={"validated_at": at})


def refused[E: RestoreWatchError](
    campaign: Campaign, kind: type[E], job: EmulatedRestore, *how: Any, **more: Any
) -> E:
    with pytest.raises(kind) as caught:
        validate(campaign, job, *how, **more)
    assert caught.type is kind
    campaign.said.append(str(caught.value))
    return caught.value


def settled(campaign: Campaign) -> EmulatedRestore:
    """A restore that has ended, and whose change is published."""
    job = campaign.finished_job()
    campaign.check(job)
    item = campaign.item(job) or {}
    assert "expiresAt" in item
    assert "openShard" not in item
    campaign.stack.forget_calls()
    return job


def is_settled(campaign: Campaign, job: EmulatedRestore, entries: int) -> bool:
    item = campaign.item(job) or {}
    return (
        campaign.stored(job) == Stored("COMPLETED", entries, entries)
        and "expiresAt" in item
        and "openShard" not in item
    )


# --- V1: dies or is refused


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
@cases(("step", "phase", "copies"), list(DEATHS.values()), ids=list(DEATHS))
def test_a_validation_that_dies_at_any_step_is_published_by_the_next_sweep_if_it_was_stored(
    campaign: Campaign, sweeps: Sweeps, step: Selection, phase: Phase, copies: int
) -> None:
    job = settled(campaign)
    with death(campaign.hasty, campaign, step, phase), pytest.raises(RestoreWatchError):
        validate(campaign, job)
    campaign.pass_time(60)
    sweeps.sweep()

    assert campaign.published(job) == ["COMPLETED", *["VALIDATION:2"] * copies]
    assert all(one == campaign.messages(job)[1] for one in campaign.messages(job)[2:])
    assert is_settled(campaign, job, 2 if copies else 1)

    # The delivery is repeated.
    assert validate(campaign, job).changed is (copies == 0)
    assert campaign.published(job) == ["COMPLETED", *["VALIDATION:2"] * (copies or 1)]
    assert is_settled(campaign, job, 2)


@pytest.mark.fault("V1")
def test_a_validation_stored_before_a_kill_is_published_by_the_next_delivery(
    campaign: Campaign,
) -> None:
    job = settled(campaign)
    with campaign.killed(PUBLISH, "before"):
        assert campaign.invoke_with(reported(job)).crashed
    assert campaign.stored(job) == Stored("COMPLETED", 2, 1)

    assert not campaign.invoke_with(reported(job)).result["changed"]
    assert campaign.published(job) == ["COMPLETED", "VALIDATION:2"]
    assert is_settled(campaign, job, 2)


@pytest.mark.fault("V1")
@each_of(SNS_FAULTS, "throttled", "reset-after", "html-instead", "answer-without-an-id")
def test_a_validation_that_sns_does_not_confirm_stays_pending(
    campaign: Campaign, sweeps: Sweeps, action: Action, phase: Phase
) -> None:
    job = settled(campaign)
    campaign.inject(PUBLISH, action, phase=phase)
    refused(campaign, NotificationPendingError, job)
    arrived = ["VALIDATION:2"] if phase == "after" else []
    assert campaign.stored(job) == Stored("COMPLETED", 2, 1)
    assert campaign.published(job) == ["COMPLETED", *arrived]
    item = campaign.item(job) or {}
    assert "openShard" in item
    assert "expiresAt" not in item

    assert sweeps.sweep()["published"] == 1
    assert campaign.published(job) == ["COMPLETED", *arrived, "VALIDATION:2"]
    assert is_settled(campaign, job, 2)
    assert not validate(campaign, job).changed


@pytest.mark.fault("V1")
@cases("step", [RECALL, VALIDATE], ids=["read", "write"])
@each_of(TABLE_FAULTS, "reset-after", "500", "denied", "html-instead", "answer-without-the-item")
def test_nothing_is_published_before_the_write_of_a_validation_is_confirmed(
    campaign: Campaign, step: Selection, action: Action, phase: Phase
) -> None:
    job = settled(campaign)
    campaign.inject(step, action, phase=phase)
    refused(campaign, TableUnavailableError, job)
    was_written = phase == "after" and step is VALIDATE
    assert campaign.published(job) == ["COMPLETED"]
    assert campaign.stored(job) == Stored("COMPLETED", 2 if was_written else 1, 1)

    assert validate(campaign, job).changed is not was_written
    assert campaign.published(job) == ["COMPLETED", "VALIDATION:2"]
    assert is_settled(campaign, job, 2)


@pytest.mark.fault("V1")
@each_of(TABLE_FAULTS, "reset-after")
def test_an_invocation_recognises_its_own_validation_after_a_retry(
    campaign: Campaign, action: Action, phase: Phase
) -> None:
    job = settled(campaign)
    campaign.inject(VALIDATE, action, phase=phase)
    result = validate(campaign, job, checker=campaign.environment(campaign.patient))

    assert (result.changed, result.entry.sequence) == (True, 2)
    assert campaign.published(job) == ["COMPLETED", "VALIDATION:2"]


@pytest.mark.fault("V1")
def test_a_validation_without_enough_time_to_publish_stays_pending(
    campaign: Campaign, sweeps: Sweeps
) -> None:
    job = settled(campaign)

    def take_long(call: Call, phase: Phase) -> None:
        if phase == "after" and VALIDATE.covers(call):
            campaign.nap(5)

    with campaign.aws.wire.listen(take_long):
        refused(campaign, TimeBudgetExceededError, job, seconds=5.0)
    assert campaign.stored(job) == Stored("COMPLETED", 2, 1)

    sweeps.sweep()
    assert campaign.published(job) == ["COMPLETED", "VALIDATION:2"]
    assert is_settled(campaign, job, 2)


# --- V2: delivered again


@pytest.mark.fault("V2")
def test_a_validation_delivered_ten_times_is_recorded_once(campaign: Campaign) -> None:
    job, checker = settled(campaign), campaign.environment()
    results = [validate(campaign, job, PASSED, checker) for _ in range(10)]

    assert [one.changed for one in results] == [True, *[False] * 9]
    assert {one.entry.sequence for one in results} == {2}
    assert campaign.published(job) == ["COMPLETED", "VALIDATION:2"]
    assert campaign.count(VALIDATE) == 1
    assert is_settled(campaign, job, 2)


def _later(campaign: Campaign, after: timedelta) -> datetime:
    return campaign.clock() + after


@pytest.mark.fault("V2")
def test_deliveries_at_once_record_one_validation(campaign: Campaign) -> None:
    job = settled(campaign)
    checkers = [campaign.environment(by) for by in (campaign.hasty, campaign.patient)]
    # Each has another moment, or it could not tell its own write from another one.
    for number, checker in enumerate(checkers):
        later = partial(_later, campaign, timedelta(seconds=number))
        checker.outbox.clock = replace(checker.outbox.clock, now=later)
    with ThreadPoolExecutor(2) as threads, campaign.hold(VALIDATE) as gate:
        running = [threads.submit(validate, campaign, job, PASSED, one) for one in checkers]
        gate.wait_for(2)
        gate.open()
        results = [one.result() for one in running]

    assert sorted(one.changed for one in results) == [False, True]
    assert set(campaign.published(job)) == {"COMPLETED", "VALIDATION:2"}
    assert is_settled(campaign, job, 2)


@pytest.mark.fault("V2")
def test_an_old_delivery_with_its_moment_is_recognised_after_a_newer_validation(
    campaign: Campaign,
) -> None:
    job = settled(campaign)
    first = dated(campaign)
    for validation in (first, FAILED):
        validate(campaign, job, validation)
    late = validate(campaign, job, first)

    assert (late.changed, late.entry.sequence) == (False, 2)
    assert campaign.published(job) == ["COMPLETED", "VALIDATION:2", "VALIDATION:3"]


# --- V3 and V4: races


@pytest.mark.fault("V3")
def test_validations_at_once_are_all_recorded_and_published_in_order(campaign: Campaign) -> None:
    job = settled(campaign)
    checkers = [campaign.environment(by) for by in (campaign.hasty, campaign.patient)]
    found = [Validation(verdict=Verdict.PASSED, detail=f"part {n}") for n in range(6)]
    with ThreadPoolExecutor(6) as threads, campaign.hold(VALIDATE) as gate:
        running = [
            threads.submit(validate, campaign, job, one, checkers[n % 2])
            for n, one in enumerate(found)
        ]
        gate.wait_for(6)
        gate.open()
        results = [one.result() for one in running]

    assert all(one.changed for one in results)
    assert sorted(one.entry.sequence for one in results) == list(range(2, 8))
    history = (campaign.item(job) or {})["history"]
    assert [one["validation"]["detail"] for one in history[1:]] == [
        one.entry.validation.detail for one in sorted(results, key=lambda one: one.entry.sequence)
    ]
    messages = {one.event["id"]: one.event["data"] for one in campaign.messages(job)}
    ids = ["COMPLETED", *(f"VALIDATION:{n}" for n in range(2, 8))]
    assert list(messages) == [f"{job.restore_id}:{one}" for one in ids]
    assert [one["validation"]["detail"] for one in list(messages.values())[1:]] == [
        one["validation"]["detail"] for one in history[1:]
    ]
    assert is_settled(campaign, job, 7)


@pytest.mark.fault("V4")
@cases("loses", ["the validation", "the check"])
def test_a_validation_and_a_change_at_once_are_both_recorded_and_published(
    campaign: Campaign, loses: str
) -> None:
    job = campaign.job(timeline=["RUNNING", "COMPLETED"])
    campaign.check(job)
    job.advance()
    slow, fast = campaign.environment(campaign.hasty), campaign.environment(campaign.patient)
    step = VALIDATE if loses == "the validation" else RECORD
    with (
        ThreadPoolExecutor(1) as thread,
        campaign.hold(step, when=campaign.hasty.made) as gate,
    ):
        if loses == "the validation":
            late: Any = thread.submit(validate, campaign, job, FAILED, slow)
            gate.wait_for(1)
            assert campaign.check(job, fast).changed
        else:
            late = thread.submit(campaign.check, job, slow)
            gate.wait_for(1)
            assert validate(campaign, job, FAILED, fast).changed
        gate.open()
        assert late.result().changed

    order = ["COMPLETED", "VALIDATION:3"]
    if loses == "the check":
        order = ["VALIDATION:2", "COMPLETED"]
    assert campaign.published(job) == ["RUNNING", *order]
    by_id = {one.event["id"].partition(":")[2]: one.event["data"] for one in campaign.messages(job)}
    assert [one["sequence"] for one in by_id.values()] == [1, 2, 3]
    assert by_id["COMPLETED"]["previousStatus"] == "RUNNING"
    assert is_settled(campaign, job, 3)


@pytest.mark.fault("V4")
def test_an_acknowledgement_that_a_validation_overtakes_does_not_settle_the_job(
    campaign: Campaign,
) -> None:
    job = campaign.finished_job()
    slow, fast = campaign.environment(campaign.hasty), campaign.environment(campaign.patient)
    with (
        ThreadPoolExecutor(1) as thread,
        campaign.hold(ACKNOWLEDGE, when=campaign.hasty.made) as gate,
    ):
        late = thread.submit(campaign.check, job, slow)
        gate.wait_for(1)
        campaign.inject(PUBLISH, Answer(400), skip=1)
        refused(campaign, NotificationPendingError, job, PASSED, fast)
        gate.open()
        late.result()
    item = campaign.item(job) or {}
    assert campaign.stored(job) == Stored("COMPLETED", 2, 1)
    assert "openShard" in item
    assert "expiresAt" not in item

    campaign.check(job)
    assert campaign.published(job) == ["COMPLETED", "COMPLETED", "VALIDATION:2"]
    assert is_settled(campaign, job, 2)


@pytest.mark.fault("V4")
def test_an_unknown_word_after_a_validation_is_recorded_with_its_own_history(
    campaign: Campaign,
) -> None:
    job = campaign.job(timeline=["PAUSED", "RESUMING", "COMPLETED"])
    campaign.check(job)
    for advance in (False, True, True):
        if advance:
            job.advance()
            campaign.check(job)
        for validation in (PARTLY, FAILED):
            validate(campaign, job, validation)

    statuses = ["UNKNOWN:PAUSED", "UNKNOWN:RESUMING", "COMPLETED"]
    published = campaign.published(job)
    assert [one for one in published if "VALIDATION" not in one] == statuses
    assert len(published) == len(set(published)) == 9
    previous = [one.event["data"].get("previousStatus", "-") for one in campaign.messages(job)]
    assert [one for one in previous if one != "-"] == [None, "UNKNOWN", "UNKNOWN"]


# --- V5: a settled job


@pytest.mark.fault("V5")
def test_a_validation_of_a_settled_job_does_not_expire_while_it_is_pending(
    campaign: Campaign,
) -> None:
    job = settled(campaign)
    before = (campaign.item(job) or {})["expiresAt"]
    campaign.pass_time(24 * HOUR)
    campaign.inject(PUBLISH, Answer(400))
    refused(campaign, NotificationPendingError, job)
    assert "expiresAt" not in (campaign.item(job) or {})

    campaign.check(job)
    assert is_settled(campaign, job, 2)
    assert (campaign.item(job) or {})["expiresAt"] >= before + 86_400
    assert campaign.published(job) == ["COMPLETED", "VALIDATION:2"]


# --- V6: a job that is not in the table


@pytest.mark.fault("V6")
def test_a_job_that_the_table_does_not_know_is_checked_first(campaign: Campaign) -> None:
    job = campaign.job(timeline=["RUNNING", "COMPLETED"])
    result = validate(campaign, job, FAILED)

    assert (result.changed, result.entry.sequence) == (True, 2)
    assert result.first_check is not None
    assert campaign.calls() == [
        *("recall", "secret", "token", "flex", "record", "publish", "acknowledge"),
        *("recall", "validate", "publish", "acknowledge"),
    ]
    assert campaign.published(job) == ["RUNNING", "VALIDATION:2"]
    assert "openShard" in (campaign.item(job) or {})


@pytest.mark.fault("V6")
def test_a_job_that_nobody_knows_is_an_error_and_nothing_is_stored(campaign: Campaign) -> None:
    job = campaign.job(restore_id=LONG_AGO)
    campaign.inject(ANY_QUESTION, UNKNOWN_JOB, times=None)
    refused(campaign, RestoreJobNotFoundError, job)

    assert campaign.item(job) is None
    assert campaign.published(job) == []


@pytest.mark.fault("V6")
def test_a_job_that_is_deleted_before_the_write_is_checked_and_recorded_anew(
    campaign: Campaign,
) -> None:
    job = settled(campaign)

    def delete_once(call: Call, phase: Phase) -> None:
        if phase == "after" and RECALL.covers(call) and campaign.count(RECALL) == 1:
            delete_item(campaign, job)

    with campaign.aws.wire.listen(delete_once):
        result = validate(campaign, job)

    assert (result.changed, result.entry.sequence) == (True, 2)
    assert campaign.published(job) == ["COMPLETED", "COMPLETED", "VALIDATION:2"]
    assert is_settled(campaign, job, 2)


# --- V7: too many


@pytest.mark.fault("V7")
def test_one_more_validation_than_are_kept_is_refused_and_loses_nothing(
    campaign: Campaign,
) -> None:
    job, checker = settled(campaign), campaign.environment()
    sign = "\N{COLLISION SYMBOL}"
    found = [
        Validation(verdict=Verdict.FAILED, validated_by=sign * 256, detail=f"{n:04}" + sign * 996)
        for n in range(VALIDATIONS_LIMIT)
    ]
    for one in found[:2]:
        validate(campaign, job, one, checker)
    recorded = checker.outbox.table.recall(target(job), Deadline.after(PLENTY))
    assert recorded is not None
    more = [validation_entry(recorded.job, one, campaign.clock()) for one in found[2:-1]]
    rewrite(
        campaign,
        job,
        "SET #history = list_append(#history, :more), #sequence = :all",
        more=TypeSerializer().serialize(more),
        all={"N": str(VALIDATIONS_LIMIT)},
    )
    campaign.inject(PUBLISH, Answer(400), skip=len(more))
    refused(campaign, NotificationPendingError, job, found[-1], checker)
    for _ in range(2):
        error = refused(campaign, TooManyValidationsError, job, PASSED, checker)
        assert f"{VALIDATIONS_LIMIT} validations" in str(error)
    assert not validate(campaign, job, found[-1], checker).changed

    assert campaign.published(job) == [
        "COMPLETED",
        *(f"VALIDATION:{n + 2}" for n in range(VALIDATIONS_LIMIT)),
    ]
    assert is_settled(campaign, job, VALIDATIONS_LIMIT + 1)
    for message in campaign.messages(job)[1:]:
        assert len(json.dumps(message.event)) < 20_000
        assert (message.subject or "").isascii()


# --- V8: a job about which nothing more is to be asked


@pytest.mark.fault("V8")
def test_a_validation_of_a_forgotten_job_is_published_and_the_job_is_forgotten_again(
    campaign: Campaign, sweeps: Sweeps
) -> None:
    job = campaign.job(timeline=["RUNNING", "COMPLETED"])
    campaign.check(job)
    campaign.atlas.hide_restore(job)
    campaign.pass_time(120)
    for _ in range(26):
        sweeps.sweep()
        campaign.pass_time(HOUR)
    assert "openShard" not in (campaign.item(job) or {})
    campaign.inject(PUBLISH, Answer(400))
    refused(campaign, NotificationPendingError, job, FAILED)

    assert sweeps.sweep()["published"] == 1
    assert campaign.published(job) == ["RUNNING", "VALIDATION:2"]
    for _ in range(3):
        campaign.pass_time(HOUR)
        sweeps.sweep()
    assert "openShard" not in (campaign.item(job) or {})
    assert campaign.stored(job) == Stored("RUNNING", 2, 2)


@pytest.mark.fault("V8")
def test_a_validation_of_a_download_whose_link_is_gone_leaves_the_index_again(
    campaign: Campaign, sweeps: Sweeps
) -> None:
    job = campaign.job("dedicated", delivery_type="download", timeline=["download-ready"])
    campaign.check(job)
    campaign.pass_time(3 * HOUR)
    sweeps.sweep()
    assert "openShard" not in (campaign.item(job) or {})
    validate(campaign, job)
    assert "openShard" in (campaign.item(job) or {})

    campaign.pass_time(60)
    sweeps.sweep()
    assert is_settled(campaign, job, 2)
    assert campaign.published(job) == ["COMPLETED", "VALIDATION:2"]


# --- V9: what its texts may hold


@pytest.mark.fault("V9")
def test_no_secret_in_the_texts_of_a_validation_is_stored_sent_or_logged(
    campaign: Campaign,
) -> None:
    """Every case searches for these secrets at its end."""
    job = settled(campaign)
    texts = (
        f"read https://a.example.net/{CANARY_DOWNLOAD_TOKEN}/restore.tar.gz",
        f"Bearer {CANARY_ACCESS_TOKEN}",
        f"--password {CANARY_PRIVATE_KEY}",
        f"client_secret={CANARY_CLIENT_SECRET}",
    )
    for text in texts:
        campaign.invoke_with(reported(job, validatedBy=text, detail=text))
    with campaign.inject(PUBLISH, aws_error("sns", "NotFound", status=404)):
        campaign.invoke_with(reported(job, detail="; ".join(texts)))

    history = (campaign.item(job) or {})["history"]
    assert ["[redacted]" in one["validation"]["detail"] for one in history[1:]] == [True] * 5


# --- F97: a verdict that cannot be true


UNTRUE = {
    "still running": ("RESTORE", ["RUNNING"], "RUNNING"),
    "failed": ("RESTORE", ["RUNNING", "FAILED"], "FAILED"),
    "cancelled": ("RESTORE", ["RUNNING", "CANCELED"], "CANCELLED"),
    "ended with a new word": ("RESTORE", ["RUNNING", "HALF+finished"], "UNKNOWN"),
    "failed after it was ready": ("DOWNLOAD", ["RUNNING", "COMPLETED", "FAILED"], None),
    "completed meanwhile": ("RESTORE", ["RUNNING", "COMPLETED"], None),
    "expired since": ("DOWNLOAD", ["COMPLETED", "EXPIRED"], None),
}
"""The delivery, what Atlas says, and the status of which PASSED is refused. The last is news."""


@pytest.mark.fault("F97")
@cases(("delivery", "timeline", "refused_as"), list(UNTRUE.values()), ids=list(UNTRUE))
def test_a_restore_whose_data_passed_has_completed(
    campaign: Campaign, delivery: str, timeline: list[str], refused_as: str | None
) -> None:
    """What is stored may be older than what Atlas says, so Atlas is asked before it is refused."""
    job = campaign.job(delivery_type=delivery, timeline=timeline)
    for _ in timeline[2:]:
        campaign.check(job)
        job.advance()
    campaign.check(job)
    if len(timeline) == 2:
        job.advance()
    campaign.stack.forget_calls()

    if refused_as is None:
        assert validate(campaign, job).changed
        assert "COMPLETED" in campaign.published(job)
    else:
        error = refused(campaign, ValidationRefusedError, job)
        assert f" is {refused_as} " in str(error)
        assert campaign.calls().count("flex") == 1
        assert not any("VALIDATION" in one for one in campaign.published(job))
    assert validate(campaign, job, FAILED).changed


@pytest.mark.fault("F97")
def test_a_verdict_that_was_recorded_before_is_not_refused_when_it_is_repeated(
    campaign: Campaign,
) -> None:
    """1.0.0 recorded any."""
    job, checker = campaign.job(timeline=["FAILED"]), campaign.environment()
    campaign.check(job)
    deadline = Deadline.after(PLENTY)
    recorded = checker.outbox.table.recall(target(job), deadline)
    assert recorded is not None
    checker.outbox.table.validate(recorded, PASSED, campaign.clock(), deadline)

    assert not validate(campaign, job).changed
    assert campaign.published(job) == ["FAILED", "VALIDATION:2"]


@pytest.mark.fault("F97")
@cases("verdict", [PASSED, FAILED], ids=["passed", "failed"])
@cases(
    ("minutes", "error", "calls"),
    [
        (6, InvalidEventError, []),
        (4, None, None),
        (-30, ValidationRefusedError, ["recall"]),
        (-90, InvalidEventError, []),
        (-60 * 24 * 365 * 56, InvalidEventError, []),
    ],
    ids=["future", "fast clock", "before the schedule", "before the job", "1970"],
)
def test_the_moment_of_a_test_lies_between_the_schedule_and_five_minutes_from_now(
    campaign: Campaign,
    verdict: Validation,
    minutes: float,
    error: type[RestoreWatchError] | None,
    calls: list[str] | None,
) -> None:
    """The restore was asked for an hour before it was scheduled."""
    hour_ago = int(campaign.clock().timestamp() - HOUR)
    job = campaign.job(restore_id=f"{hour_ago:08x}{'5f' * 8}", timeline=["COMPLETED"])
    campaign.check(job)
    checker = campaign.environment()
    campaign.stack.forget_calls()
    validation = dated(campaign, minutes, verdict)

    if error is None:
        assert validate(campaign, job, validation, checker).changed
    else:
        assert "validatedAt: " in str(refused(campaign, error, job, validation, checker))
        assert campaign.calls() == calls
        assert campaign.published(job) == ["COMPLETED"]
