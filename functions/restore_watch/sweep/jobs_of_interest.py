"""The choice of jobs that nobody named and no earlier listing has seen. Pure."""

from datetime import datetime, timedelta
from typing import NamedTuple

from restore_watch.model.marks import OLDEST_MARK, Marks, Part
from restore_watch.model.restore_job import RestoreJob

MARGIN = timedelta(minutes=60)
"""Jobs created up to this long before a mark count too: a list may lag, and clocks differ."""

MAY_HAVE_RUN = timedelta(minutes=15)
"""A job that ended this long before the first attempt may still have run then."""


class Interest(NamedTuple):
    """
    The jobs of a cluster that a listing takes in.

    `since`: jobs that were created from then on are taken in, however they ended. `is_first`: no
    listing has read these jobs yet. The first listing also takes older jobs, created from
    `running_since` on, if they can still change, or ran when a sweep first tried to list the
    project. That may be long ago: a job that ended from `ended_since` on may have run then.
    """

    now: datetime
    since: datetime
    running_since: datetime
    ended_since: datetime
    is_first: bool

    @classmethod
    def beyond(cls, marks: Marks, part: Part, now: datetime) -> "Interest":
        """Return the interest in the jobs of a part."""
        mark = marks.mark_of(part)
        return cls(
            now=now,
            since=max(mark, now - OLDEST_MARK) - MARGIN,
            running_since=marks.first_tried_at - OLDEST_MARK,
            ended_since=marks.first_tried_at - MAY_HAVE_RUN,
            is_first=mark <= marks.first,
        )

    def may_take(self, created_at: datetime) -> bool:
        """Whether a job that was created then may be of interest. Its status is not read yet."""
        if created_at >= self.since:
            return True
        oldest = max(self.running_since, self.now - OLDEST_MARK - MARGIN)
        return self.is_first and created_at >= oldest

    def takes(self, job: RestoreJob, created_at: datetime) -> bool:
        """Whether this job is of interest: it is new, can still change, or ran at first."""
        if not self.may_take(created_at):
            return False
        if created_at >= self.since:
            return True
        finished_at = job.restore_finished_date
        if finished_at is not None and finished_at >= self.ended_since:
            return True
        if job.is_ready_download:
            return job.expiration_date is not None and job.expiration_date > self.now
        return not job.terminal

    @property
    def listed_since(self) -> datetime:
        """The jobs to list were created from then on: no older one is of interest."""
        return min(self.running_since, self.since) if self.is_first else self.since
