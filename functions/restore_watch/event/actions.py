"""
Invocations with an `action` at the top level of the event. Pure.

The classic Scheduled Event of an EventBridge rule is a sweep too, so that a rule can trigger it.
"""

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from foundation.clock import CLOCKS_APART
from restore_watch.errors import InvalidEventError
from restore_watch.event.target_fields import (
    NAMES_OF_A_JOB,
    one_word_of,
    read_field,
    read_target,
    unexpected,
)
from restore_watch.model.restore_job import RestoreTarget
from restore_watch.model.validation import DETAIL_LIMIT, VALIDATED_BY_LIMIT, Validation, Verdict
from restore_watch.redaction import redact, redact_report

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
    action = one_word_of(_ACTIONS, event["action"], "action")
    fields, read = _ACTIONS[action]
    refuse_others(event, action, fields)
    return read(event)


def refuse_others(event: Mapping[str, Any], action: str, fields: Collection[str]) -> None:
    """Raise InvalidEventError for a field that is not of this action."""
    for name in event:
        if name != "action" and name not in fields:
            raise InvalidEventError(redact(str(name)), f'not accepted beside the action "{action}"')


def _sweep(event: Mapping[str, Any]) -> Sweep:
    tick, requested_at = (
        read_moment(event[name], name) if name in event else None
        for name in ("scheduledTime", "requestedAt")
    )
    return Sweep(tick, requested_at=requested_at)


def _diagnose(event: Mapping[str, Any]) -> Diagnose:
    if event.keys() == {"action"}:
        return Diagnose()
    group_id = read_field(event, "groupId")
    return Diagnose(group_id, read_field(event, "clusterName") if "clusterName" in event else None)


def _find_newest_restore(event: Mapping[str, Any]) -> FindNewestRestore:
    group_id, cluster_name = read_field(event, "groupId"), read_field(event, "clusterName")
    return FindNewestRestore(group_id, cluster_name, _moment_or_none(event, "createdAfter"))


def _validation(event: Mapping[str, Any]) -> Validation:
    return Validation(
        verdict=one_word_of(Verdict, event.get("verdict"), "verdict"),
        validated_by=_text(event.get("validatedBy"), "validatedBy", VALIDATED_BY_LIMIT),
        detail=_text(event.get("detail"), "detail", DETAIL_LIMIT),
        validated_at=_moment_or_none(event, "validatedAt"),
    )


def _text(value: object, field: str, limit: int) -> str | None:
    """Return the text, redacted. A workflow may fill in a field with nothing."""
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > limit:
        raise unexpected(field, f"text of at most {limit} characters", value)
    return redact_report(value, limit) or None


def _moment_or_none(event: Mapping[str, Any], field: str) -> datetime | None:
    return None if event.get(field) is None else read_moment(event[field], field)


def read_moment(value: object, field: str) -> datetime:
    """Read a moment. Raises InvalidEventError."""
    with suppress(ValueError, OverflowError):
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        if moment is not None and moment.tzinfo is not None:
            return moment.astimezone(UTC)
    expected = "a moment in ISO 8601 with its zone, such as 2026-11-25T12:00:00Z"
    raise unexpected(field, expected, value)


_ACTIONS: Mapping[str, tuple[Collection[str], Callable[[Mapping[str, Any]], Action]]] = {
    "sweep": ({"scheduledTime", "requestedAt"}, _sweep),
    "test-notification": (set(), lambda _event: TestNotification()),
    "diagnose": ({"groupId", "projectId", "clusterName"}, _diagnose),
    "record-validation": (
        NAMES_OF_A_JOB | {"verdict", "validatedBy", "detail", "validatedAt"},
        lambda event: RecordValidation(read_target(event), _validation(event)),
    ),
    "newest-restore": (
        {"groupId", "projectId", "clusterName", "createdAfter"},
        _find_newest_restore,
    ),
}
"""For each action, the other fields of its event, and its reader."""
