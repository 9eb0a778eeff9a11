"""Recording a validation, top to bottom: read the item of the job, append, publish."""

from datetime import datetime

from foundation.deadline import Deadline
from restore_watch.check.check import JobChecker
from restore_watch.errors import (
    InvalidEventError,
    TooManyValidationsError,
    ValidationRefusedError,
)
from restore_watch.event.actions import RecordValidation
from restore_watch.model.history_entry import RecordedValidation
from restore_watch.model.restore_status import RestoreStatus
from restore_watch.model.results import ValidationResult
from restore_watch.model.validation import (
    CLOCKS_DIFFER,
    VALIDATIONS_LIMIT,
    Validation,
    Verdict,
    recorded_before,
)
from restore_watch.table.job_item import Recorded

_TOO_MANY = (
    f"this restore job has {VALIDATIONS_LIMIT} validations, and no more are kept; "
    "report the verdict of a test once, with the same validatedAt"
)


def record_validation(
    checker: JobChecker, report: RecordValidation, deadline: Deadline, request_id: str | None = None
) -> ValidationResult:
    """
    Record the validation, unless it was recorded before, and publish the pending entries.

    A retry by Lambda has the `request_id` of the first attempt, and records nothing again. The
    job is checked first if the table does not know it, or if PASSED needs a completion that is
    not recorded. Raises TooManyValidationsError, InvalidEventError or ValidationRefusedError, and
    otherwise as a check does.
    """
    target, validation = report
    table, clock = checker.outbox.table, checker.outbox.clock
    _require_moment(report, clock.now())
    first_check = None
    recorded = table.recall(target, deadline)
    while recorded is None or not _is_settled(validation, recorded, request_id):
        if recorded is None or (first_check is None and _needs_check(validation, recorded)):
            first_check = checker.check(target, deadline)
            recorded = table.recall(target, deadline)
        else:
            _require_fit(validation, recorded)
            # Nothing is written if another invocation wrote to the job meanwhile: then again.
            recorded = table.validate(recorded, validation, clock.now(), deadline, request_id)
    published = checker.publish(recorded, deadline)
    entry = _entry_of(validation, recorded, request_id)
    if entry is None:
        raise TooManyValidationsError(_TOO_MANY)
    is_new = recorded.written is not None
    return ValidationResult(recorded.job, entry, is_new, published, first_check)


def _is_settled(validation: Validation, recorded: Recorded, request_id: str | None) -> bool:
    """Whether the validation is recorded, now or before, or the job has no room for it."""
    is_recorded = _entry_of(validation, recorded, request_id) is not None
    return is_recorded or len(recorded.validations) >= VALIDATIONS_LIMIT


def _entry_of(
    validation: Validation, recorded: Recorded, request_id: str | None
) -> RecordedValidation | None:
    """Return the entry of the validation in the history of the job; None if it has none."""
    return recorded.validation or recorded_before(validation, recorded.validations, request_id)


def _require_moment(report: RecordValidation, now: datetime) -> None:
    """Refuse a moment that no restore job can have, before anything is read."""
    at = report.validation.validated_at
    if at is not None and at > now + CLOCKS_DIFFER:
        raise InvalidEventError("validatedAt", "expected a moment that has come")
    if at is not None and at < report.target.created_at:
        problem = "expected a moment after the restore job was created"
        raise InvalidEventError("validatedAt", problem)


def _needs_check(validation: Validation, recorded: Recorded) -> bool:
    return validation.verdict is Verdict.PASSED and RestoreStatus.COMPLETED not in recorded.seen


def _require_fit(validation: Validation, recorded: Recorded) -> None:
    if _needs_check(validation, recorded):
        msg = f"verdict: this restore job is {recorded.job.status} and has not reached COMPLETED"
        raise ValidationRefusedError(msg)
    at, scheduled = validation.validated_at, recorded.job.restore_scheduled_date
    if at is not None and scheduled is not None and at < scheduled:
        raise ValidationRefusedError(
            f"validatedAt: this restore job was scheduled later, at {scheduled:%Y-%m-%dT%H:%M:%SZ}"
        )
