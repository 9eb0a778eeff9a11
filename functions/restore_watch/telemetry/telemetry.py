"""The operator's view of sweeps and of the other actions: log lines, and metrics."""

from collections import Counter
from collections.abc import Mapping, Sequence
from logging import DEBUG
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit

from foundation.aws_call import AwsCallError
from foundation.emitting import Metrics, MetricsLog, emitting
from restore_watch.errors import RestoreWatchError
from restore_watch.model.credentials_expiry import CredentialsChange
from restore_watch.model.outage import WatchChange, WatchState
from restore_watch.model.restore_job import RestoreTarget
from restore_watch.model.results import FAILURES_SHOWN, SweepResult
from restore_watch.model.status_change import utc_text
from restore_watch.telemetry.checks import CheckTelemetry, names_of


class Telemetry(CheckTelemetry):
    """
    Writes logs and metrics, which docs/operations.md describes. Any thread may use it.

    No event or URL is logged, and of all headers only the sunset date. No job id is a dimension.
    """

    def __init__(self, logger: Logger, metrics: MetricsLog) -> None:
        super().__init__(logger, metrics)
        self._not_read: set[tuple[str, str]] = set()

    def report_unchanged(self, target: RestoreTarget) -> None:
        """Report a check of a sweep that found nothing new. A sweep has thousands of them."""
        if self._logger.log_level <= DEBUG:
            with emitting(self._lock):
                self._logger.debug("unchanged", **names_of(target))

    def report_dropped_job(self, target: RestoreTarget, reason: str) -> None:
        """Report a job that sweeps no longer ask about, although it has not ended."""
        with emitting(self._lock):
            self._count("JobsNoLongerFollowed")
            self._logger.warning(
                "This restore job is no longer followed", **names_of(target), reason=reason
            )

    def report_open_jobs(
        self, open_jobs: Metrics, share_left: float | None, result: SweepResult
    ) -> None:
        """
        Report the open jobs and the failures of a sweep, even if the sweep itself fails.

        `share_left` is the share left of the emptiest rate limit.
        """
        with emitting(self._lock):
            metrics = open_jobs | {"NotReached": (MetricUnit.Count, result.not_reached)}
            if share_left is not None:
                metrics["RateLimitRemaining"] = (MetricUnit.NoUnit, share_left)
            self._metrics.write(metrics)
            self._count("SuccessfulChecks", result.succeeded)
            news = [failed for failed in result.failures if not failed.is_known]
            for failed in news[:FAILURES_SHOWN]:
                self._log_failure(failed.error, failed.names)
            errors = Counter(type(failed.error).__name__ for failed in result.failures)
            for name, count in errors.items():
                self._metrics.write({"FailedChecks": (MetricUnit.Count, count)}, error=name)

    def report_tick(self, result: SweepResult, degraded: int, seconds: float) -> None:
        """Report a sweep that did its work, and how many projects are degraded."""
        with emitting(self._lock):
            self._metrics.write(
                {
                    "SuccessfulSweeps": (MetricUnit.Count, 1),
                    "SweepSeconds": (MetricUnit.Seconds, round(seconds, 3)),
                    "ProjectsDegraded": (MetricUnit.Count, degraded),
                }
            )
        self.report_sweep(result, seconds)

    def report_sweep(self, result: SweepResult, seconds: float) -> None:
        """Report a sweep without a tick: the heartbeat and the gauge of outages are of ticks."""
        with emitting(self._lock):
            self._logger.info(
                "swept",
                open=result.open,
                found=result.found,
                checked=result.checked,
                changed=result.changed,
                published=result.published,
                not_reached=result.not_reached,
                failed=len(result.failures),
                seconds=round(seconds, 3),
            )

    def report_watch_change(self, change: WatchChange) -> None:
        """Report that a project or the stack is degraded or has recovered."""
        with emitting(self._lock):
            is_degraded = change.state is WatchState.DEGRADED
            (self._logger.error if is_degraded else self._logger.info)(
                f"The watch is {change.state}",
                group_id=change.group_id,
                error=change.trouble.error,
                reason=change.trouble.message,
                since=utc_text(change.trouble.since),
            )

    def report_days_left(self, days_left: int) -> None:
        """Report when the credentials expire."""
        with emitting(self._lock):
            self._metrics.write({"CredentialDaysLeft": (MetricUnit.Count, days_left)})

    def report_credentials_change(self, change: CredentialsChange) -> None:
        """Report that the credentials are about to expire, or were renewed."""
        with emitting(self._lock):
            write, text = self._logger.warning, "The credentials expire soon"
            if change.threshold is None:
                write, text = self._logger.info, "The credentials were renewed"
            write(
                text,
                expires_at=utc_text(change.secret.expires_at),
                is_certain=change.secret.is_certain,
            )

    def report_unread_cluster(
        self, group_id: str, cluster_name: str | None, error: RestoreWatchError
    ) -> None:
        """Report a cluster whose restore jobs were never listed; a cluster once."""
        cluster = group_id, cluster_name or ""
        if cluster in self._not_read:
            return
        with emitting(self._lock):
            self._not_read.add(cluster)
            self._logger.warning(str(error), group_id=group_id, cluster_name=cluster_name)

    def report_test(self, message_id: str) -> None:
        """Report a test notification."""
        with emitting(self._lock):
            self._logger.info("test notification", message_id=message_id)

    def report_diagnosis(self, checks: Sequence[Mapping[str, Any]]) -> None:
        """Report a diagnosis. Its result has the checks."""
        with emitting(self._lock):
            failed = [one["check"] for one in checks if one["ok"] is False]
            self._logger.info("diagnosed", checks=len(checks), failed_checks=failed)

    def report_unstarted_sweep(self, error: AwsCallError) -> None:
        """Report that Lambda did not take a sweep. The text has the code only."""
        with emitting(self._lock):
            text = "Lambda did not take the sweep of a new job; the next tick follows it"
            self._logger.warning(text, reason=f"Lambda {error}")

    def report_skipped_sweep(self) -> None:
        """Report a sweep that left its work to another one."""
        with emitting(self._lock):
            self._logger.info("skipped")
