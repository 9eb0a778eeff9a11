"""The figures of a sweep that an operator watches. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from restore_watch.table.open_job import OpenJob


@dataclass(frozen=True)
class Figures:
    """
    Ages are in seconds, 0 if there is no such job.

    What is open and pending counts at the start of the sweep. `download_seconds_left` is how long
    the link that expires first is still valid, None if no download is ready.
    `oldest_running_seconds` is the time since the oldest restore that has not ended was scheduled,
    None if all have ended.
    """

    open_jobs: int
    pending_changes: int
    oldest_pending_seconds: float
    download_seconds_left: float | None
    oldest_running_seconds: float | None


def figures(at_start: Iterable[OpenJob], at_end: Iterable[OpenJob], now: datetime) -> Figures:
    """Return the figures of the open jobs as they were known at the start and at the end."""
    jobs, last = tuple(at_start), tuple(at_end)
    pending = [job for job in jobs if job.pending]
    links = [job.expiration_date for job in last if job.is_ready_download and job.expiration_date]
    running = [job.scheduled_at or job.target.created_at for job in last if job.is_running]
    valid = [(link - now).total_seconds() for link in links if link > now]
    return Figures(
        open_jobs=len(jobs),
        pending_changes=sum(job.pending for job in pending),
        oldest_pending_seconds=_oldest((job.observed_at for job in pending), now),
        download_seconds_left=min(valid, default=None),
        oldest_running_seconds=_oldest(running, now) if running else None,
    )


def _oldest(moments: Iterable[datetime | None], now: datetime) -> float:
    ages = ((now - moment).total_seconds() for moment in moments if moment)
    return max(0.0, *ages, 0.0)
