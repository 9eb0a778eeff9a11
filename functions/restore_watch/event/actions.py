"""What an invocation may ask for beside a check of named jobs. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from foundation.clock import CLOCKS_APART
from restore_watch.errors import InvalidEventError
from restore_watch.model.restore_target import RestoreTarget

if TYPE_CHECKING:
    from restore_watch.model.validation import Validation

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
    validation: "Validation"


class FindNewestRestore(NamedTuple):
    """Find the newest restore job of a cluster, of those `created_after` a moment."""

    group_id: str
    cluster_name: str
    created_after: datetime | None = None


type Action = Sweep | TestNotification | Diagnose | RecordValidation | FindNewestRestore


def has_action(event: Mapping[str, Any]) -> bool:
    """Whether an event asks for an action."""
    return "action" in event or is_scheduled_event(event)


def is_scheduled_event(event: Mapping[str, Any]) -> bool:
    """Whether it is the classic event of an EventBridge rule: a sweep, so that a rule starts it."""
    return (event.get("source"), event.get("detail-type")) == ("aws.events", "Scheduled Event")
