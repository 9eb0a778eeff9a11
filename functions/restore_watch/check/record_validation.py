"""Recording a validation, top to bottom: read the item of the job, append, publish."""

from datetime import datetime, timedelta

from foundation.deadline import Deadline
from restore_watch.check.check import JobChecker
from restore_watch.errors import (
    InvalidEventError,
    TooManyValidationsError,
    ValidationRefusedError,
)
from restore_watch.model.restore_job import RestoreStatus, RestoreTarget
from restore_watch.model.results import CheckResult, ValidationResult
from restore_watch.model.validation import (
    VALIDATIONS_LIMIT,
    RecordedValidation,
    Validation,
    Verdict,
    recorded_before,
)
from restore_watch.table.job_item import Recorded

AHEAD = timedelta(minutes=5)
"""A test may lie this far in the future: the clock of a pipeline may be fast."""


def record_validation(
    checker: JobChecker,
    target: RestoreTarget,
    validation: Validation,
    deadline: Deadline,
    request_id: str | None = None,
) -> ValidationResult:
    """
    Record the validation, unless it was recorded before, and publish the pending entries.

    A retry by Lambda has the `request_id` of the first attempt, and records nothing again. The
    job is checked first if the table does not know it, or if PASSED needs a completion that is
    not recorded. Raises TooManyValidationsError if the job has as many validations as are kept,
    InvalidEventError or ValidationRefusedError if the verdict does not fit the job, and
    otherwise as a check does.
    """
    _require_moment(target, validation, checker.outbox.clock.now())
    first_check = None
    recorded = checker.outbox.table.recall(target, deadline)
    while True:  # a try is lost if another invocation wrote to the job; it has few writes
        if recorded is not None:
            found = recorded.validation or recorded_before(
                validation, recorded.validations, request_id
            )
            if found is not None or len(recorded.validations) >= VALIDATIONS_LIMIT:
                return _result(checker, recorded, found, deadline, first_check)
        if recorded is None or (first_check is None and _needs_check(validation, recorded)):
            first_check = checker.check(target, deadline)
            recorded = checker.outbox.table.recall(target, deadline)
            continue
        _require_fit(validation, recorded)
        recorded = checker.outbox.table.validate(
            recorded, validation, checker.outbox.clock.now(), deadline, request_id
        )


def _require_moment(target: RestoreTarget, validation: Validation, now: datetime) -> None:
    """Refuse a moment that no restore job can have, before anything is read."""
    at = validation.validated_at
    if at is None:
        return
    if at > now + AHEAD:
        raise InvalidEventError("validatedAt", "expected a moment that has come")
    if at < target.created_at:
        problem = "expected a moment after the restore job was created"
        raise InvalidEventError("validatedAt", problem)


def _result(
    checker: JobChecker,
    recorded: Recorded,
    entry: RecordedValidation | None,
    deadline: Deadline,
    first_check: CheckResult | None,
) -> ValidationResult:
    published = checker.publish(recorded, deadline)
    if entry is None:
        msg = (
            f"this restore job has {VALIDATIONS_LIMIT} validations, and no more are kept; "
            "report the verdict of a test once, with the same validatedAt"
        )
        raise TooManyValidationsError(msg)
    return ValidationResult(
        job=recorded.job,
        entry=entry,
        changed=recorded.written is not None,
        published=published,
        first_check=first_check,
    )


def _needs_check(validation: Validation, recorded: Recorded) -> bool:
    """Whether the verdict is PASSED, and no completion of the job is recorded."""
    return validation.verdict is Verdict.PASSED and RestoreStatus.COMPLETED not in recorded.seen


def _require_fit(validation: Validation, recorded: Recorded) -> None:
    if _needs_check(validation, recorded):
        msg = f"verdict: this restore job is {recorded.job.status} and has not reached COMPLETED"
        raise ValidationRefusedError(msg)
    at, scheduled = validation.validated_at, recorded.job.restore_scheduled_date
    if at is not None and scheduled is not None and at < scheduled:
        msg = (
            f"validatedAt: this restore job was scheduled later, at {scheduled:%Y-%m-%dT%H:%M:%SZ}"
        )
        raise ValidationRefusedError(msg)
