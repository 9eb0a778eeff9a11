"""Which metrics a change and a sweep have. Pure."""

from aws_lambda_powertools.metrics import MetricUnit

from restore_watch.model.status_change import StatusChange
from restore_watch.table.job_item import Recorded
from restore_watch.telemetry.figures import Figures

type Metrics = dict[str, tuple[MetricUnit, float]]
"""Units and values by name."""


def metrics_of_snapshot(change: StatusChange, recorded: Recorded) -> Metrics:
    """
    Return the age of the restored snapshot, with the first change that knows it.

    There is none for a restore to a point in time: the alarm would take it for the age of the data.
    """
    if change.job.is_point_in_time:
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


def metrics_of_sweep(figures: Figures, share_left: float | None, not_reached: int) -> Metrics:
    """Return the metrics of the open jobs; `share_left` is of the emptiest rate limit."""
    metrics: Metrics = {
        "OpenJobs": (MetricUnit.Count, figures.open_jobs),
        "PendingChanges": (MetricUnit.Count, figures.pending_changes),
        "OldestPendingSeconds": (MetricUnit.Seconds, figures.oldest_pending_seconds),
        "NotReached": (MetricUnit.Count, not_reached),
    }
    if figures.download_seconds_left is not None:
        metrics["DownloadSecondsLeft"] = (MetricUnit.Seconds, figures.download_seconds_left)
    if figures.oldest_running_seconds is not None:
        metrics["OldestRunningSeconds"] = (MetricUnit.Seconds, figures.oldest_running_seconds)
    if share_left is not None:
        metrics["RateLimitRemaining"] = (MetricUnit.NoUnit, share_left)
    return metrics
