"""When sweeps stop following a job that Atlas no longer knows, or a ready download. Pure."""

from datetime import datetime, timedelta

from restore_watch.table.open_job import OpenJob

LINK_GONE = timedelta(hours=1)
"""A ready download is followed this long after its link has expired."""

LINK_UNKNOWN = timedelta(hours=24)
"""A ready download whose link has no date is followed this long."""

FORGOTTEN = timedelta(hours=24)
"""A job that Atlas does not know is followed this long."""

MISSED_TIME = 900.0
"""Seconds without another answer after which an environment believes that a job is gone."""

REFUSED = timedelta(days=7)
"""A job that Atlas refuses is followed this long, if its project is no longer watched."""


def is_past_its_link(job: OpenJob, now: datetime) -> bool:
    """Nothing more can come of a ready download."""
    if not job.is_ready_download:
        return False
    if job.expiration_date is not None:
        return now - job.expiration_date >= LINK_GONE
    return job.observed_at is None or now - job.observed_at >= LINK_UNKNOWN


def is_forgotten(job: OpenJob, now: datetime, missed_for: float, after: timedelta) -> bool:
    """Atlas has not known the job, or has refused it, for too long, and this environment saw it."""
    since = job.missing_since
    return since is not None and now - since >= after and missed_for >= MISSED_TIME


def dropped_at(job: OpenJob, after: timedelta) -> datetime | None:
    """
    When a job was dropped, at the latest, or None if nothing says so.

    Either Atlas has not known it, or has refused it, for `after`, or its link is gone.
    """
    since = job.missing_since
    if since is None and job.is_ready_download:
        since = job.expiration_date or job.observed_at
    return since and since + max(after, LINK_GONE, LINK_UNKNOWN)
