"""The restores in the table: figures, every recorded change, verdicts, and the sums. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from operator import attrgetter
from typing import Any

from foundation.clock import utc_text
from foundation.outside import utc_date
from restore_watch.aws.topic_messages import message_of_job
from restore_watch.errors import TableUnavailableError
from restore_watch.model.fields import id_made_at, is_object_id
from restore_watch.model.restore_job import RestoreJob, RestoreStatus
from restore_watch.model.status_change import StatusChange
from restore_watch.model.validation import DETAIL_LIMIT, RecordedValidation
from restore_watch.redaction import redact, redact_report
from restore_watch.report.period import Period
from restore_watch.report.what_a_restore_proves import OPEN, DatedVerdict, Restore
from restore_watch.table.job_item import Recorded, key_of, read_item, target_of

OUTCOMES = ("COMPLETED", "FAILED", "CANCELLED", "EXPIRED", "UNKNOWN", OPEN)

_JUDGEMENTS = {True: "met", False: "missed", None: "notJudged"}

_NAMES = {"groupId", "clusterName", "restoreId"}


@dataclass(frozen=True)
class Objectives:
    """
    The objectives; None for an objective that is not set.

    `rto`: how long a restore may take. `rpo`: how old its snapshot may be when it begins.
    """

    rto: timedelta | None = None
    rpo: timedelta | None = None

    def rto_met(self, jobs: Sequence[RestoreJob], began: datetime, until: datetime) -> bool | None:
        """
        Whether the restore with these states completed in time. None if that is not known yet.

        False if it ended otherwise, or was known to be open at `until` and had taken too long. The
        fate of a download after it was ready makes no difference.
        """
        if self.rto is None:
            return None
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
    """
    A restore of the table, and everything about it by its public names.

    `missing_since`: when Atlas first did not know the job. `now`: when open restores are judged.
    """

    restore: Restore
    recorded: Recorded
    missing_since: datetime | None
    objectives: Objectives
    now: datetime

    @property
    def place(self) -> tuple[str, str, str]:
        """Its place in a file: when it began, its cluster, and its id."""
        job = self.restore.job
        return utc_text(self.restore.began), f"{job.group_id}/{job.cluster_name}", job.restore_id

    @cached_property
    def facts(self) -> Mapping[str, Any]:
        """The last state, and how it is judged."""
        job, changes, missing_since = self.restore.job, self.recorded.changes, self.missing_since
        jobs, until = [one.job for one in changes], missing_since or self.now
        return job.as_json() | {
            "outcome": self.restore.outcome,
            "rtoMet": self.objectives.rto_met(jobs, self.restore.began, until),
            "rpoMet": self.objectives.rpo_met(job),
            "firstObservedAt": utc_text(changes[0].observed_at),
            "observedAt": utc_text(changes[-1].observed_at),
            "missingSince": utc_text(missing_since) if missing_since else None,
        }

    @property
    def changes(self) -> list[Mapping[str, Any]]:
        """The content of the message of each change, without the names of the restore."""
        return [self._changed(change) for change in self.recorded.changes]

    @property
    def validations(self) -> list[Mapping[str, Any]]:
        """The content of the message of each verdict, without the state of the job."""
        return [self._validated(entry) for entry in self.recorded.validations]

    @property
    def verdict(self) -> Mapping[str, Any]:
        """The newest of these verdicts, empty if there is none."""
        newest = _newest_verdict(self.recorded)
        return self._validated(newest) if newest else {}

    def _changed(self, change: StatusChange) -> dict[str, Any]:
        event = message_of_job(change).event
        data = {name: value for name, value in event["data"].items() if name not in _NAMES}
        return {"id": event["id"], "published": change.sequence <= self.recorded.published, **data}

    def _validated(self, entry: RecordedValidation) -> dict[str, Any]:
        said = entry.validation.as_json()
        # Redacted when it was recorded; a table can be written by others as well.
        for name in ("validatedBy", "detail"):
            said[name] = redact_report(said[name], DETAIL_LIMIT) if said[name] else said[name]
        return {
            "id": entry.event_id,
            "published": entry.sequence <= self.recorded.published,
            "sequence": entry.sequence,
            "observedAt": utc_text(entry.observed_at),
            **said,
        }


@dataclass
class StoredRestores:
    """
    The restores of the table, and the `evidence` of those that began in the period.

    `unreadable`: the keys of items that cannot be read, and that may be of the time reported.
    """

    restores: list[Restore] = field(default_factory=list)
    evidence: list[RestoreEvidence] = field(default_factory=list)
    unreadable: list[Mapping[str, str]] = field(default_factory=list)
    watched_since: datetime | None = None


def read_stored(
    items: Iterable[Mapping[str, Any]],
    period: Period,
    objectives: Objectives,
    now: datetime,
    since: datetime,
) -> StoredRestores:
    """
    Read the items of the table, in DynamoDB's types. It has items of the bookkeeping too.

    `since`: an older restore makes no difference to the report, so it may be unreadable.
    """
    read = StoredRestores()
    for item in filter(is_restore, items):
        try:
            stored = read_evidence(item, objectives, now)
        except UnreadableItemError:
            if _may_be_since(item, since):
                read.unreadable.append(shown_key(item))
            continue
        read.restores.append(stored.restore)
        seen = stored.recorded.changes[0].observed_at
        read.watched_since = min(read.watched_since or seen, seen)
        if period.includes(stored.restore.began):
            read.evidence.append(stored)
    # A table returns its items in any order.
    read.unreadable.sort(key=lambda key: tuple(key.values()))
    read.evidence.sort(key=attrgetter("place"))
    return read


def _may_be_since(item: Mapping[str, Any], since: datetime) -> bool:
    """Whether an item that cannot be read may be of a restore since then, by its id."""
    restore_id = item["restoreId"]["S"]
    return not is_object_id(restore_id) or id_made_at(restore_id) >= since


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
        return utc_date(scheduled["S"]) if scheduled else target_of(item).created_at
    except (LookupError, TypeError, ValueError):
        raise UnreadableItemError from None


def read_evidence(
    item: Mapping[str, Any], objectives: Objectives, now: datetime
) -> RestoreEvidence:
    """Read an item, in DynamoDB's types. Raises UnreadableItemError."""
    began = began_at(item)
    try:
        target = target_of(item)
        recorded = read_item(item)
        missing_since = utc_date(item["missingSince"]["S"]) if "missingSince" in item else None
    except (TableUnavailableError, LookupError, TypeError, ValueError):
        raise UnreadableItemError from None
    if any(key_of(entry.job) != key_of(target) for entry in recorded.history):
        raise UnreadableItemError
    last = recorded.changes[-1]
    # A restore that had ended when it was first seen may have ended long ago.
    is_over = last.job.terminal and not last.job.is_ready_download
    verdicts = [
        DatedVerdict(_tested_at(entry)[0], entry.validation.verdict)
        for entry in sorted(recorded.validations, key=_tested_at)
    ]
    restore = Restore(
        last.job,
        began,
        began if is_over and last is recorded.changes[0] else last.observed_at,
        tuple(verdicts),
        is_followed="openShard" in item,
    )
    return RestoreEvidence(restore, recorded, missing_since, objectives, now)


def _newest_verdict(recorded: Recorded) -> RecordedValidation | None:
    return max(recorded.validations, key=_tested_at, default=None)


def _tested_at(entry: RecordedValidation) -> tuple[datetime, int]:
    """A message may arrive after the message of a later test."""
    return entry.validation.validated_at or entry.observed_at, entry.sequence


def shown_key(item: Mapping[str, Any]) -> dict[str, str]:
    """Return the key of an item that cannot be read. It may hold anything."""
    return {name: redact(item[name]["S"]) for name in ("cluster", "restoreId")}


@dataclass
class Summary:
    """Counts restores by outcome and objectives, and keeps the keys of items it cannot read."""

    objectives: Objectives
    restores: int = 0
    unreadable: list[dict[str, str]] = field(default_factory=list)
    _counts: Counter[tuple[str, object]] = field(default_factory=Counter)

    def add_restore(self, evidence: RestoreEvidence) -> None:
        """Count a restore."""
        self.restores += 1
        names = ("outcome", "rtoMet", "rpoMet")
        self._counts.update((name, evidence.facts[name]) for name in names)

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
            minutes, *counts = whole[name].values()
            if minutes is not None:
                said = "met {}, missed {}, not judged {}".format(*counts)
                lines.append(f"{name.upper()} of {minutes:g} minutes: {said}")
        return lines

    def _judged(self, name: str, objective: timedelta | None) -> dict[str, Any]:
        minutes = None if objective is None else objective / timedelta(minutes=1)
        whole = int(minutes) if minutes and minutes.is_integer() else minutes
        words = {word: self._counts[name, met] for met, word in _JUDGEMENTS.items()}
        return {"minutes": whole, **words}
