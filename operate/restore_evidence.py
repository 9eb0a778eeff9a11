"""
What the table says of one restore: its figures, every recorded change, and verdicts. Pure.

A change and a verdict say what their messages said, because both are made from the same entry of
`history`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter, ValidationError

from operate.objectives import Objectives
from restore_watch.aws.messages import cloud_event
from restore_watch.errors import TableUnavailableError
from restore_watch.model.fields import UtcDate
from restore_watch.model.restore_job import RestoreJob, RestoreTarget
from restore_watch.model.status_change import StatusChange, utc_text
from restore_watch.model.validation import DETAIL_LIMIT, RecordedValidation
from restore_watch.redaction import redact_report
from restore_watch.table.job_item import Recorded, read_item

OPEN = "OPEN"
"""The outcome of a restore that has not ended. Any other outcome is its last status."""

OUTCOMES = ("COMPLETED", "FAILED", "CANCELLED", "EXPIRED", "UNKNOWN", OPEN)

_NAMES = {"groupId", "clusterName", "restoreId"}

_utc_date = TypeAdapter(UtcDate).validate_python


class UnreadableItemError(Exception):
    """The item is in a form that this version cannot read."""


@dataclass(frozen=True)
class RestoreEvidence:
    """A restore: when it began, and everything about it by its public names."""

    began: datetime
    facts: Mapping[str, Any]
    changes: tuple[Mapping[str, Any], ...]
    validations: tuple[Mapping[str, Any], ...]


def began_at(item: Mapping[str, Any]) -> datetime:
    """
    When the restore was scheduled; without a date from Atlas, when its id was made.

    Reads nothing else of the item. Raises UnreadableItemError.
    """
    try:
        scheduled = item.get("restoreScheduledDate")
        return _utc_date(scheduled["S"]) if scheduled else _target(item).created_at
    except (ValidationError, LookupError, TypeError, ValueError):
        raise UnreadableItemError from None


def read_evidence(
    item: Mapping[str, Any], objectives: Objectives, now: datetime
) -> RestoreEvidence:
    """Read an item, in DynamoDB's types. Raises UnreadableItemError."""
    began = began_at(item)
    try:
        target = _target(item)
        recorded = read_item(item)
        missing_since = _utc_date(item["missingSince"]["S"]) if "missingSince" in item else None
    except (TableUnavailableError, ValidationError, LookupError, TypeError, ValueError):
        raise UnreadableItemError from None
    if {_key(entry.job) for entry in recorded.history} != {_key(target)}:
        raise UnreadableItemError
    changes = recorded.changes
    job = changes[-1].job
    facts = job.as_json() | {
        "outcome": job.status if job.terminal else OPEN,
        "rtoMet": objectives.rto_met(changes, began, missing_since or now),
        "rpoMet": objectives.rpo_met(job),
        "firstObservedAt": utc_text(changes[0].observed_at),
        "observedAt": utc_text(changes[-1].observed_at),
        "missingSince": utc_text(missing_since) if missing_since else None,
    }
    return RestoreEvidence(
        began=began,
        facts=facts,
        changes=tuple(_changed(change, recorded) for change in changes),
        validations=tuple(_validated(one, recorded) for one in recorded.validations),
    )


def _target(item: Mapping[str, Any]) -> RestoreTarget:
    """The job that the item's key names."""
    group_id, _, cluster_name = item["cluster"]["S"].partition("/")
    restore_id = item["restoreId"]["S"]
    return RestoreTarget.model_validate(
        {"groupId": group_id, "clusterName": cluster_name, "restoreId": restore_id}
    )


def _key(one: RestoreJob | RestoreTarget) -> tuple[str, str, str]:
    return one.group_id, one.cluster_name, one.restore_id


def _changed(change: StatusChange, recorded: Recorded) -> dict[str, Any]:
    """What the message of a change says, without the names of the restore."""
    event = cloud_event(change)
    data = {name: value for name, value in event["data"].items() if name not in _NAMES}
    return {"id": event["id"], "published": change.sequence <= recorded.published, **data}


def _validated(entry: RecordedValidation, recorded: Recorded) -> dict[str, Any]:
    """What the message of a verdict says beside the state of the job."""
    said = entry.validation.as_json()
    # Redacted when it was recorded; a table can be written by others as well.
    for name in ("validatedBy", "detail"):
        said[name] = redact_report(said[name], DETAIL_LIMIT) if said[name] else said[name]
    return {
        "id": entry.event_id,
        "published": entry.sequence <= recorded.published,
        "sequence": entry.sequence,
        "observedAt": utc_text(entry.observed_at),
        **said,
    }
