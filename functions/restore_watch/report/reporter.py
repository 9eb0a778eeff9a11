"""A report, from the event to the files and the message; or a month that is kept."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

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


class _Attempt(NamedTuple):
    """
    What became of a month that was to be kept; nothing if too little was read to keep it.

    `kept_files`: the files that stay. `error`: why they could not be written, or read.
    """

    kept_files: Mapping[str, bytes] | None = None
    error: ReportNotWrittenError | None = None


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
        attempt = _Attempt()
        if request.keeps_month:
            attempt = self._try_to_keep_month(report, deadline)
        if attempt.kept_files is not None:
            report = report.beside_month(_restores_in(attempt.kept_files))
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
        month, collector = request.month, self._collector()
        if self.bucket.has_month(month.month_prefix, deadline):
            return self._result_of(month, is_kept=True, why="It was kept before.")
        books = collector.read_books(deadline)
        if not _was_watching(books, month):
            why = "No project was watched in this month."
            return self._result_of(month, is_kept=False, why=why)
        report = collector.collect(month, request.asked_at, books, deadline)
        if self._keep_month(report, deadline) is None:
            why = "Not everything could be read. The next day tries again."
            return self._result_of(month, is_kept=False, why=why)
        return self._result_of(month, is_kept=True, why=None)

    def _result_of(self, month: Period, *, is_kept: bool, why: str | None) -> Mapping[str, Any]:
        month_prefix = month.month_prefix
        return {"month": month_prefix, "bucket": self.bucket.name, "isKept": is_kept, "why": why}

    def _try_to_keep_month(self, report: Report, deadline: Deadline) -> _Attempt:
        """As `_keep_month`, but whoever may not write the month still gets the report."""
        try:
            return _Attempt(kept_files=self._keep_month(report, deadline))
        except ReportNotWrittenError as error:
            return _Attempt(error=error)

    def _keep_month(self, report: Report, deadline: Deadline) -> Mapping[str, bytes] | None:
        """
        Store the files of the month for good, unless they are stored. Return the stored files.

        None if nothing is stored: S3 refuses to replace a month, so only a report that has read
        everything begins it.
        """
        month_prefix = report.period.month_prefix
        kept_files = self.bucket.complete_month(month_prefix, deadline)
        if kept_files is not None:
            return kept_files
        if not report.was_fully_read or report.coverage.watches_nothing:
            return None
        return self.bucket.keep_month(month_prefix, report_files(report), deadline)

    def _publish(self, report: Report, request_id: str | None, deadline: Deadline) -> None:
        key = f"{report.period.report_prefix}report.html"
        message = message_of_report(report, self.bucket.name, key, request_id)
        outcome = "the report lies in the bucket, and a retry publishes it"
        self.wires.topic.publish(message, deadline, outcome)

    def _collector(self) -> ReportCollector:
        return ReportCollector(self.settings, self.wires)


def _restores_in(kept_files: Mapping[str, bytes]) -> set[str]:
    """Return the ids of the restores that the kept month has."""
    restores = json.loads(kept_files["report.json"])["restores"]
    return {restore["restoreId"] for restore in restores}


def _was_watching(books: Books, month: Period) -> bool:
    """Whether a sweep tried to list a project before the month was over."""
    for project in books.projects.values():
        if project.marks is not None and project.marks.first_tried_at < month.end:
            return True
    return False
