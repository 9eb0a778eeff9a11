"""
Invocations with an `action` at the top level of the event. Pure.

The classic Scheduled Event of an EventBridge rule is a sweep too, so that a rule can trigger it.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, NamedTuple

from pydantic import PlainValidator

from foundation.clock import CLOCKS_APART
from foundation.outside import MustBeRight, unreadable
from restore_watch.errors import InvalidEventError
from restore_watch.event.event_fields import (
    EventFields,
    one_word_of,
    refuse_others,
    unexpected,
)
from restore_watch.event.target_fields import (
    NAMES_OF_A_JOB,
    ClusterName,
    GroupId,
    read_target,
)
from restore_watch.model.restore_target import RestoreTarget
from restore_watch.model.validation import DETAIL_LIMIT, VALIDATED_BY_LIMIT, Validation, Verdict
from restore_watch.redaction import redact_report

TICK_LIFE = timedelta(seconds=110)
"""
A tick is too old then, because the next one has come.

EventBridge Scheduler fires at any moment of the minute that a schedule names ("Schedule types",
EventBridge Scheduler User Guide), so a tick may arrive a minute old.
"""

REQUEST_LIFE = timedelta(seconds=50)
"""
The request of a check is too old then: a tick has come, or Lambda repeats a sweep that failed.

Lambda waits a minute before that ("Error handling for asynchronous invocations", AWS Lambda
Developer Guide), and puts what fails again into the failure queue. The ticks report it anyhow.
"""


class Sweep(NamedTuple):
    """
    Follow every open job and, at a tick, find others.

    `tick` is the moment for which the schedule fired, in UTC, if any; `field` is where it stands.
    A check asked for the sweep at the moment `requested_at`.
    """

    tick: datetime | None = None
    field: str = "scheduledTime"
    requested_at: datetime | None = None

    def is_late(self, now: datetime) -> bool:
        """Whether a later sweep does this work. Raises InvalidEventError for a future tick."""
        tick, requested_at = self.tick or now, self.requested_at or now
        if tick - now > CLOCKS_APART:
            raise InvalidEventError(self.field, "expected a moment that has come")
        return now - tick > TICK_LIFE or now - requested_at > REQUEST_LIFE


@dataclass(frozen=True)
class TestNotification:
    """Publish one message, marked as a test, to see whether it arrives."""

    __test__ = False  # it is not a class of tests


class Diagnose(NamedTuple):
    """Diagnose the stack and, if they are named, a project and a cluster. Changes nothing."""

    group_id: str | None = None
    cluster_name: str | None = None


class RecordValidation(NamedTuple):
    """Record the verdict of a pipeline on the restored data of a job, and publish it."""

    target: RestoreTarget
    validation: Validation


class FindNewestRestore(NamedTuple):
    """Find the newest restore job of a cluster, of those `created_after` a moment."""

    group_id: str
    cluster_name: str
    created_after: datetime | None = None


type Action = Sweep | TestNotification | Diagnose | RecordValidation | FindNewestRestore


def read_action(event: Mapping[str, Any]) -> Action | None:
    """Return the action of an event, None if it has none. Raises InvalidEventError."""
    if (event.get("source"), event.get("detail-type")) == ("aws.events", "Scheduled Event"):
        return Sweep(read_moment(event.get("time"), "time"), "time")
    if "action" not in event:
        return None
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


def _sweep(event: Mapping[str, Any]) -> Sweep:
    read = _SweepFields.of(event)
    return Sweep(read.scheduled_time, requested_at=read.requested_at)


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
