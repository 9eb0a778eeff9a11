"""A report, from the event to the files and the message; or a month that is kept."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from foundation.deadline import Deadline
from restore_watch.errors import ReportNotWrittenError
from restore_watch.report.files.report_files import report_files
from restore_watch.report.period import Period
from restore_watch.report.report import Report
from restore_watch.report.report_bucket import ReportBucket
from restore_watch.report.report_collector import ReportCollector
from restore_watch.report.report_message import message_of_report
from restore_watch.report.report_request import KeepMonth, ReportRequest, read_event
from restore_watch.report.report_settings import ReportSettings
from restore_watch.table.bookkeeping import Books
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
        period, collector = request.period, self._collector()
        books = collector.read_books(deadline)
        report = collector.collect(period, request.asked_at, books, deadline)
        month, month_error = None, None
        if request.keeps_month:
            try:
                month = self._store_month(report, deadline)
            except ReportNotWrittenError as error:
                # Whoever may not write the month still gets the report.
                month_error = error
        if month is not None:
            report = report.beside_month(_restores_of(month))
        files = report_files(report)
        self.bucket.put_report(period.report_prefix, files, deadline)
        if request.publishes:
            self._publish(report, None if request.is_dated else request_id, deadline)
        if month_error is not None:
            raise month_error
        return {
            "period": {"from": str(period.first), "to": str(period.last)},
            "bucket": self.bucket.name,
            "prefix": period.report_prefix,
            "files": list(files),
            "month": period.month_prefix if month is not None else None,
            "counts": {"restores": report.outcomes, "clusters": report.coverage.states},
        }

    def _answer_keep_month(self, request: KeepMonth, deadline: Deadline) -> Mapping[str, Any]:
        """Keep the month that is over, if no report has done so and the watch has seen it."""
        month, collector = request.month, self._collector()
        if self.bucket.has_month(month.month_prefix, deadline):
            return self._kept(month, is_kept=True, why="It was kept before.")
        books = collector.read_books(deadline)
        if not _was_watching(books, month):
            return self._kept(month, is_kept=False, why="No project was watched in this month.")
        report = collector.collect(month, request.asked_at, books, deadline)
        if self._store_month(report, deadline) is None:
            why = "Not everything could be read. The next day tries again."
            return self._kept(month, is_kept=False, why=why)
        return self._kept(month, is_kept=True, why=None)

    def _kept(self, month: Period, *, is_kept: bool, why: str | None) -> Mapping[str, Any]:
        prefix = month.month_prefix
        return {"month": prefix, "bucket": self.bucket.name, "isKept": is_kept, "why": why}

    def _store_month(self, report: Report, deadline: Deadline) -> Mapping[str, bytes] | None:
        """
        Store the files of the month for good, unless they are stored. Return the stored files.

        None if nothing is stored: S3 refuses to replace a month, so only a report that has read
        everything begins it.
        """
        prefix = report.period.month_prefix
        kept = self.bucket.read_month(prefix, deadline)
        if kept is not None:
            self.bucket.complete_month(prefix, kept, deadline)
            return kept
        if not report.was_fully_read or report.coverage.watches_nothing:
            return None
        return self.bucket.keep_month(prefix, report_files(report), deadline)

    def _publish(self, report: Report, request_id: str | None, deadline: Deadline) -> None:
        key = f"{report.period.report_prefix}report.html"
        message = message_of_report(report, self.bucket.name, key, request_id)
        outcome = "the report lies in the bucket, and a retry publishes it"
        self.wires.outbox.topic.publish(message, deadline, outcome)

    def _collector(self) -> ReportCollector:
        return ReportCollector(self.settings, self.wires)


def _restores_of(month: Mapping[str, bytes]) -> set[str]:
    """Return the ids of the restores in the files of a month."""
    restores = json.loads(month["report.json"])["restores"]
    return {restore["restoreId"] for restore in restores}


def _was_watching(books: Books, month: Period) -> bool:
    """Whether a sweep tried to list a project before the month was over."""
    for project in books.projects.values():
        if project.marks is not None and project.marks.first_tried_at < month.end:
            return True
    return False
