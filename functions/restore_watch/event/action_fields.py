"""The fields of an event that asks for an action. Pure."""

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import PlainValidator

from foundation.outside import MustBeRight, unreadable
from restore_watch.event.actions import (
    Action,
    Diagnose,
    FindNewestRestore,
    RecordValidation,
    TestNotification,
    is_scheduled_event,
)
from restore_watch.event.event_fields import (
    EventFields,
    one_word_of,
    refuse_others,
    unexpected,
)
from restore_watch.event.sweep_request import SweepRequest
from restore_watch.event.target_fields import (
    NAMES_OF_A_JOB,
    ClusterName,
    GroupId,
    read_target,
)
from restore_watch.model.validation import DETAIL_LIMIT, VALIDATED_BY_LIMIT, Validation, Verdict
from restore_watch.redaction import redact_report


def read_action(event: Mapping[str, Any]) -> Action:
    """Read an event that has an action. Raises InvalidEventError."""
    if is_scheduled_event(event):
        return SweepRequest(read_moment(event.get("time"), "time"), "time")
    action = _ActionField.of(event).action
    fields, read = _ACTIONS[action]
    refuse_others(event, action, fields)
    return read(event)


_MOMENT = "a moment in ISO 8601 with its zone, such as 2026-11-25T12:00:00Z"


def _moment(value: object) -> datetime:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        if moment is not None and moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass  # it would quote the value
    raise unreadable(f"expected {_MOMENT}")


def read_moment(value: object, field: str) -> datetime:
    """Read a moment. Raises InvalidEventError."""
    try:
        return _moment(value)
    except ValueError:
        raise unexpected(field, _MOMENT, value) from None


def _text_of(limit: int) -> PlainValidator:
    """Read a text, redacted. A workflow may fill in a field with nothing."""

    def read(value: object) -> str | None:
        if not isinstance(value, str) or len(value) > limit:
            raise unreadable(f"expected text of at most {limit} characters")
        return redact_report(value, limit) or None

    return PlainValidator(read)


_Moment = Annotated[datetime, PlainValidator(_moment)]
_GivenMoment = Annotated[datetime | None, PlainValidator(_moment)]
"""None only if it is absent: null is no moment."""


class _SweepFields(EventFields):
    scheduled_time: _GivenMoment = None
    requested_at: _GivenMoment = None


def _sweep(event: Mapping[str, Any]) -> SweepRequest:
    read = _SweepFields.of(event)
    return SweepRequest(read.scheduled_time, requested_at=read.requested_at)


class _ProjectFields(EventFields):
    group_id: MustBeRight[GroupId]


class _ClusterFields(_ProjectFields):
    cluster_name: MustBeRight[ClusterName]


class _NewestRestoreFields(_ClusterFields):
    created_after: _Moment | None = None


def _diagnose(event: Mapping[str, Any]) -> Diagnose:
    if event.keys() == {"action"}:
        return Diagnose()
    if "clusterName" not in event:
        return Diagnose(_ProjectFields.of(event).group_id)
    read = _ClusterFields.of(event)
    return Diagnose(read.group_id, read.cluster_name)


def _find_newest_restore(event: Mapping[str, Any]) -> FindNewestRestore:
    read = _NewestRestoreFields.of(event)
    return FindNewestRestore(read.group_id, read.cluster_name, read.created_after)


class _ValidationFields(EventFields):
    verdict: MustBeRight[Annotated[Verdict, PlainValidator(one_word_of(Verdict))]]
    validated_by: Annotated[str, _text_of(VALIDATED_BY_LIMIT)] | None = None
    detail: Annotated[str, _text_of(DETAIL_LIMIT)] | None = None
    validated_at: _Moment | None = None


def _record_validation(event: Mapping[str, Any]) -> RecordValidation:
    target, read = read_target(event), _ValidationFields.of(event)
    validation = Validation(
        verdict=read.verdict,
        validated_by=read.validated_by,
        detail=read.detail,
        validated_at=read.validated_at,
    )
    return RecordValidation(target, validation)


_ACTIONS: Mapping[str, tuple[Collection[str], Callable[[Mapping[str, Any]], Action]]] = {
    "sweep": ({"scheduledTime", "requestedAt"}, _sweep),
    "test-notification": (set(), lambda _event: TestNotification()),
    "diagnose": ({"groupId", "projectId", "clusterName"}, _diagnose),
    "record-validation": (
        NAMES_OF_A_JOB | {"verdict", "validatedBy", "detail", "validatedAt"},
        _record_validation,
    ),
    "newest-restore": (
        {"groupId", "projectId", "clusterName", "createdAfter"},
        _find_newest_restore,
    ),
}
"""For each action, the other fields of its event, and its reader."""


class _ActionField(EventFields):
    action: Annotated[str, PlainValidator(one_word_of(_ACTIONS))]
