"""
The report of a pipeline that tested the restored data, and the record of it. Pure.

A validation is an entry of the job's history beside its status changes, so it takes the same way to
the topic. It changes neither the job's status nor the statuses that may follow.
"""

from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum

from pydantic import StrictStr

from foundation.outside import FromOutside, UtcDate
from restore_watch.model.history_entry import RecordedValidation

VALIDATIONS_LIMIT = 20
"""A job's history holds this many validations at most, so that its item stays small."""

VALIDATED_BY_LIMIT = 256
DETAIL_LIMIT = 1000
"""Characters of the two texts of a validation."""


CLOCKS_DIFFER = timedelta(minutes=5)
"""The clock of a pipeline may differ by so much from that of Atlas, or of the function."""


class Verdict(StrEnum):
    """The verdict of the pipeline."""

    PASSED = "PASSED"
    FAILED = "FAILED"


class Validation(FromOutside):
    """A pipeline's verdict on the data, tested at `validated_at`. Its texts are redacted."""

    verdict: Verdict
    validated_by: StrictStr | None = None
    detail: StrictStr | None = None
    validated_at: UtcDate | None = None


def recorded_before(
    validation: Validation,
    recorded: Sequence[RecordedValidation],
    request_id: str | None = None,
) -> RecordedValidation | None:
    """
    Return the entry that this validation repeats, None if it is new.

    Lambda repeats an asynchronous invocation with the same request id ("Using the Lambda context
    object to retrieve Python function information", AWS Lambda Developer Guide), minutes later,
    when another validation may be the last one. AWS may also deliver an event twice: then it equals
    the last validation, or any with the same moment of the test.
    """
    if request_id is not None:
        for entry in recorded:
            if entry.request_id == request_id:
                return entry
    compared = recorded if validation.validated_at is not None else recorded[-1:]
    for entry in reversed(compared):
        if entry.validation == validation:
            return entry
    return None
