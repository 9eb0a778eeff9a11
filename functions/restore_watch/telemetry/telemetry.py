"""The operator's view of checks, sweeps and the other actions: each log line, and its metrics."""

import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from email.utils import parsedate_to_datetime
from logging import DEBUG
from threading import Lock
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger
from cachetools import LRUCache

from foundation.aws_call import AwsCallError
from foundation.clock import utc_text
from foundation.emitting import Metrics, MetricsLog, emitting
from foundation.errors import ApplicationError
from restore_watch.errors import AtlasError
from restore_watch.model.history_entry import HistoryEntry
from restore_watch.model.restore_job import RestoreJob
from restore_watch.model.restore_target import RestoreTarget
from restore_watch.model.results import (
    FAILURES_SHOWN,
    CheckResult,
    Failure,
    Registration,
    SweepResult,
    ValidationResult,
)
from restore_watch.model.status_change import StatusChange
from restore_watch.model.workflow_wait import TaskAnswer
from restore_watch.redaction import redact
from restore_watch.table.job_item import Recorded
from restore_watch.telemetry.metrics import (
    SUNSET,
    metrics_of_credentials,
    metrics_of_end,
    metrics_of_late_end,
    metrics_of_late_jobs,
    metrics_of_open_jobs,
    metrics_of_snapshot,
    metrics_of_tick,
)
from restore_watch.telemetry.rto_of_clusters import ListedCluster, RtoOfClusters

if TYPE_CHECKING:
    from restore_watch.model.credentials_expiry import CredentialsChange
    from restore_watch.model.measurement import Measurement
    from restore_watch.model.watch_change import WatchChange
    from restore_watch.table.open_job import OpenJob


class Telemetry:
    """
    Writes logs and metrics, which docs/operations.md describes. Any thread may use it.

    No event or URL is logged, and of all headers only the sunset date. No job id is a dimension.
    `objectives`: by which restores are late.
    """

    def __init__(self, logger: Logger, metrics: MetricsLog, objectives: RtoOfClusters) -> None:
        self._logger = logger
        self._metrics = metrics
        self.objectives = objectives
        self._lock = Lock()
        self._reported: LRUCache[tuple[str, str], bool] = LRUCache(1000)  # reported once
        self._unread_clusters: set[tuple[str, str]] = set()

    def report_check(self, result: CheckResult) -> None:
        """Report the result of Atlas's answer about a job."""
        self._warn(result)
        self._log(
            self._logger.info,
            "checked",
            **names_of(result.job),
            kind=result.job.kind,
            status=result.job.status,
            changed=result.changed,
            published=len(result.published),
        )

    def report_unchanged(self, target: RestoreTarget) -> None:
        """Report a check of a sweep that found nothing new. A sweep has thousands of them."""
        if self._logger.log_level <= DEBUG:
            self._log(self._logger.debug, "unchanged", **names_of(target))

    def report_publication(self, entry: HistoryEntry, recorded: Recorded) -> None:
        """Write the metrics of a published change, also if its check fails afterwards."""
        if isinstance(entry, StatusChange):
            self._write(metrics_of_end(entry), status=entry.job.status)
            self._write(metrics_of_snapshot(entry, recorded))

    def report_late_end(self, job: RestoreJob, cluster: ListedCluster) -> None:
        """Write the metric of a restore that completed later than the RTO of its cluster allows."""
        self._write(metrics_of_late_end(job, cluster, self.objectives))

    def report_validation(self, result: ValidationResult) -> None:
        """Report a validation, recorded now or repeated. Its texts stay out."""
        if result.first_check is not None:
            self.report_check(result.first_check)
        self._log(
            self._logger.info,
            "validated",
            **names_of(result.job),
            verdict=result.entry.validation.verdict,
            sequence=result.entry.sequence,
            changed=result.changed,
            published=len(result.published),
        )

    def report_measurement(
        self,
        target: RestoreTarget,
        measurement: "Measurement | None",
        error: ApplicationError | None,
        *,
        advice: str | None,
        is_new: bool,
        comes_again: bool,
    ) -> None:
        """
        Report what came of measuring a restore. `comes_again`: the queue delivers it once more.

        The text of a refusal may have the name of a collection from Atlas, so it stays out.
        """
        if measurement is None:
            self._log(self._logger.info, "nothing to measure", **names_of(target))
            return
        self._log(
            self._logger.info,
            "not measured yet" if comes_again else "measured",
            **names_of(target),
            outcome=measurement.outcome,
            why=measurement.why,
            error=measurement.error,
            error_code=measurement.error_code,
            problem=str(error) if isinstance(error, AtlasError) and not error.reason else None,
            advice=advice,
            changed=is_new,
        )

    def report_dropped_job(self, target: RestoreTarget, reason: str) -> None:
        """Report a job that sweeps no longer ask about, although it has not ended."""
        text = "This restore job is no longer followed"
        self._log(self._logger.warning, text, **names_of(target), reason=reason)

    def report_registration(self, registration: Registration) -> None:
        """Report a workflow that waits for a job. Its token stays out."""
        job = registration.job
        if registration.first_check is not None:
            self.report_check(registration.first_check)
        names, until = names_of(job), registration.until
        self._log(self._logger.info, "registered", **names, status=job.status, wait_until=until)

    def report_workflow_answer(self, answer: TaskAnswer, job: RestoreJob) -> None:
        """Report a workflow that was answered, or does not wait any more."""
        names, outcome = names_of(job), answer.error or "success"
        self._log(self._logger.info, "answered", **names, status=job.status, answer=outcome)

    def report_unsent_answer(self, error: AwsCallError, job: RestoreJob, *, given_up: bool) -> None:
        """Report that Step Functions did not take an answer. Its text has the code only."""
        text = "Step Functions did not take the answer to a workflow; the next sweep repeats it"
        if given_up:
            text = "Step Functions refuses the answer to a workflow for good; it is given up"
        self._log(self._logger.warning, text, **names_of(job), reason=f"Step Functions {error}")

    def report_sweep(self, result: SweepResult, seconds: float) -> None:
        """Report a sweep without a tick: the heartbeat and the gauge of outages are of ticks."""
        self._log(
            self._logger.info,
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

    def report_tick(self, result: SweepResult, degraded: int, seconds: float) -> None:
        """Report a sweep that did its work, and how many projects are degraded."""
        self._write(metrics_of_tick(degraded))
        self.report_sweep(result, seconds)

    def report_open_jobs(self, jobs: "Sequence[OpenJob]", now: datetime) -> None:
        """Write the metrics of the jobs that are open at the end of a sweep."""
        self._write(metrics_of_open_jobs(jobs, now))
        self._write(metrics_of_late_jobs(jobs, now, self.objectives))

    def report_failures(self, failures: Sequence[Failure]) -> None:
        """Report what failed in a sweep, except what the table remembers of an earlier one."""
        news = [failed for failed in failures if not failed.is_known]
        for failed in news[:FAILURES_SHOWN]:
            self.report_failure(failed.error, failed)

    def report_skipped_sweep(self) -> None:
        """Report a sweep that left its work to another one."""
        self._log(self._logger.info, "skipped")

    def report_unstarted_sweep(self, error: AwsCallError) -> None:
        """Report that Lambda did not take a sweep. The text has the code only."""
        text = "Lambda did not take the sweep of a new job; the next tick follows it"
        self._log(self._logger.warning, text, reason=f"Lambda {error}")

    def report_unread_cluster(
        self, group_id: str, cluster_name: str | None, error: ApplicationError
    ) -> None:
        """Report a cluster whose restore jobs were never listed; a cluster once."""
        cluster = group_id, cluster_name or ""
        if cluster not in self._unread_clusters:
            self._unread_clusters.add(cluster)
            write = self._logger.warning
            self._log(write, str(error), group_id=group_id, cluster_name=cluster_name)

    def report_watch_change(self, change: "WatchChange") -> None:
        """Report that a project or the stack is degraded or has recovered."""
        self._log(
            self._logger.error if change.is_degraded else self._logger.info,
            f"The watch is {change.state}",
            group_id=change.group_id,
            error=change.trouble.error,
            reason=change.trouble.message,
            since=utc_text(change.trouble.since),
        )

    def report_days_left(self, days_left: int) -> None:
        """Report when the credentials expire."""
        self._write(metrics_of_credentials(days_left))

    def report_credentials_change(self, change: "CredentialsChange") -> None:
        """Report that the credentials are about to expire, or were renewed."""
        write, text = self._logger.warning, "The credentials expire soon"
        if change.threshold is None:
            write, text = self._logger.info, "The credentials were renewed"
        expires_at = utc_text(change.secret.expires_at)
        self._log(write, text, expires_at=expires_at, is_certain=change.secret.is_certain)

    def report_sunset(self, sunset: str) -> None:
        """Report an answer of Atlas that says when Atlas retires the endpoint."""
        self._write(SUNSET)
        text = "Atlas will retire this version of the endpoint"
        self._log(self._logger.warning, text, sunset=_date(sunset))

    def report_test(self, message_id: str) -> None:
        """Report a test notification."""
        self._log(self._logger.info, "test notification", message_id=message_id)

    def report_diagnosis(self, checks: Sequence[Mapping[str, Any]]) -> None:
        """Report a diagnosis. Its result has the checks."""
        failed = [check["check"] for check in checks if check["ok"] is False]
        self._log(self._logger.info, "diagnosed", checks=len(checks), failed_checks=failed)

    def report_report(self, result: Mapping[str, Any]) -> None:
        """Report a report that was made, whose files have the rest, or what became of a month."""
        if "counts" in result:
            self._log(self._logger.info, "reported", prefix=result["prefix"], **result["counts"])
        else:
            kept, why = result["isKept"], result["why"]
            self._log(self._logger.info, "month", prefix=result["month"], kept=kept, why=why)

    def report_failure(
        self, error: ApplicationError, failed: RestoreTarget | Failure | None = None
    ) -> None:
        """Report what failed. The error's text says what to do."""
        self._log(
            self._logger.error,
            str(error),
            **(names_of(failed) if failed else {}),
            error=type(error).__name__,
            error_code=error.error_code if isinstance(error, AtlasError) else None,
            notes=getattr(error, "__notes__", []),
        )

    def report_bug(self, error: Exception, **names: str | None) -> None:
        """
        Report an error that nobody foresaw, by its class and the lines of our code.

        Its text stays out, because it may hold anything.
        """
        frames = traceback.extract_tb(error.__traceback__)
        lines = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
        text = "An error that nobody foresaw about one item; the others are not affected"
        bug = type(error).__name__
        self._log(self._logger.error, text, **names, reason=bug, traceback=lines)

    def _warn(self, result: CheckResult) -> None:
        job, write = result.job, self._logger.warning
        if result.successor:
            text = "Atlas no longer answers for tenant restore jobs; use the kind flex or auto"
            self._log(write, text, **names_of(job))
        if result.contradiction and self._is_news(job, result.contradiction):
            self._log(
                write,
                "Atlas contradicts the recorded end of this restore; the recorded end stays",
                **names_of(job),
                recorded=job.status,
                contradiction=result.contradiction,
            )
        if result.unrecorded_word and self._is_news(job, result.unrecorded_word):
            text = "Atlas uses more unknown statuses than this job's history holds"
            self._log(write, text, **names_of(job), atlas_status=redact(result.unrecorded_word))

    def _is_news(self, job: RestoreJob, what: str) -> bool:
        report = job.restore_id, what
        with self._lock:
            is_news = report not in self._reported
            self._reported[report] = True
        return is_news

    def _log(self, write: Callable[..., None], text: str, **fields: Any) -> None:
        with emitting(self._lock):
            write(text, **fields)

    def _write(self, metrics: Metrics, **dimensions: str) -> None:
        with emitting(self._lock):
            self._metrics.write(metrics, **dimensions)


def _date(text: str) -> str:
    """A date from Atlas, in either of two forms. Other text is not logged."""
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        with suppress(ValueError, OverflowError):
            return read(text).isoformat()
    return "not a date"


def names_of(job: RestoreTarget | RestoreJob | Failure) -> dict[str, Any]:
    """The names of a job in a log line."""
    return {
        "group_id": job.group_id,
        "cluster_name": job.cluster_name,
        "restore_id": job.restore_id,
    }
