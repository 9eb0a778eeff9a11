"""Every metric of the watch, with its value. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from aws_lambda_powertools.metrics import MetricUnit

from foundation.emitting import Metrics
from restore_watch.model.restore_job import RestoreJob
from restore_watch.model.status_change import StatusChange
from restore_watch.table.job_item import Recorded
from restore_watch.telemetry.rto_of_clusters import ListedCluster, RtoOfClusters

if TYPE_CHECKING:
    from restore_watch.table.open_job import OpenJob

SUNSET: Metrics = {"AtlasSunsets": (MetricUnit.Count, 1)}
"""An answer of Atlas says when Atlas retires the endpoint."""


def metrics_of_snapshot(change: StatusChange, recorded: Recorded) -> Metrics:
    """Return the age of the restored snapshot, with the first change that knows it."""
    if change.job.is_point_in_time:  # the alarm would take it for the age of the data
        return {}
    age = change.job.snapshot_age_seconds
    before = [earlier for earlier in recorded.changes if earlier.sequence < change.sequence]
    was_known = any(earlier.job.snapshot_age_seconds is not None for earlier in before)
    if age is None or was_known:
        return {}
    return {"SnapshotAge": (MetricUnit.Seconds, age)}


def metrics_of_end(change: StatusChange) -> Metrics:
    """Return how long a restore took, with the change that ends it."""
    seconds = change.job.duration_seconds
    if seconds is None or not change.job.terminal:
        return {}
    return {"RestoreDuration": (MetricUnit.Seconds, seconds)}


def metrics_of_late_end(
    job: RestoreJob, cluster: ListedCluster, objectives: RtoOfClusters
) -> Metrics:
    """Return by how much a restore that completed missed the RTO of its cluster."""
    if job.duration_seconds is None:
        return {}
    took, rto = timedelta(seconds=job.duration_seconds), objectives.rto_of(cluster)
    return _seconds_over_rto([_seconds_over(took, rto)])


def metrics_of_late_jobs(
    jobs: "Sequence[OpenJob]", now: datetime, objectives: RtoOfClusters
) -> Metrics:
    """Return by how much a restore that still runs at the end of a sweep misses its RTO."""
    return _seconds_over_rto(
        _seconds_over(
            now - job.began_at, objectives.rto_of(ListedCluster.of_jobs(job.target.cluster, kind))
        )
        for job in jobs
        if job.is_running and (kind := job.kind) is not None
    )


def metrics_of_open_jobs(jobs: "Sequence[OpenJob]", now: datetime) -> Metrics:
    """Return metrics of the jobs that are open at the end of a sweep."""
    pending = [job.observed_at for job in jobs if job.pending]
    running = [job.began_at for job in jobs if job.is_running]
    metrics: Metrics = {}
    # CloudWatch bills a metric in each hour in which it is sent.
    if pending:
        metrics["OldestPendingSeconds"] = (MetricUnit.Seconds, _oldest(pending, now))
    if running:
        metrics["OldestRunningSeconds"] = (MetricUnit.Seconds, _oldest(running, now))
    return metrics


def metrics_of_tick(degraded: int) -> Metrics:
    """Return the heartbeat, and how many projects are degraded."""
    return {
        "SuccessfulSweeps": (MetricUnit.Count, 1),
        "ProjectsDegraded": (MetricUnit.Count, degraded),
    }


def metrics_of_credentials(days_left: int) -> Metrics:
    """Return when the credentials expire."""
    return {"CredentialDaysLeft": (MetricUnit.Count, days_left)}


def _seconds_over(taken: timedelta, rto: timedelta | None) -> float:
    """Return by how many seconds a restore is over its RTO, 0 if it is not or has none."""
    return max(0.0, (taken - rto).total_seconds()) if rto else 0.0


def _seconds_over_rto(seconds: Iterable[float]) -> Metrics:
    worst = max(seconds, default=0.0)
    # CloudWatch bills a metric in each hour in which it is sent.
    return {"SecondsOverRto": (MetricUnit.Seconds, worst)} if worst else {}


def _oldest(moments: Iterable[datetime | None], now: datetime) -> float:
    """Return the seconds since the first of these moments, 0 if there is none before `now`."""
    ages = [(now - moment).total_seconds() for moment in moments if moment]
    return max([0.0, *ages])
