"""The operator's objectives, RTO and RPO, and whether a restore met them. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from restore_watch.model.restore_job import RestoreJob
from restore_watch.model.restore_status import RestoreStatus

_LONGEST_OPEN = timedelta(days=1)
"""Without an RTO, a restore may be open for so long."""


@dataclass(frozen=True)
class Objectives:
    """
    The objectives; None for an objective that is not set.

    `rto`: how long a restore may take. `rpo`: how old its snapshot may be when it begins.
    """

    rto: timedelta | None = None
    rpo: timedelta | None = None

    @property
    def longest_open(self) -> timedelta:
        """How long a restore may be open: the RTO, or a day without one."""
        return self.rto or _LONGEST_OPEN

    def completed_in_time(self, good: RestoreJob, began: datetime) -> bool | None:
        """Whether a restore that completed met the RTO; None if that is unknown."""
        seconds = good.seconds_since(began)
        if self.rto is None or seconds is None:
            return None
        return timedelta(seconds=seconds) <= self.rto

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
            return self.completed_in_time(completed[-1], began)
        last = jobs[-1]
        if last.status.ends:
            return False
        is_late = not last.terminal and until - began > self.rto
        return False if is_late else None

    def has_rpo_for(self, job: RestoreJob) -> bool:
        """Whether the RPO judges the restore: after one to a point in time, the data are newer."""
        return self.rpo is not None and not job.is_point_in_time

    def rpo_met(self, job: RestoreJob) -> bool | None:
        """
        Whether the snapshot was young enough. None if that is unknown.

        No restore begins before its snapshot: then a date is wrong.
        """
        age = job.snapshot_age_seconds
        taken, began = job.snapshot_finished_date, job.restore_scheduled_date
        if self.rpo is None or age is None or not self.has_rpo_for(job):
            return None
        if taken and began and taken > began:
            return None
        return timedelta(seconds=age) <= self.rpo
