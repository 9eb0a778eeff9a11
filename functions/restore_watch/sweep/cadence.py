"""When Atlas is asked about an open job, and for how long. Pure."""

from datetime import datetime, timedelta

from foundation.clock import CLOCKS_APART
from restore_watch.table.open_job import OpenJob

HOT = timedelta(minutes=30)
"""After it was scheduled, first seen or last changed, a job that has not ended is hot this long."""

EVERY_SWEEP = timedelta(hours=6)
"""After that moment, a job is asked about in every sweep this long, then every SLOW seconds."""

SLOW = 300.0
"""Seconds between two questions about an old job, or one that Atlas does not know."""

EARLY = 15.0
"""Seconds that a question may come early, because sweeps do not begin to the second."""

LINK_GONE = timedelta(hours=1)
"""A ready download is followed this long after its link has expired."""

LINK_UNKNOWN = timedelta(hours=24)
"""A ready download whose link has no date is followed this long."""

FORGOTTEN = timedelta(hours=24)
"""A job that Atlas does not know is followed this long."""

REFUSED = timedelta(days=7)
"""A job that Atlas refuses is followed this long, if its project is no longer watched."""


def is_hot(job: OpenJob, now: datetime) -> bool:
    """Whether the job is asked about every few seconds. One that Atlas does not know is not."""
    return not job.has_ended and job.missing_since is None and _is_within(HOT, job, now)


def is_due(job: OpenJob, settled_at: float | None, now: datetime, *, is_tick: bool) -> bool:
    """
    Whether a sweep asks about the job. `settled_at` is when Atlas's last answer was acted on.

    A job that this environment has never settled is due. Between ticks, only hot jobs count as
    young: so many sweeps may be started that the others would be asked about again and again.
    """
    if not job.can_change:
        return False
    young = EVERY_SWEEP if is_tick else HOT
    is_young = job.missing_since is None and _is_within(young, job, now)
    if settled_at is None or is_young:
        return True
    # After the clock was set back, the last time may lie in the future.
    return not 0 <= now.timestamp() - settled_at < SLOW - EARLY


def is_past_its_link(job: OpenJob, now: datetime) -> bool:
    """Nothing more can come of a ready download."""
    if not job.is_ready_download:
        return False
    if job.expiration_date is not None:
        return now - job.expiration_date >= LINK_GONE
    return job.observed_at is None or now - job.observed_at >= LINK_UNKNOWN


def is_forgotten(job: OpenJob, now: datetime, after: timedelta = FORGOTTEN) -> bool:
    """Atlas has not known the job, or has refused it, for too long."""
    return job.missing_since is not None and now - job.missing_since >= after


def left_at(job: OpenJob) -> datetime | None:
    """When a job was left, at the latest: one that Atlas does not know, or whose link is gone."""
    since = job.missing_since
    if since is None and job.is_ready_download:
        since = job.expiration_date or job.observed_at
    return since and since + max(FORGOTTEN, LINK_GONE, LINK_UNKNOWN)


def _is_within(time: timedelta, job: OpenJob, now: datetime) -> bool:
    moments = (job.scheduled_at, job.first_observed_at, job.observed_at)
    # A restore that is scheduled for next week is not asked about every few seconds until then.
    past = [moment for moment in moments if moment and moment <= now + CLOCKS_APART]
    return bool(past) and now - max(past) < time
