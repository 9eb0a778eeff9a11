"""The fields of an event by which a pipeline records its verdict on restored data. Pure."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import PlainValidator

from foundation.outside import MustBeRight, unreadable
from restore_watch.event.actions import RecordValidation
from restore_watch.event.event_fields import EventFields, one_word_of
from restore_watch.event.moments import Moment
from restore_watch.event.target_fields import NAMES_OF_A_JOB, read_target
from restore_watch.model.validation import DETAIL_LIMIT, VALIDATED_BY_LIMIT, Validation, Verdict
from restore_watch.redaction import redact_report

VALIDATION_FIELDS = NAMES_OF_A_JOB | {"verdict", "validatedBy", "detail", "validatedAt"}
"""The fields of such an event beside its action."""


def _text_of(limit: int) -> PlainValidator:
    """Read a text, redacted. A workflow may fill in a field with nothing."""

    def read(value: object) -> str | None:
        if not isinstance(value, str) or len(value) > limit:
            raise unreadable(f"expected text of at most {limit} characters")
        return redact_report(value, limit) or None

    return PlainValidator(read)


class _ValidationFields(EventFields):
    verdict: MustBeRight[Annotated[Verdict, PlainValidator(one_word_of(Verdict))]]
    validated_by: Annotated[str, _text_of(VALIDATED_BY_LIMIT)] | None = None
    detail: Annotated[str, _text_of(DETAIL_LIMIT)] | None = None
    validated_at: Moment | None = None


def read_validation(event: Mapping[str, Any]) -> RecordValidation:
    """Read an event that records a validation. Raises InvalidEventError."""
    target, read = read_target(event), _ValidationFields.of(event)
    validation = Validation(
        verdict=read.verdict,
        validated_by=read.validated_by,
        detail=read.detail,
        validated_at=read.validated_at,
    )
    return RecordValidation(target, validation)
