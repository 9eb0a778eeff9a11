"""A restore of the table with everything about it: the facts, and each verdict. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from foundation.clock import utc_text
from restore_watch.model.history_entry import RecordedMeasurement, RecordedValidation
from restore_watch.model.objectives import Objectives
from restore_watch.model.validation import DETAIL_LIMIT
from restore_watch.redaction import redact_report
from restore_watch.report.restores.what_a_restore_proves import Restore
from restore_watch.table.job_item import Recorded


@dataclass(frozen=True)
class RestoreEvidence:
    """
    A restore of the table, and everything about it by its public names.

    `restore`: its end may be known from Atlas's list alone. `recorded`: what the table has of it.
    `missing_since`: when Atlas first did not know the job. `now`: when open restores are judged.
    """

    restore: Restore
    recorded: Recorded
    missing_since: datetime | None
    now: datetime

    @property
    def place(self) -> tuple[str, str, str]:
        """Its place in a file: when it began, its cluster, and its id."""
        job = self.restore.job
        return utc_text(self.restore.began), f"{job.group_id}/{job.cluster_name}", job.restore_id

    def facts(self, objectives: Objectives) -> Mapping[str, Any]:
        """Return the last state, and how it is judged by the objectives of its cluster."""
        job, changes, missing_since = self.restore.job, self.recorded.changes, self.missing_since
        jobs = [*(change.job for change in changes), job]
        until = missing_since or self.now
        return job.as_json() | {
            "outcome": self.restore.outcome,
            "durationSeconds": self.restore.took,
            "rtoMet": objectives.rto_met(jobs, self.restore.began, until),
            "rpoMet": objectives.rpo_met(job),
            "firstObservedAt": utc_text(changes[0].observed_at),
            "observedAt": utc_text(changes[-1].observed_at),
            "missingSince": utc_text(missing_since) if missing_since else None,
            "restoredTo": self.restore.destination,
            "verdictSeconds": self.restore.seconds_to_verdict,
        }

    @property
    def validations(self) -> list[Mapping[str, Any]]:
        """The content of the message of each verdict, the oldest test first."""
        return [self._validated(entry) for entry in self._in_order]

    @property
    def newest_validation(self) -> Mapping[str, Any]:
        """The newest of these verdicts that can be about the restored data, empty without one."""
        for entry in reversed(self._in_order):
            if self.restore.may_have(entry.validation.verdict, tested_at(entry)):
                return self._validated(entry)
        return {}

    @property
    def measurement(self) -> Mapping[str, Any] | None:
        """The content of the message of the measurement; None if there is none yet."""
        entry = self.recorded.measurement
        if entry is None:
            return None
        return {**self._place_in_history(entry), **entry.measurement.as_json()}

    @property
    def _in_order(self) -> list[RecordedValidation]:
        return sorted(self.recorded.validations, key=test_order)

    def _validated(self, entry: RecordedValidation) -> dict[str, Any]:
        return {**self._place_in_history(entry), **redacted_validation(entry)}

    def _place_in_history(self, entry: RecordedValidation | RecordedMeasurement) -> dict[str, Any]:
        return {
            "id": entry.event_id,
            "published": self.recorded.has_published(entry),
            "sequence": entry.sequence,
            "observedAt": utc_text(entry.observed_at),
        }


def redacted_validation(entry: RecordedValidation) -> dict[str, Any]:
    """
    Return a verdict by its public names.

    Its texts were redacted when it was recorded, but others can write to a table as well.
    """
    said = entry.validation.as_json()
    for name in ("validatedBy", "detail"):
        if said[name]:
            said[name] = redact_report(said[name], DETAIL_LIMIT)
    return said


def tested_at(entry: RecordedValidation) -> datetime:
    """When a pipeline tested the data, in UTC; or when its verdict arrived."""
    return entry.validation.validated_at or entry.observed_at


def test_order(entry: RecordedValidation) -> tuple[datetime, int]:
    """Return by what verdicts are ordered: a message may arrive after that of a later test."""
    return tested_at(entry), entry.sequence
