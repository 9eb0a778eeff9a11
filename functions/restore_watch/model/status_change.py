"""A recorded change of a restore job, its id, and what contradicts it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from restore_watch.model.event_id import event_id
from restore_watch.model.restore_job import RestoreJob
from restore_watch.model.restore_status import RestoreStatus
from restore_watch.model.restore_target import RestoreKind

DOWNLOAD_LINK_LIFE = timedelta(hours=1)
"""From the moment a dedicated download is ready to `expiresAt` (106 recordings)."""


@dataclass(frozen=True)
class StatusChange:
    """
    One recorded change of a job's status.

    `sequence` counts the entries of the job's history from 1. `previous_status` is None for the
    first. `observed_at` is when Atlas's answer had arrived, in UTC.
    """

    job: RestoreJob
    previous_status: RestoreStatus | None
    sequence: int
    observed_at: datetime

    @property
    def event_id(self) -> str:
        """The same each time this change is published, so that consumers can deduplicate."""
        return event_id(self.job)

    @property
    def detection_latency_seconds(self) -> float | None:
        """From the change, as Atlas dates it, to `observed_at`; None if Atlas gives no date."""
        latency = _latency(self.job, self.observed_at)
        return None if latency is None else max(0.0, round(latency.total_seconds(), 3))


def is_contradiction(job: RestoreJob, history: Sequence[StatusChange]) -> bool:
    """
    Atlas reports a final status that differs from the recorded final status. No real job does this.

    These are not contradictions: a status that is already in the history, and COMPLETED after
    EXPIRED, both from an older answer; EXPIRED after COMPLETED, which is normal some time after an
    automated restore.
    """
    recorded = {change.job.status for change in history}
    both = {job.status, history[-1].job.status}
    if both == {RestoreStatus.COMPLETED, RestoreStatus.EXPIRED}:
        return False
    return all(status.ends for status in both) and job.status not in recorded


def _latency(job: RestoreJob, observed_at: datetime) -> timedelta | None:
    if job.kind is RestoreKind.DEDICATED and job.is_download and job.expiration_date:
        # DOWNLOAD_LINK_LIFE is added to the difference: subtracting it from an early date may fail.
        since_expiry = observed_at - job.expiration_date
        if job.status is RestoreStatus.EXPIRED:
            return since_expiry
        if job.is_ready_download and job.restore_finished_date is None:
            return since_expiry + DOWNLOAD_LINK_LIFE
    if job.restore_finished_date is None:
        return None
    return observed_at - job.restore_finished_date
