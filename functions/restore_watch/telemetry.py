"""What an operator sees: one log line for each check, and metrics of few dimensions."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from restore_watch.check import CheckResult
from restore_watch.errors import AtlasError, RestoreWatchError
from restore_watch.item import Recorded
from restore_watch.redaction import redact
from restore_watch.restore_job import RestoreTarget
from restore_watch.status_change import StatusChange

TOO_MANY_REQUESTS = 429


class Telemetry:
    """
    Writes logs and metrics.

    No event or URL is logged, and of all headers only the sunset date. No job id is a dimension.

    | metric | unit | dimensions |
    | --- | --- | --- |
    | AtlasCalls, AtlasThrottles, AtlasSunsets, Contradictions, SuccessfulChecks | count | service |
    | FailedChecks | count | service, error |
    | StatusChanges | count | service, status |
    | RestoreDuration, DetectionLatency | seconds | service, status |
    """

    def __init__(self, logger: Logger) -> None:
        self._logger = logger
        self._counts: dict[str, int] = {}

    def atlas_answered(self, status: int, sunset: str | None) -> None:
        """Count an answer of Atlas, and log when Atlas retires the endpoint."""
        with _without_failing():
            self._count("AtlasCalls")
            if status == TOO_MANY_REQUESTS:
                self._count("AtlasThrottles")
            if sunset:
                self._count("AtlasSunsets")
                self._logger.warning(
                    "Atlas will retire this version of the endpoint",
                    extra={"sunset": _date(sunset)},
                )

    def checked(self, target: RestoreTarget, result: CheckResult) -> None:
        """Report a check that succeeded."""
        with _without_failing():
            self._count("SuccessfulChecks")
            self._warn(target, result)
            self._logger.info(
                "checked",
                extra=_names(target)
                | {
                    "kind": result.job.kind,
                    "status": result.job.status,
                    "changed": result.changed,
                    "published": len(result.published),
                },
            )

    def published(self, change: StatusChange, recorded: Recorded) -> None:
        """Count a published change, also if its check fails afterwards."""
        with _without_failing():
            _write(_metrics_of(change, recorded), status=change.job.status)

    def failed(self, error: RestoreWatchError, target: RestoreTarget | None = None) -> None:
        """Report a check that failed. The error's text says what to do."""
        with _without_failing():
            name = type(error).__name__
            _write({"FailedChecks": (MetricUnit.Count, 1)}, error=name)
            self._logger.error(
                str(error),
                extra=(_names(target) if target else {})
                | {
                    "error": name,
                    "error_code": error.error_code if isinstance(error, AtlasError) else None,
                    "notes": getattr(error, "__notes__", []),
                },
            )

    def flush(self) -> None:
        """Write this invocation's counts as one line of CloudWatch's embedded metric format."""
        counts, self._counts = self._counts, {}
        with _without_failing():
            if counts:
                _write({name: (MetricUnit.Count, value) for name, value in counts.items()})

    def _warn(self, target: RestoreTarget, result: CheckResult) -> None:
        if result.successor:
            self._logger.warning(
                "Atlas no longer answers for tenant restore jobs; use the kind flex or auto",
                extra=_names(target),
            )
        if result.contradiction:
            self._count("Contradictions")
            self._logger.warning(
                "Atlas contradicts the recorded end of this restore; the recorded end stays",
                extra=_names(target)
                | {"recorded": result.job.status, "contradiction": result.contradiction},
            )
        if result.unrecorded_word:
            self._logger.warning(
                "Atlas uses more unknown statuses than this job's history holds",
                extra=_names(target) | {"atlas_status": redact(result.unrecorded_word)},
            )

    def _count(self, name: str) -> None:
        self._counts[name] = self._counts.get(name, 0) + 1


def _metrics_of(change: StatusChange, recorded: Recorded) -> dict[str, tuple[MetricUnit, float]]:
    metrics: dict[str, tuple[MetricUnit, float]] = {"StatusChanges": (MetricUnit.Count, 1)}
    duration, latency = change.job.duration_seconds, change.detection_latency_seconds
    if change.job.terminal and duration is not None:
        metrics["RestoreDuration"] = (MetricUnit.Seconds, duration)
    # A job that had ended before the first check does not show how fast an end is detected.
    seen_before_end = not recorded.history[0].job.terminal
    if change.job.terminal and latency is not None and seen_before_end:
        metrics["DetectionLatency"] = (MetricUnit.Seconds, latency)
    return metrics


def _write(metrics: dict[str, tuple[MetricUnit, float]], **dimensions: str) -> None:
    line = EphemeralMetrics()
    for name, value in dimensions.items():
        line.add_dimension(name, value)
    for name, (unit, amount) in metrics.items():
        line.add_metric(name, unit, amount)
    line.flush_metrics()


def _date(text: str) -> str:
    """A date from Atlas, in either of two forms. Other text is not logged."""
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        with suppress(ValueError, OverflowError):
            return read(text).isoformat()
    return "not a date"


def _names(target: RestoreTarget) -> dict[str, Any]:
    return {
        "group_id": target.group_id,
        "cluster_name": target.cluster_name,
        "restore_id": target.restore_id,
    }


@contextmanager
def _without_failing() -> Iterator[None]:
    """A check that succeeded must not fail because a log line or metric could not be written."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - no failure here may fail the check
        with suppress(OSError, ValueError):
            print(f"telemetry failed: {type(error).__name__}")  # noqa: T201 - not by the logger
