"""What an operator sees: one log line per check, and metrics of few dimensions."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpx
from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from restore_watch.errors import AtlasError, RestoreWatchError
from restore_watch.redaction import redact
from restore_watch.restore_job import RestoreKind, RestoreTarget, StatusChange
from restore_watch.watch import CheckResult

CONTRADICTIONS_REMEMBERED = 1000
"""Jobs whose contradiction an environment remembers, so that each is told of once."""


class Telemetry:
    """
    Logs and counts. No event, URL or header is ever logged, and no job id is ever a dimension.

    | metric | unit | dimensions |
    | --- | --- | --- |
    | AtlasCalls, AtlasThrottles, AtlasSunsets, Contradictions, FailedChecks | count | service |
    | StatusChanges | count | service, status |
    | RestoreDuration, DetectionLatency | seconds | service, status |
    """

    def __init__(self, logger: Logger) -> None:
        self._logger = logger
        self._counts: dict[str, int] = {}
        self._contradicted: set[str] = set()

    def atlas_answered(self, response: httpx.Response) -> None:
        """Count an answer of Atlas, a challenge or a token too; a hook of the HTTP client."""
        with _without_failing():
            self._count("AtlasCalls")
            if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
                self._count("AtlasThrottles")
            self._retiring(response.headers.get("sunset") or response.headers.get("deprecation"))

    def _retiring(self, sunset: str | None) -> None:
        if sunset:
            # Atlas writes these dates in more than one form, and moves them: they are only quoted.
            self._count("AtlasSunsets")
            self._logger.warning(
                "Atlas will retire this version of the endpoint", extra={"sunset": redact(sunset)}
            )

    def checked(self, target: RestoreTarget, result: CheckResult) -> None:
        """Report a check that came to its end."""
        with _without_failing():
            if target.kind is RestoreKind.TENANT and result.job.kind is not RestoreKind.TENANT:
                self._logger.warning(
                    "Atlas no longer answers for tenant restore jobs; name the kind flex, or none",
                    extra=_names(target),
                )
            if result.contradiction and self._is_news(target.restore_id):
                self._count("Contradictions")
                self._logger.warning(
                    "Atlas contradicts the recorded end of this restore, which stays",
                    extra=_names(target)
                    | {"recorded": result.job.status, "contradiction": result.contradiction},
                )
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
            for change in result.published:
                self._announced(change)

    def failed(self, error: RestoreWatchError, target: RestoreTarget | None = None) -> None:
        """Report a check that failed; the error's text says what to do."""
        with _without_failing():
            self._count("FailedChecks")
            self._logger.error(
                str(error),
                extra=(_names(target) if target else {})
                | {
                    "error": type(error).__name__,
                    "error_code": error.error_code if isinstance(error, AtlasError) else None,
                },
            )

    def flush(self) -> None:
        """Write this invocation's counts as one line of CloudWatch's embedded metric format."""
        counts, self._counts = self._counts, {}
        with _without_failing():
            if counts:
                _write({name: (MetricUnit.Count, value) for name, value in counts.items()})

    def _is_news(self, restore_id: str) -> bool:
        """Whether this environment has not told of the job's contradiction yet."""
        if restore_id in self._contradicted:
            return False
        if len(self._contradicted) >= CONTRADICTIONS_REMEMBERED:
            self._contradicted.clear()
        self._contradicted.add(restore_id)
        return True

    def _count(self, name: str) -> None:
        self._counts[name] = self._counts.get(name, 0) + 1

    def _announced(self, change: StatusChange) -> None:
        metrics: dict[str, tuple[MetricUnit, float]] = {"StatusChanges": (MetricUnit.Count, 1)}
        if change.job.terminal:
            for name, value in (
                ("RestoreDuration", change.job.duration_seconds),
                ("DetectionLatency", change.detection_latency_seconds),
            ):
                if value is not None:
                    metrics[name] = (MetricUnit.Seconds, value)
        _write(metrics, status=change.job.status)


def _write(metrics: dict[str, tuple[MetricUnit, float]], **dimensions: str) -> None:
    line = EphemeralMetrics()
    for name, value in dimensions.items():
        line.add_dimension(name, value)
    for name, (unit, amount) in metrics.items():
        line.add_metric(name, unit, amount)
    line.flush_metrics()


def _names(target: RestoreTarget) -> dict[str, Any]:
    return {
        "group_id": target.group_id,
        "cluster_name": target.cluster_name,
        "restore_id": target.restore_id,
    }


@contextmanager
def _without_failing() -> Iterator[None]:
    """A check that did its work must not fail because its log or metric could not be written."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - whatever it is, what is observed matters more
        with suppress(OSError, ValueError):
            print(f"telemetry failed: {type(error).__name__}")  # noqa: T201 - not by the logger
