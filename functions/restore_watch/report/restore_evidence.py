"""
The restores in the table: figures, every recorded change, verdicts, and the sums. Pure.

A change and a verdict have the content of their messages, because both come from the same entry of
`history`.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any, NamedTuple

from pydantic import TypeAdapter

from restore_watch.aws.topic import message_of_job
from restore_watch.errors import TableUnavailableError
from restore_watch.model.fields import UtcDate
from restore_watch.model.restore_job import RestoreJob, RestoreStatus, RestoreTarget
from restore_watch.model.status_change import StatusChange, utc_text
from restore_watch.model.validation import DETAIL_LIMIT, RecordedValidation
from restore_watch.redaction import redact, redact_report
from restore_watch.report.restore_test import Restore
from restore_watch.table.job_item import Recorded, read_item

OPEN = "OPEN"
"""The outcome of a restore that has not ended. Any other outcome is its last status."""

OUTCOMES = ("COMPLETED", "FAILED", "CANCELLED", "EXPIRED", "UNKNOWN", OPEN)

_JUDGEMENTS = {True: "met", False: "missed", None: "notJudged"}

_NAMES = {"groupId", "clusterName", "restoreId"}

_utc_date = TypeAdapter(UtcDate).validate_python


@dataclass(frozen=True)
class Objectives:
    """
    The objectives; None for an objective that is not set.

    `rto`: how long a restore may take. `rpo`: how old its snapshot may be when it begins.
    """

    rto: timedelta | None = None
    rpo: timedelta | None = None

    def rto_met(
        self, changes: Sequence[StatusChange], began: datetime, until: datetime
    ) -> bool | None:
        """
        Whether the restore completed in time. None if that is unknown, or not yet known.

        False if it ended otherwise, or was known to be open at `until` and had taken too long. The
        fate of a download after it was ready makes no difference.
        """
        if self.rto is None:
            return None
        jobs = [change.job for change in changes]
        completed = [job for job in jobs if job.status is RestoreStatus.COMPLETED]
        if completed:
            seconds = completed[-1].duration_seconds
            return None if seconds is None else timedelta(seconds=seconds) <= self.rto
        is_late = not jobs[-1].terminal and until - began > self.rto
        return False if jobs[-1].status.ends or is_late else None

    def rpo_met(self, job: RestoreJob) -> bool | None:
        """
        Whether the snapshot was young enough. None if that is unknown.

        After a restore to a point in time, the data are newer than the snapshot. No restore begins
        before its snapshot: then a date is wrong.
        """
        age = job.snapshot_age_seconds
        taken, began = job.snapshot_finished_date, job.restore_scheduled_date
        if self.rpo is None or age is None or job.is_point_in_time:
            return None
        if taken and began and taken > began:
            return None
        return timedelta(seconds=age) <= self.rpo


class UnreadableItemError(Exception):
    """The item is in a form that this version cannot read."""


@dataclass(frozen=True)
class RestoreEvidence:
    """A restore, and everything about it by its public names. `verdict`: the newest validation."""

    restore: Restore
    facts: Mapping[str, Any]
    changes: tuple[Mapping[str, Any], ...]
    validations: tuple[Mapping[str, Any], ...]
    verdict: Mapping[str, Any] = field(default_factory=dict)


def is_restore(item: Mapping[str, Any], group_id: str | None = None) -> bool:
    """Whether this is a restore, of the project. The partition key of bookkeeping has no slash."""
    project, slash, _ = item["cluster"]["S"].partition("/")
    return bool(slash) and group_id in {None, project}


def began_at(item: Mapping[str, Any]) -> datetime:
    """
    When the restore was scheduled; without a date from Atlas, when its id was made.

    Reads nothing else of the item. Raises UnreadableItemError.
    """
    try:
        scheduled = item.get("restoreScheduledDate")
        return _utc_date(scheduled["S"]) if scheduled else _target(item).created_at
    except (LookupError, TypeError, ValueError):
        raise UnreadableItemError from None


class StoredRestore(NamedTuple):
    """A restore of the table, with its recorded history, and the newest verdict in it."""

    restore: Restore
    recorded: Recorded
    missing_since: datetime | None
    judged: RecordedValidation | None


def read_restore(item: Mapping[str, Any]) -> StoredRestore:
    """Read an item, in DynamoDB's types. Raises UnreadableItemError."""
    began = began_at(item)
    try:
        target = _target(item)
        recorded = read_item(item)
        missing_since = _utc_date(item["missingSince"]["S"]) if "missingSince" in item else None
    except (TableUnavailableError, LookupError, TypeError, ValueError):
        raise UnreadableItemError from None
    names = attrgetter("group_id", "cluster_name", "restore_id")
    if {names(entry.job) for entry in recorded.history} != {names(target)}:
        raise UnreadableItemError
    last = recorded.changes[-1]
    judged = max(recorded.validations, key=_tested_at, default=None)
    restore = Restore(
        last.job,
        began,
        last.observed_at,
        judged.validation.verdict if judged else None,
        _tested_at(judged)[0] if judged else None,
    )
    return StoredRestore(restore, recorded, missing_since, judged)


def evidence_of(stored: StoredRestore, objectives: Objectives, now: datetime) -> RestoreEvidence:
    """Return everything about a restore, by its public names."""
    restore, recorded, missing_since, judged = stored
    changes, job = recorded.changes, restore.job
    facts = job.as_json() | {
        "outcome": job.status if job.terminal else OPEN,
        "rtoMet": objectives.rto_met(changes, restore.began, missing_since or now),
        "rpoMet": objectives.rpo_met(job),
        "firstObservedAt": utc_text(changes[0].observed_at),
        "observedAt": utc_text(changes[-1].observed_at),
        "missingSince": utc_text(missing_since) if missing_since else None,
    }
    return RestoreEvidence(
        restore,
        facts=facts,
        changes=tuple(_changed(change, recorded) for change in changes),
        validations=tuple(_validated(entry, recorded) for entry in recorded.validations),
        verdict=_validated(judged, recorded) if judged else {},
    )


def read_evidence(
    item: Mapping[str, Any], objectives: Objectives, now: datetime
) -> RestoreEvidence:
    """Read everything about a restore from an item. Raises UnreadableItemError."""
    return evidence_of(read_restore(item), objectives, now)


def _tested_at(entry: RecordedValidation) -> tuple[datetime, int]:
    """A message may arrive after the message of a later test."""
    return entry.validation.validated_at or entry.observed_at, entry.sequence


def _target(item: Mapping[str, Any]) -> RestoreTarget:
    """The job that the item's key names."""
    group_id, _, cluster_name = item["cluster"]["S"].partition("/")
    names = {"groupId": group_id, "clusterName": cluster_name, "restoreId": item["restoreId"]["S"]}
    return RestoreTarget.model_validate(names)


def _changed(change: StatusChange, recorded: Recorded) -> dict[str, Any]:
    """The content of the message of a change, without the names of the restore."""
    event = message_of_job(change).event
    data = {name: value for name, value in event["data"].items() if name not in _NAMES}
    return {"id": event["id"], "published": change.sequence <= recorded.published, **data}


def _validated(entry: RecordedValidation, recorded: Recorded) -> dict[str, Any]:
    """The content of the message of a verdict, without the state of the job."""
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


class Summary:
    """Counts restores by outcome, and by whether they met the objectives."""

    def __init__(self, objectives: Objectives) -> None:
        self.objectives = objectives
        self.restores = 0
        self._counts: Counter[tuple[str, object]] = Counter()
        """By the name of a fact and its value."""
        self.unreadable: list[dict[str, str]] = []
        """The keys of the items that this version cannot read."""

    def add_restore(self, evidence: RestoreEvidence) -> None:
        """Count a restore."""
        self.restores += 1
        self._counts.update(
            (name, evidence.facts[name]) for name in ("outcome", "rtoMet", "rpoMet")
        )

    def add_unreadable(self, item: Mapping[str, Any]) -> None:
        """Keep the key of an item that cannot be read. It may hold anything."""
        self.unreadable.append({name: redact(item[name]["S"]) for name in ("cluster", "restoreId")})

    def as_json(self) -> dict[str, Any]:
        """Return everything as plain JSON."""
        counts = ((name, self._counts["outcome", name]) for name in OUTCOMES)
        return {
            "restoreCount": self.restores,
            "outcomes": {name: count for name, count in counts if count},
            "rto": self._judged("rtoMet", self.objectives.rto),
            "rpo": self._judged("rpoMet", self.objectives.rpo),
            "unreadable": self.unreadable,
        }

    def lines(self) -> list[str]:
        """Return the totals in words."""
        whole = self.as_json()
        outcomes = ", ".join(f"{outcome} {count}" for outcome, count in whole["outcomes"].items())
        lines = [f"Restores: {self.restores}" + (f" ({outcomes})" if outcomes else "")]
        for name in ("rto", "rpo"):
            if whole[name]["minutes"] is not None:
                minutes, met, missed, rest = whole[name].values()
                lines.append(
                    f"{name.upper()} of {minutes:g} minutes: met {met}, missed {missed}, "
                    f"not judged {rest}"
                )
        return lines

    def _judged(self, name: str, objective: timedelta | None) -> dict[str, Any]:
        minutes = None if objective is None else objective / timedelta(minutes=1)
        if minutes is not None and minutes.is_integer():
            minutes = int(minutes)
        words = {word: self._counts[name, met] for met, word in _JUDGEMENTS.items()}
        return {"minutes": minutes, **words}
