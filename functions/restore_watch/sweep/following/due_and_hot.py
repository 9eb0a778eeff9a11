"""When sweeps ask Atlas about an open job. Pure."""

from datetime import datetime, timedelta

from foundation.clock import CLOCKS_APART, is_recent
from restore_watch.table.open_job import OpenJob

HOT = timedelta(minutes=30)
"""After it was scheduled, first seen or last changed, a job that has not ended is hot this long."""

HOT_UNTIL = 111.0
"""
Seconds after the start of a sweep until which hot jobs are asked about, if no other waits.

The rounds of a sweep that waited for its lease are a little late, that of 110 s too.
"""

EVERY_SWEEP = timedelta(hours=6)
"""After that moment, a job is asked about in every sweep this long, then every SLOW seconds."""

SLOW = 300.0
"""Seconds between two questions about an old job, or one that Atlas does not know."""

EARLY = 15.0
"""Seconds that a question may come early, because sweeps do not begin to the second."""


def is_hot(job: OpenJob, now: datetime) -> bool:
    """Whether the job is asked about every few seconds. One that Atlas does not know is not."""
    return not job.has_ended and job.missing_since is None and _is_within(HOT, job, now)


def is_due(job: OpenJob, settled_at: float | None, now: datetime, *, is_tick: bool) -> bool:
    """
    Whether a sweep asks about the job. `settled_at` is when Atlas's last answer was acted on.

    At a tick, a job that this environment has never settled is due. Between ticks, only hot jobs
    are: so many sweeps may be started, in so many environments, that the others would be asked
    about again and again.
    """
    if not job.can_change:
        return False
    if not is_tick:
        return is_hot(job, now)
    is_young = job.missing_since is None and _is_within(EVERY_SWEEP, job, now)
    if settled_at is None or is_young:
        return True
    return not is_recent(now.timestamp() - settled_at, SLOW - EARLY)


def _is_within(time: timedelta, job: OpenJob, now: datetime) -> bool:
    moments = (job.scheduled_at, job.first_observed_at, job.observed_at)
    # A restore that is scheduled for next week is not asked about every few seconds until then.
    past = [moment for moment in moments if moment and moment <= now + CLOCKS_APART]
    return bool(past) and now - max(past) < time
