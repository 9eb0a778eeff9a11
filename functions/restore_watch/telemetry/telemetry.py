"""What an operator sees: one log line for each check, and metrics of few dimensions."""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from email.utils import parsedate_to_datetime
from logging import DEBUG
from threading import RLock
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit
from cachetools import LRUCache

from foundation.aws_call import AwsCallError
from foundation.emitting import emitting, write_metrics
from restore_watch.errors import AtlasError, RestoreWatchError
from restore_watch.model.outage import WatchChange, WatchState
from restore_watch.model.restore_job import RestoreJob, RestoreTarget
from restore_watch.model.results import (
    FAILURES_SHOWN,
    CheckResult,
    Registration,
    SweepResult,
    ValidationResult,
)
from restore_watch.model.status_change import StatusChange, utc_text
from restore_watch.model.validation import Entry
from restore_watch.model.wait import TaskAnswer
from restore_watch.redaction import redact
from restore_watch.table.job_item import Recorded
from restore_watch.telemetry.figures import Figures, FindFigures
from restore_watch.telemetry.metrics import (
    metrics_of_change,
    metrics_of_projects,
    metrics_of_snapshot,
    metrics_of_sweep,
)

TOO_MANY_REQUESTS = 429

REPORTS_REMEMBERED = 1000
"""Contradictions and unrecorded words that are remembered, so that each is reported once."""


class Telemetry:
    """
    Writes logs and metrics. Any thread may use it.

    No event or URL is logged, and of all headers only the sunset date. No job id is a dimension.

    | metric | unit | dimensions |
    | --- | --- | --- |
    | AtlasCalls, AtlasThrottles, AtlasSunsets, Contradictions, SuccessfulChecks | count | service |
    | FailedChecks | count | service, error |
    | StatusChanges | count | service, status |
    | Validations | count | service, verdict |
    | WorkflowsAnswered, WorkflowsGivenUp | count | service |
    | RestoreDuration, DetectionLatency | seconds | service, status |
    | SuccessfulSweeps, OpenJobs, PendingChanges, NotReached, TokenRequests | count | service |
    | JobsNoLongerFollowed | count | service |
    | OldestPendingSeconds, OldestOpenJobSeconds, DownloadSecondsLeft | seconds | service |
    | OldestRunningSeconds, SnapshotAge, SweepSeconds | seconds | service |
    | ProjectsWatched, ProjectsDegraded, JobsFound, Listings | count | service |
    | SecondsSinceListing | seconds | service |
    | RateLimitRemaining | a share, from 0 to 1 | service |
    """

    def __init__(self, logger: Logger) -> None:
        self._logger = logger
        self._lock = RLock()
        self._not_read: set[tuple[str, str]] = set()
        self._reported: LRUCache[tuple[str, str], bool] = LRUCache(REPORTS_REMEMBERED)
        self._counts: dict[str, int] = {}

    def atlas_answered(self, status: int, sunset: str | None) -> None:
        """Count an answer of Atlas, and log when Atlas retires the endpoint."""
        with emitting(self._lock):
            self._count("AtlasCalls")
            if status == TOO_MANY_REQUESTS:
                self._count("AtlasThrottles")
            if sunset:
                self._count("AtlasSunsets")
                self._logger.warning(
                    "Atlas will retire this version of the endpoint",
                    extra={"sunset": _date(sunset)},
                )

    def token_requested(self) -> None:
        """Count a request for an access token, also if it is never answered."""
        with emitting(self._lock):
            self._count("TokenRequests")

    def checked(self, target: RestoreTarget, result: CheckResult) -> None:
        """Report a check by name that succeeded."""
        with emitting(self._lock):
            self._count("SuccessfulChecks")
            self.settled(target, result)

    def settled(self, target: RestoreTarget, result: CheckResult) -> None:
        """Report what became of Atlas's answer about a job."""
        with emitting(self._lock):
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

    def published(self, entry: Entry, recorded: Recorded) -> None:
        """Count a published change or validation, also if its check fails afterwards."""
        with emitting(self._lock):
            if isinstance(entry, StatusChange):
                write_metrics(metrics_of_change(entry, recorded), status=entry.job.status)
                if of_snapshot := metrics_of_snapshot(entry, recorded):
                    write_metrics(of_snapshot)
            else:
                verdict = entry.validation.verdict
                write_metrics({"Validations": (MetricUnit.Count, 1)}, verdict=verdict)

    def validated(self, target: RestoreTarget, result: ValidationResult) -> None:
        """Report a validation that was recorded, or repeated one that was. Its texts stay out."""
        with emitting(self._lock):
            if result.first_check is not None:
                self.checked(target, result.first_check)
            self._logger.info(
                "validated",
                extra=_names(target)
                | {
                    "verdict": result.entry.validation.verdict,
                    "sequence": result.entry.sequence,
                    "changed": result.changed,
                    "published": len(result.published),
                },
            )

    def registered(self, target: RestoreTarget, registration: Registration) -> None:
        """Report a workflow that waits for a job. Its token stays out."""
        with emitting(self._lock):
            if registration.first_check is not None:
                self.checked(target, registration.first_check)
            self._logger.info(
                "registered",
                extra=_names(target)
                | {"status": registration.job.status, "wait_until": registration.until},
            )

    def answered(self, answer: TaskAnswer, job: RestoreJob) -> None:
        """Count a workflow that was answered, or does not wait any more."""
        with emitting(self._lock):
            write_metrics({"WorkflowsAnswered": (MetricUnit.Count, 1)})
            self._logger.info(
                "answered",
                extra={
                    "group_id": job.group_id,
                    "cluster_name": job.cluster_name,
                    "restore_id": job.restore_id,
                    "status": job.status,
                    "answer": answer.error or "success",
                },
            )

    def not_answered(self, error: AwsCallError, job: RestoreJob, *, given_up: bool) -> None:
        """Report that Step Functions did not take an answer. Its text has the code only."""
        with emitting(self._lock):
            text = "Step Functions did not take the answer to a workflow; the next sweep repeats it"
            if given_up:
                text = "Step Functions refuses the answer to a workflow for good; it is given up"
                write_metrics({"WorkflowsGivenUp": (MetricUnit.Count, 1)})
            self._logger.warning(
                text,
                extra={
                    "group_id": job.group_id,
                    "cluster_name": job.cluster_name,
                    "restore_id": job.restore_id,
                    "reason": f"Step Functions {error}",
                },
            )

    def failed(self, error: RestoreWatchError, target: RestoreTarget | None = None) -> None:
        """Report a check that failed. The error's text says what to do."""
        with emitting(self._lock):
            write_metrics({"FailedChecks": (MetricUnit.Count, 1)}, error=type(error).__name__)
            self._log_failure(error, _names(target) if target else {})

    def unchanged(self, target: RestoreTarget) -> None:
        """Report a check of a sweep that found nothing new. A sweep has thousands of them."""
        if self._logger.log_level <= DEBUG:
            with emitting(self._lock):
                self._logger.debug("unchanged", extra=_names(target))

    def no_longer_followed(self, target: RestoreTarget, reason: str) -> None:
        """Report a job that sweeps no longer ask about, although it has not ended."""
        with emitting(self._lock):
            self._count("JobsNoLongerFollowed")
            self._logger.warning(
                "This restore job is no longer followed",
                extra=_names(target) | {"reason": reason},
            )

    def figures(self, figures: Figures, share_left: float | None, result: SweepResult) -> None:
        """Report the state of the open jobs, also if the sweep fails, and what failed in it."""
        with emitting(self._lock):
            write_metrics(metrics_of_sweep(figures, share_left, result.not_reached))
            self._count("SuccessfulChecks", result.succeeded)
            news = [failed for failed in result.failures if not failed.is_known]
            for failed in news[:FAILURES_SHOWN]:
                self._log_failure(failed.error, failed.names)
            errors = Counter(type(failed.error).__name__ for failed in result.failures)
            for name, count in errors.items():
                write_metrics({"FailedChecks": (MetricUnit.Count, count)}, error=name)

    def swept(
        self, result: SweepResult, projects: FindFigures, degraded: int, seconds: float
    ) -> None:
        """Report a sweep that did its work, and how many projects are degraded."""
        with emitting(self._lock):
            write_metrics(
                metrics_of_projects(projects, degraded)
                | {
                    "SuccessfulSweeps": (MetricUnit.Count, 1),
                    "SweepSeconds": (MetricUnit.Seconds, round(seconds, 3)),
                }
            )
            self._logger.info(
                "swept",
                extra={
                    "open": result.open,
                    "found": result.found,
                    "checked": result.checked,
                    "changed": result.changed,
                    "published": result.published,
                    "not_reached": result.not_reached,
                    "failed": len(result.failures),
                    "seconds": round(seconds, 3),
                },
            )

    def watch_changed(self, change: WatchChange) -> None:
        """Report that a project or the stack is degraded or has recovered."""
        with emitting(self._lock):
            is_degraded = change.state is WatchState.DEGRADED
            (self._logger.error if is_degraded else self._logger.info)(
                f"The watch is {change.state}",
                extra={
                    "group_id": change.group_id,
                    "error": change.trouble.error,
                    "reason": change.trouble.message,
                    "since": utc_text(change.trouble.since),
                },
            )

    def not_read(self, group_id: str, cluster_name: str | None, error: RestoreWatchError) -> None:
        """Report a cluster whose restore jobs Atlas has never listed; a cluster once."""
        cluster = group_id, cluster_name or ""
        if cluster in self._not_read:
            return
        with emitting(self._lock):
            self._not_read.add(cluster)
            names = {"group_id": group_id, "cluster_name": cluster_name}
            self._logger.warning(str(error), extra=names)

    def test_published(self, message_id: str) -> None:
        """Report a test notification."""
        with emitting(self._lock):
            self._logger.info("test notification", extra={"message_id": message_id})

    def diagnosed(self, checks: Sequence[Mapping[str, Any]]) -> None:
        """Report a diagnosis. Its result has the checks."""
        with emitting(self._lock):
            failed = [one["check"] for one in checks if one["ok"] is False]
            self._logger.info("diagnosed", extra={"checks": len(checks), "failed_checks": failed})

    def skipped(self) -> None:
        """Report a sweep that left its work to another one."""
        with emitting(self._lock):
            self._logger.info("skipped")

    def flush(self) -> None:
        """Write this invocation's counts as one line of CloudWatch's embedded metric format."""
        with emitting(self._lock):
            counts, self._counts = self._counts, {}
            if counts:
                write_metrics({name: (MetricUnit.Count, value) for name, value in counts.items()})

    def _warn(self, target: RestoreTarget, result: CheckResult) -> None:
        if result.successor:
            self._logger.warning(
                "Atlas no longer answers for tenant restore jobs; use the kind flex or auto",
                extra=_names(target),
            )
        if result.contradiction and self._is_news(target, result.contradiction):
            self._count("Contradictions")
            self._logger.warning(
                "Atlas contradicts the recorded end of this restore; the recorded end stays",
                extra=_names(target)
                | {"recorded": result.job.status, "contradiction": result.contradiction},
            )
        if result.unrecorded_word and self._is_news(target, result.unrecorded_word):
            self._logger.warning(
                "Atlas uses more unknown statuses than this job's history holds",
                extra=_names(target) | {"atlas_status": redact(result.unrecorded_word)},
            )

    def _is_news(self, target: RestoreTarget, what: str) -> bool:
        report = (target.restore_id, what)
        is_news = report not in self._reported
        self._reported[report] = True
        return is_news

    def _log_failure(self, error: RestoreWatchError, names: Mapping[str, Any]) -> None:
        self._logger.error(
            str(error),
            extra={
                **names,
                "error": type(error).__name__,
                "error_code": error.error_code if isinstance(error, AtlasError) else None,
                "notes": getattr(error, "__notes__", []),
            },
        )

    def _count(self, name: str, by: int = 1) -> None:
        if by:
            self._counts[name] = self._counts.get(name, 0) + by


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
