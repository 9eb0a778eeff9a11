"""The metrics of a change and of the open jobs. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from aws_lambda_powertools.metrics import MetricUnit

from foundation.emitting import Metrics
from restore_watch.model.status_change import StatusChange
from restore_watch.table.job_item import Recorded

if TYPE_CHECKING:
    from restore_watch.table.open_job import OpenJob


def metrics_of_snapshot(change: StatusChange, recorded: Recorded) -> Metrics:
    """Return the age of the restored snapshot, with the first change that knows it."""
    if change.job.is_point_in_time:  # the alarm would take it for the age of the data
        return {}
    so_far = (one for one in recorded.changes if one.sequence <= change.sequence)
    ages = [one.job.snapshot_age_seconds for one in so_far]
    known = [age for age in ages if age is not None]
    is_news = len(known) == 1 and ages[-1] is not None
    return {"SnapshotAge": (MetricUnit.Seconds, known[0])} if is_news else {}


def metrics_of_end(change: StatusChange) -> Metrics:
    """Return how long a restore took, with the change that ends it."""
    seconds = change.job.duration_seconds
    if seconds is None or not change.job.terminal:
        return {}
    return {"RestoreDuration": (MetricUnit.Seconds, seconds)}


def metrics_of_open_jobs(jobs: "Sequence[OpenJob]", now: datetime) -> Metrics:
    """Return metrics of the jobs that are open at the end of a sweep."""
    pending = [job.observed_at for job in jobs if job.pending]
    running = [job.scheduled_at or job.target.created_at for job in jobs if job.is_running]
    metrics: Metrics = {}
    # CloudWatch bills a metric in each hour in which it is sent.
    if pending:
        metrics["OldestPendingSeconds"] = (MetricUnit.Seconds, _oldest(pending, now))
    if running:
        metrics["OldestRunningSeconds"] = (MetricUnit.Seconds, _oldest(running, now))
    return metrics


def _oldest(moments: Iterable[datetime | None], now: datetime) -> float:
    """Return the seconds since the first of these moments, 0 if there is none before `now`."""
    ages = [(now - moment).total_seconds() for moment in moments if moment]
    return max([0.0, *ages])
