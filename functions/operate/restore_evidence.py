"""
What the table says of one restore: its figures, every recorded change, and verdicts. Pure.

A change says what its message said, because both are made from the same entry of `history`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any

from boto3.dynamodb.types import TypeDeserializer
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    StringConstraints,
    TypeAdapter,
    ValidationError,
)
from pydantic.alias_generators import to_camel

from operate.objectives import Objectives
from restore_watch.errors import TableUnavailableError
from restore_watch.item import read_item
from restore_watch.redaction import without_urls
from restore_watch.restore_job import RestoreJob, RestoreTarget, UtcDate
from restore_watch.status_change import StatusChange, utc_text
from restore_watch.topic import cloud_event

OPEN = "OPEN"
"""The outcome of a restore that has not ended. Any other outcome is its last status."""

OUTCOMES = ("COMPLETED", "FAILED", "CANCELLED", "EXPIRED", "UNKNOWN", OPEN)

_VERDICT = "validation"
"""The attribute of an entry of `history` that is a pipeline's verdict, not a change of status."""

_NAMES = {"groupId", "clusterName", "restoreId"}
_WORDS_LIMIT = 2_000

_utc_date = TypeAdapter(UtcDate).validate_python
_deserialize = TypeDeserializer().deserialize


class UnreadableItemError(Exception):
    """The item is in a form that this version cannot read."""


def _harmless(text: str) -> str:
    return without_urls(text[:_WORDS_LIMIT]).encode(errors="replace").decode()


_Words = Annotated[str, StringConstraints(strict=True), AfterValidator(_harmless)]


class _Validation(BaseModel):
    """What a pipeline found in the restored data. It may not say when it tested them."""

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel)

    verdict: _Words
    validated_by: _Words | None = None
    detail: _Words | None = None
    validated_at: UtcDate | None = None


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
        entries = list(enumerate(item["history"]["L"], start=1))
        statuses = [(number, one) for number, one in entries if _VERDICT not in one["M"]]
        recorded = read_item({**item, "history": {"L": [one for _, one in statuses]}})
        # A change's sequence is its place in the history, in which verdicts have places too.
        changes = [
            replace(change, sequence=number)
            for change, (number, _) in zip(recorded.history, statuses, strict=True)
            if isinstance(change, StatusChange)
        ]
        validations = tuple(
            _validation(number, one["M"], recorded.published)
            for number, one in entries
            if _VERDICT in one["M"]
        )
        missing_since = _utc_date(item["missingSince"]["S"]) if "missingSince" in item else None
    except (TableUnavailableError, ValidationError, LookupError, TypeError, ValueError):
        raise UnreadableItemError from None
    if {_key(change.job) for change in changes} != {_key(target)}:
        raise UnreadableItemError
    job = changes[-1].job
    facts = job.as_json() | {
        "outcome": job.status if job.terminal else OPEN,
        "rtoMet": objectives.rto_met(changes, began, now),
        "rpoMet": objectives.rpo_met(job.snapshot_age_seconds),
        "firstObservedAt": utc_text(changes[0].observed_at),
        "observedAt": utc_text(changes[-1].observed_at),
        "missingSince": utc_text(missing_since) if missing_since else None,
    }
    said = tuple(_said(change, recorded.published) for change in changes)
    return RestoreEvidence(began, facts, said, validations)


def _target(item: Mapping[str, Any]) -> RestoreTarget:
    """The job that the item's key names."""
    group_id, _, cluster_name = item["cluster"]["S"].partition("/")
    restore_id = item["restoreId"]["S"]
    return RestoreTarget.model_validate(
        {"groupId": group_id, "clusterName": cluster_name, "restoreId": restore_id}
    )


def _key(one: RestoreJob | RestoreTarget) -> tuple[str, str, str]:
    return one.group_id, one.cluster_name, one.restore_id


def _said(change: StatusChange, published: int) -> dict[str, Any]:
    """What the message of a change says, without the names of the restore."""
    event = cloud_event(change)
    data = {name: value for name, value in event["data"].items() if name not in _NAMES}
    return {"id": event["id"], "published": change.sequence <= published, **data}


def _validation(sequence: int, entry: Mapping[str, Any], published: int) -> dict[str, Any]:
    verdict = _Validation.model_validate(_deserialize(entry[_VERDICT]))
    return {
        **verdict.model_dump(mode="json", by_alias=True),
        "sequence": sequence,
        "observedAt": utc_text(_utc_date(entry["observedAt"]["S"])),
        "published": sequence <= published,
    }
