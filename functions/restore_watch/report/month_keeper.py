"""Keeps the files of a month in the bucket for good, once the report has read everything."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from foundation.deadline import Deadline
from restore_watch.errors import ReportNotWrittenError
from restore_watch.report.files.report_files import report_files
from restore_watch.report.period import Period
from restore_watch.report.report import Report
from restore_watch.report.report_bucket import ReportBucket
from restore_watch.table.bookkeeping import Books


class Attempt(NamedTuple):
    """
    What became of a month that was to be kept; nothing if too little was read to keep it.

    `kept_files`: the files that stay. `error`: why they could not be written, or read.
    """

    kept_files: Mapping[str, bytes] | None = None
    error: ReportNotWrittenError | None = None


@dataclass(frozen=True)
class MonthKeeper:
    """Keeps months in the bucket."""

    bucket: ReportBucket

    def keep(self, report: Report, deadline: Deadline) -> Mapping[str, bytes] | None:
        """
        Store the files of the month for good, unless they are stored. Return the stored files.

        None if nothing is stored: S3 refuses to replace a month, so only a report that has read
        everything begins it. Raises ReportNotWrittenError.
        """
        month_prefix = report.period.month_prefix
        kept_files = self.bucket.complete_month(month_prefix, deadline)
        if kept_files is not None:
            return kept_files
        if not report.was_fully_read or report.coverage.watches_nothing:
            return None
        return self.bucket.put_month(month_prefix, report_files(report), deadline)

    def try_to_keep(self, report: Report, deadline: Deadline) -> Attempt:
        """As `keep`, but return the error of S3, so that a report can still be made."""
        try:
            return Attempt(kept_files=self.keep(report, deadline))
        except ReportNotWrittenError as error:
            return Attempt(error=error)


def restores_in(kept_files: Mapping[str, bytes]) -> set[str]:
    """Return the ids of the restores that the kept month has."""
    restores = json.loads(kept_files["report.json"])["restores"]
    return {restore["restoreId"] for restore in restores}


def was_watching(books: Books, month: Period) -> bool:
    """Whether a sweep tried to list a project before the month was over."""
    for project in books.projects.values():
        if project.marks is not None and project.marks.first_tried_at < month.end:
            return True
    return False
