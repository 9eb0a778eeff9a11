"""The objectives of restores, and the verdict whether a restore met them. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from restore_watch.model.restore_job import RestoreJob, RestoreStatus
from restore_watch.model.status_change import StatusChange

_NUMBER = re.compile(r"[0-9]{1,7}(\.[0-9]{1,6})?")


@dataclass(frozen=True)
class Objectives:
    """
    The objectives, in seconds; None for an objective that is not set.

    `rto` is how long a restore may take, `rpo` how old its snapshot may be when it begins.
    """

    rto: float | None = None
    rpo: float | None = None

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
        last = changes[-1].job
        completed = [one.job for one in changes if one.job.status is RestoreStatus.COMPLETED]
        if completed:
            seconds = completed[-1].duration_seconds
            return None if seconds is None else seconds <= self.rto
        if last.status.ends:
            return False
        if last.terminal or (until - began).total_seconds() <= self.rto:
            return None
        return False

    def rpo_met(self, job: RestoreJob) -> bool | None:
        """
        Whether the snapshot was young enough. None if that is unknown.

        After a restore to a point in time, the data are newer than the snapshot. No restore begins
        before its snapshot: then one of the dates is wrong.
        """
        age, taken, began = (
            job.snapshot_age_seconds,
            job.snapshot_finished_date,
            job.restore_scheduled_date,
        )
        if self.rpo is None or age is None or job.is_point_in_time:
            return None
        return None if taken and began and taken > began else age <= self.rpo


def seconds(text: str) -> float:
    """Read a number of minutes as seconds; 0 is for none. Raises ValueError."""
    if not _NUMBER.fullmatch(text):
        msg = f"{text[:60]!a} is not a number of minutes; expected one such as 60, or 0 for none"
        raise ValueError(msg)
    return float(text) * 60
