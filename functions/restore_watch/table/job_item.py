"""
The form of a restore job's DynamoDB item. Pure.

The item holds the job's last recorded state and `history`, the outbox of its changes, validations
and measurement: every entry after `publishedSequence` is pending.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

from boto3.dynamodb.types import Binary
from pydantic import BeforeValidator, Field, Strict, StrictStr

from foundation.clock import utc_text
from foundation.outside import FromOutside, IfReadable, UtcDate
from restore_watch.errors import TableUnavailableError
from restore_watch.model.forms_of_fields import is_cluster_name, is_object_id
from restore_watch.model.history_entry import (
    HistoryEntry,
    RecordedMeasurement,
    RecordedValidation,
)
from restore_watch.model.restore_job import RestoreJob
from restore_watch.model.restore_status import RestoreStatus
from restore_watch.model.restore_target import RestoreKind, RestoreTarget
from restore_watch.model.status_change import StatusChange
from restore_watch.model.workflow_wait import Wait
from restore_watch.table.stored_fields import (
    LongNumber,
    ObservedAt,
    StoredNumber,
    deserialized,
    present,
)

if TYPE_CHECKING:
    from restore_watch.model.measurement import Measurement
    from restore_watch.model.validation import Validation


@dataclass(frozen=True)
class Recorded:
    """
    A restore job, as the table has it.

    `history` has every recorded change, validation and measurement in order; the first `published`
    of them are known to be published. `written` is the entry that this invocation recorded, else
    None.
    `first_observed_at` is the stored text; it differs if the item was deleted and recorded again.
    `is_open` is true if the index OpenJobs has the item, so that sweeps follow the job.
    `missing_since` is the stored text of when Atlas first did not know the job, if it still does
    not. `waits` has the workflows that wait for the job. `is_unanswered` is true if some of them
    may be due an answer, since `unanswered_since` if that can be read.
    """

    job: RestoreJob
    history: tuple[HistoryEntry, ...]
    published: int
    first_observed_at: str | None
    is_open: bool = True
    missing_since: str | None = None
    written: HistoryEntry | None = None
    waits: tuple[Wait, ...] = ()
    is_unanswered: bool = False
    unanswered_since: datetime | None = None

    @property
    def pending(self) -> tuple[HistoryEntry, ...]:
        """The entries that are not known to be published, in order."""
        return self.history[self.published :]

    def has_published(self, entry: HistoryEntry) -> bool:
        """Whether this entry of its history is known to be published."""
        return entry.sequence <= self.published

    @property
    def change(self) -> StatusChange | None:
        """The change of the status that this check recorded."""
        return self.written if isinstance(self.written, StatusChange) else None

    @property
    def validation(self) -> RecordedValidation | None:
        """The validation that this invocation recorded."""
        return self.written if isinstance(self.written, RecordedValidation) else None

    @property
    def changes(self) -> tuple[StatusChange, ...]:
        """The recorded changes of the status, in order. The first entry is a change."""
        return tuple(entry for entry in self.history if isinstance(entry, StatusChange))

    @property
    def seen(self) -> frozenset[RestoreStatus]:
        """Every recorded status."""
        return frozenset(change.job.status for change in self.changes)

    @property
    def validations(self) -> tuple[RecordedValidation, ...]:
        """The recorded validations, in order."""
        return tuple(entry for entry in self.history if isinstance(entry, RecordedValidation))

    @property
    def measurement(self) -> RecordedMeasurement | None:
        """The measurement, None if there is none yet."""
        for entry in self.history:
            if isinstance(entry, RecordedMeasurement):
                return entry
        return None


def key_of(job: RestoreJob | RestoreTarget) -> dict[str, Any]:
    """The primary key of a job's item, in DynamoDB's types."""
    cluster = f"{job.group_id}/{job.cluster_name}"
    return {"cluster": {"S": cluster}, "restoreId": {"S": job.restore_id}}


def target_of(item: Mapping[str, Any], kind: RestoreKind | None = None) -> RestoreTarget:
    """Return the job that the key of an item names. Raises LookupError or ValueError."""
    group_id, _, cluster_name = item["cluster"]["S"].partition("/")
    restore_id = item["restoreId"]["S"]
    if not (is_object_id(group_id) and is_cluster_name(cluster_name) and is_object_id(restore_id)):
        raise ValueError
    return RestoreTarget.listed(group_id, cluster_name, restore_id, kind)


def state_of(job: RestoreJob) -> dict[str, Any]:
    """The attributes that describe the job, None if absent. The job's id is part of the key."""
    return {name: value for name, value in job.as_json().items() if name != "restoreId"}


def history_entry(job: RestoreJob, observed_at: datetime) -> dict[str, Any]:
    """The entry of `history` for this state: everything that its message says."""
    return present(job.as_json()) | {"observedAt": utc_text(observed_at)}


def validation_entry(
    job: RestoreJob, validation: "Validation", observed_at: datetime, request_id: str | None = None
) -> dict[str, Any]:
    """
    The entry of `history` for a validation, beside the state that the job has.

    A version that does not know validations reads the state alone: the same status once more.
    """
    reported = {"validation": present(validation.as_json()), "requestId": request_id}
    return history_entry(job, observed_at) | present(reported)


def measurement_entry(
    job: RestoreJob, measurement: "Measurement", observed_at: datetime
) -> dict[str, Any]:
    """
    The entry of `history` for a measurement, beside the state that the job has.

    A version that does not know measurements reads the state alone: the same status once more.
    """
    return history_entry(job, observed_at) | {"measurement": present(measurement.as_json())}


def _zero_if_lost(stored: object) -> object:
    return Decimal() if isinstance(stored, LongNumber | Binary) else stored


class _JobItem(FromOutside):
    """
    The attributes of an item beside those of the job.

    Nothing is known to be published if the number has become bytes, or too long. A set of workflows
    in another form could not be changed.
    """

    history: list[Any]
    published_sequence: Annotated[StoredNumber, BeforeValidator(_zero_if_lost)] = Decimal()
    first_observed_at: IfReadable[StrictStr]
    missing_since: IfReadable[StrictStr]
    waiting: Annotated[set[StrictStr], Strict()] = Field(default_factory=set)
    unanswered_since: IfReadable[UtcDate]


class _ChangeEntry(FromOutside):
    """A change in the history, beside the state of the job."""

    observed_at: ObservedAt


def read_item(
    attributes: Mapping[str, Any], own_entry: Mapping[str, Any] | None = None
) -> Recorded:
    """
    Read an item, in DynamoDB's types, of this or another version. Unknown attributes are ignored.

    `own_entry` is the entry of `history` that this invocation writes. If the item has it, this
    invocation recorded it, even if the condition failed: when the answer to a write is lost,
    botocore repeats the write, and the repetition fails.

    Raises TableUnavailableError for an item in a form that this version cannot read.
    """
    try:
        item = deserialized(attributes)
        job = RestoreJob.read(item)
        read = _JobItem.read(item)
        history, written = _read_history(read.history, own_entry)
    except (AttributeError, LookupError, TypeError, ValueError):
        msg = "the table holds an item that this version cannot read; nothing was published"
        raise TableUnavailableError(msg) from None
    is_possible = 0 <= read.published_sequence <= len(history)
    return Recorded(
        job=job,
        history=history,
        published=int(read.published_sequence) if is_possible else 0,
        first_observed_at=read.first_observed_at,
        is_open="openShard" in item,
        missing_since=read.missing_since,
        waits=tuple(Wait.from_text(text) for text in sorted(read.waiting)),
        is_unanswered="unansweredSince" in item,
        unanswered_since=read.unanswered_since,
        written=written,
    )


def _read_history(
    entries: Sequence[Mapping[str, Any]], own_entry: Mapping[str, Any] | None
) -> tuple[tuple[HistoryEntry, ...], HistoryEntry | None]:
    """Return the entries, and the entry of `own_entry`. Raises LookupError without entries."""
    history: list[HistoryEntry] = []
    written = None
    previous = None
    for number, entry in enumerate(entries, start=1):
        read = _read_entry(entry, number, previous)
        history.append(read)
        if isinstance(read, StatusChange):
            previous = read.job.status
        if entry == own_entry:
            written = read
    if previous is None:
        raise LookupError("an item holds at least one change")
    return tuple(history), written


def _read_entry(
    entry: Mapping[str, Any], sequence: int, previous_status: RestoreStatus | None
) -> HistoryEntry:
    job = RestoreJob.read(entry)
    if "validation" in entry:
        from restore_watch.table.validation_entry import read_validation

        return read_validation(entry, job, sequence)
    if "measurement" in entry:
        from restore_watch.table.measurement_entry import read_measurement

        return read_measurement(entry, job, sequence)
    changed = _ChangeEntry.read(entry)
    return StatusChange(job, previous_status, sequence, changed.observed_at)
