"""
Invocations that are not about named jobs. Pure.

They carry an `action` at the top level of the event: `sweep` or `test-notification`. The classic
Scheduled Event of an EventBridge rule is a sweep too, so that a rule can trigger it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from restore_watch.errors import InvalidEventError
from restore_watch.json_types import type_of
from restore_watch.redaction import redact

SWEEP = "sweep"
TEST_NOTIFICATION = "test-notification"

_FIELDS = {SWEEP: {"action", "scheduledTime"}, TEST_NOTIFICATION: {"action"}}
"""The fields of each action's event."""

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


def read_action(event: Mapping[str, Any]) -> Sweep | TestNotification | None:
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
        expected = f'expected "{SWEEP}" or "{TEST_NOTIFICATION}"'
        raise InvalidEventError("action", f"{expected}, got {type_of(action)}")
    for name in event:
        if name not in _FIELDS[action]:
            raise InvalidEventError(redact(str(name)), f'not accepted beside the action "{action}"')
    if action == TEST_NOTIFICATION:
        return TestNotification()
    if "scheduledTime" not in event:
        return Sweep()
    return Sweep(_moment(event["scheduledTime"], "scheduledTime"))


def _moment(value: object, field: str) -> datetime:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        if moment is not None and moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    expected = "expected a moment in ISO 8601 with its zone, such as 2026-11-25T12:00:00Z"
    raise InvalidEventError(field, f"{expected}, got {type_of(value)}")
