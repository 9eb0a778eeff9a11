"""A report, from the event to the files and the message; or a month that is kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from foundation.deadline import Deadline
from restore_watch.report.files.report_files import report_files
from restore_watch.report.month_keeper import Attempt, MonthKeeper, restores_in, was_watching
from restore_watch.report.period import Period
from restore_watch.report.report import Report
from restore_watch.report.report_bucket import ReportBucket
from restore_watch.report.report_collector import ReportCollector
from restore_watch.report.report_message import message_of_report
from restore_watch.report.report_request import KeepMonth, ReportRequest, read_event
from restore_watch.report.report_settings import ReportSettings
from restore_watch.wires import Wires


@dataclass(frozen=True)
class Reporter:
    """Makes the reports of an environment."""

    settings: ReportSettings
    wires: Wires
    bucket: ReportBucket

    def answer(
        self, event: object, deadline: Deadline, request_id: str | None = None
    ) -> Mapping[str, Any]:
        """
        Do what the event asks for, and return the result, which docs/report.md describes.

        Lambda's retries have the same `request_id`. Raises InvalidEventError before anything is
        read, and TableUnavailableError, ReportNotWrittenError or NotificationPendingError, after
        which a retry does all of it again.
        """
        request = read_event(event, self.settings.schedule, self.wires.clock.now())
        match request:
            case ReportRequest():
                return self._answer_report(request, deadline, request_id)
            case KeepMonth():
                return self._answer_keep_month(request, deadline)

    def _answer_report(
        self, request: ReportRequest, deadline: Deadline, request_id: str | None
    ) -> Mapping[str, Any]:
        period, collector = request.period, self._collector
        books = collector.read_books(deadline)
        report = collector.collect(period, request.asked_at, books, deadline)
        attempt = Attempt()
        if request.keeps_month:
            attempt = self._month_keeper.try_to_keep(report, deadline)
        if attempt.kept_files is not None:
            report = report.beside_month(restores_in(attempt.kept_files))
        files = report_files(report)
        self.bucket.put_report(period.report_prefix, files, deadline)
        if request.publishes:
            # People read of the report even if S3 refuses what is left to store.
            self._publish(report, None if request.is_dated else request_id, deadline)
            self.bucket.put_latest(files, request.asked_at, deadline)
        if attempt.error is not None:
            raise attempt.error
        return {
            "period": {"from": str(period.first), "to": str(period.last)},
            "bucket": self.bucket.name,
            "prefix": period.report_prefix,
            "files": list(files),
            "month": None if attempt.kept_files is None else period.month_prefix,
            "counts": {"restores": report.outcomes, "clusters": report.coverage.states},
        }

    def _answer_keep_month(self, request: KeepMonth, deadline: Deadline) -> Mapping[str, Any]:
        """Keep the month that is over, if no report has done so and the watch has seen it."""
        month, collector = request.month, self._collector
        if self.bucket.has_month(month.month_prefix, deadline):
            return self._result_of(month, is_kept=True, why="It was kept before.")
        books = collector.read_books(deadline)
        if not was_watching(books, month):
            why = "No project was watched in this month."
            return self._result_of(month, is_kept=False, why=why)
        report = collector.collect(month, request.asked_at, books, deadline)
        if self._month_keeper.keep(report, deadline) is None:
            why = "Not everything could be read. The next day tries again."
            return self._result_of(month, is_kept=False, why=why)
        return self._result_of(month, is_kept=True, why=None)

    def _result_of(self, month: Period, *, is_kept: bool, why: str | None) -> Mapping[str, Any]:
        month_prefix = month.month_prefix
        return {"month": month_prefix, "bucket": self.bucket.name, "isKept": is_kept, "why": why}

    def _publish(self, report: Report, request_id: str | None, deadline: Deadline) -> None:
        key = f"{report.period.report_prefix}report.html"
        message = message_of_report(report, self.bucket.name, key, request_id)
        outcome = "the report lies in the bucket, and a retry publishes it"
        self.wires.topic.publish(message, deadline, outcome)

    @property
    def _collector(self) -> ReportCollector:
        return ReportCollector(self.settings, self.wires)

    @property
    def _month_keeper(self) -> MonthKeeper:
        return MonthKeeper(self.bucket)
