"""What an invocation may ask for beside a check of named jobs. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from restore_watch.event.sweep_request import SweepRequest
from restore_watch.model.restore_target import RestoreTarget

if TYPE_CHECKING:
    from restore_watch.model.validation import Validation


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


type Action = SweepRequest | TestNotification | Diagnose | RecordValidation | FindNewestRestore


def has_action(event: Mapping[str, Any]) -> bool:
    """Whether an event asks for an action."""
    return "action" in event or is_scheduled_event(event)


def is_scheduled_event(event: Mapping[str, Any]) -> bool:
    """Whether it is the classic event of an EventBridge rule: a sweep, so that a rule starts it."""
    return (event.get("source"), event.get("detail-type")) == ("aws.events", "Scheduled Event")
