"""
Invocations that are no checks of named jobs. Pure.

They carry an `action` at the top level of the event: `sweep`, `test-notification`, `diagnose`,
`record-validation` or `newest-restore`. The classic Scheduled Event of an EventBridge rule is a
sweep too, so that a rule can trigger it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import TypeAdapter, ValidationError

from restore_watch.errors import InvalidEventError
from restore_watch.event.targets import NAMES_OF_A_JOB, one_of, read_target, type_of
from restore_watch.model.fields import ClusterName, ObjectId
from restore_watch.model.restore_job import RestoreTarget
from restore_watch.model.validation import DETAIL_LIMIT, VALIDATED_BY_LIMIT, Validation, Verdict
from restore_watch.redaction import redact, redact_report

SWEEP = "sweep"
TEST_NOTIFICATION = "test-notification"
DIAGNOSE = "diagnose"
RECORD_VALIDATION = "record-validation"
NEWEST_RESTORE = "newest-restore"

_FIELDS = {
    SWEEP: {"action", "scheduledTime"},
    TEST_NOTIFICATION: {"action"},
    DIAGNOSE: {"action", "groupId", "projectId", "clusterName"},
    RECORD_VALIDATION: {"action", "verdict", "validatedBy", "detail", "validatedAt"}
    | NAMES_OF_A_JOB,
    NEWEST_RESTORE: {"action", "groupId", "projectId", "clusterName", "createdAfter"},
}
"""The fields of each action's event."""

_group_id = TypeAdapter(ObjectId).validate_python
_cluster_name = TypeAdapter(ClusterName).validate_python

_SCHEDULED = {"source": "aws.events", "detail-type": "Scheduled Event"}


@dataclass(frozen=True)
class Sweep:
    """
    Follow every open job.

    `tick` is the moment for which the schedule fired, in UTC, if any; `field` is where it stands.
    """

    tick: datetime | None = None
    field: str = "scheduledTime"


@dataclass(frozen=True)
class TestNotification:
    """Publish one message, marked as a test, to see whether it arrives."""

    __test__ = False  # it is not a class of tests


@dataclass(frozen=True)
class Diagnose:
    """Say what works and what does not, also about a project or a cluster. Changes nothing."""

    group_id: str | None = None
    cluster_name: str | None = None


@dataclass(frozen=True)
class RecordValidation:
    """Keep what a pipeline found in the restored data of a job, and publish it."""

    target: RestoreTarget
    validation: Validation


@dataclass(frozen=True)
class FindNewestRestore:
    """Say which restore job of a cluster is the newest one, of those `created_after` a moment."""

    group_id: str
    cluster_name: str
    created_after: datetime | None = None


type Action = Sweep | TestNotification | Diagnose | RecordValidation | FindNewestRestore


def read_action(event: Mapping[str, Any]) -> Action | None:
    """
    Return the action of an event, None if it has none.

    Raises InvalidEventError, naming the field and what was expected.
    """
    if all(event.get(name) == value for name, value in _SCHEDULED.items()):
        return Sweep(_moment(event.get("time"), "time"), "time")
    if "action" not in event:
        return None
    action = event["action"]
    if not isinstance(action, str) or action not in _FIELDS:
        known = ", ".join(f'"{name}"' for name in _FIELDS)
        raise InvalidEventError("action", f"expected one of {known}, got {type_of(action)}")
    for name in event:
        if name not in _FIELDS[action]:
            raise InvalidEventError(redact(str(name)), f'not accepted beside the action "{action}"')
    return _READERS[action](event)


def _sweep(event: Mapping[str, Any]) -> Sweep:
    if "scheduledTime" not in event:
        return Sweep()
    return Sweep(_moment(event["scheduledTime"], "scheduledTime"))


def _diagnose(event: Mapping[str, Any]) -> Diagnose:
    if not {"groupId", "projectId", "clusterName"} & event.keys():
        return Diagnose()
    return Diagnose(_project(event), _cluster(event) if "clusterName" in event else None)


def _find_newest_restore(event: Mapping[str, Any]) -> FindNewestRestore:
    return FindNewestRestore(
        _project(event), _cluster(event), _optional_moment(event, "createdAfter")
    )


def _project(event: Mapping[str, Any]) -> str:
    name, _ = one_of(event, "groupId")
    return _checked(event, name, _group_id, "Atlas's project id, 24 lowercase hexadecimal digits")


def _cluster(event: Mapping[str, Any]) -> str:
    form = "the source cluster's name: letters, digits and hyphens, 64 characters at most"
    return _checked(event, "clusterName", _cluster_name, form)


def _checked(
    event: Mapping[str, Any], field: str, check: Callable[[object], str], form: str
) -> str:
    value = event.get(field)
    try:
        return check(value)
    except ValidationError:
        # Not chained: pydantic's error quotes the value.
        raise InvalidEventError(field, f"expected {form}, got {type_of(value)}") from None


def _validation(event: Mapping[str, Any]) -> Validation:
    verdict = event.get("verdict")
    if not isinstance(verdict, str) or verdict not in set(Verdict):
        known = " or ".join(f'"{one}"' for one in Verdict)
        raise InvalidEventError("verdict", f"expected {known}, got {type_of(verdict)}")
    return Validation(
        verdict=Verdict(verdict),
        validated_by=_text(event.get("validatedBy"), "validatedBy", VALIDATED_BY_LIMIT),
        detail=_text(event.get("detail"), "detail", DETAIL_LIMIT),
        validated_at=_optional_moment(event, "validatedAt"),
    )


def _text(value: object, field: str, limit: int) -> str | None:
    """Return the text, redacted. A workflow may fill in a field with nothing."""
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > limit:
        expected = f"expected text of at most {limit} characters"
        raise InvalidEventError(field, f"{expected}, got {type_of(value)}")
    return redact_report(value, limit) or None


def _optional_moment(event: Mapping[str, Any], field: str) -> datetime | None:
    return None if event.get(field) is None else _moment(event[field], field)


def _moment(value: object, field: str) -> datetime:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        if moment is not None and moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    expected = "expected a moment in ISO 8601 with its zone, such as 2026-11-25T12:00:00Z"
    raise InvalidEventError(field, f"{expected}, got {type_of(value)}")


_READERS: Mapping[str, Callable[[Mapping[str, Any]], Action]] = {
    SWEEP: _sweep,
    TEST_NOTIFICATION: lambda _event: TestNotification(),
    DIAGNOSE: _diagnose,
    NEWEST_RESTORE: _find_newest_restore,
    RECORD_VALIDATION: lambda event: RecordValidation(read_target(event), _validation(event)),
}
