"""The metrics of a change and of the open jobs. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from aws_lambda_powertools.metrics import MetricUnit

from foundation.emitting import Metrics
from restore_watch.model.status_change import StatusChange
from restore_watch.table.job_item import Recorded
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


def metrics_of_change(change: StatusChange, recorded: Recorded) -> Metrics:
    """Return the metrics of a published change that differ by its status."""
    metrics: Metrics = {"StatusChanges": (MetricUnit.Count, 1)}
    duration, latency = change.job.duration_seconds, change.detection_latency_seconds
    if change.job.terminal and duration is not None:
        metrics["RestoreDuration"] = (MetricUnit.Seconds, duration)
    # A job that had ended before the first check does not show how fast an end is detected.
    seen_before_end = not recorded.changes[0].job.terminal
    if change.job.terminal and latency is not None and seen_before_end:
        metrics["DetectionLatency"] = (MetricUnit.Seconds, latency)
    return metrics


def metrics_of_open_jobs(
    at_start: Sequence[OpenJob], at_end: Iterable[OpenJob], now: datetime
) -> Metrics:
    """Return metrics of the jobs open at the start of a sweep, and of those left at its end."""
    last = tuple(at_end)
    pending = [job for job in at_start if job.pending]
    observed = (job.observed_at for job in pending)
    metrics: Metrics = {
        "OpenJobs": (MetricUnit.Count, len(at_start)),
        "PendingChanges": (MetricUnit.Count, sum(job.pending for job in pending)),
        "OldestPendingSeconds": (MetricUnit.Seconds, _oldest(observed, now)),
    }
    links = [job.expiration_date for job in last if job.is_ready_download and job.expiration_date]
    left = [(link - now).total_seconds() for link in links if link > now]
    if left:
        metrics["DownloadSecondsLeft"] = (MetricUnit.Seconds, min(left))
    running = [job.scheduled_at or job.target.created_at for job in last if job.is_running]
    if running:
        metrics["OldestRunningSeconds"] = (MetricUnit.Seconds, _oldest(running, now))
    return metrics


def _oldest(moments: Iterable[datetime | None], now: datetime) -> float:
    """Return the seconds since the first of these moments, 0 if there is none before `now`."""
    ages = [(now - moment).total_seconds() for moment in moments if moment]
    return max([0.0, *ages])
