"""One report: read the table and Atlas, judge the clusters, write files, publish a message."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from foundation import __version__
from foundation.deadline import Deadline
from foundation.plain_class import plain_class
from restore_watch.errors import ReportNotWrittenError
from restore_watch.report.coverage_csv import coverage_csv
from restore_watch.report.fleet.fleet import Fleet
from restore_watch.report.fleet.fleet_reader import FleetReader
from restore_watch.report.html_page import page
from restore_watch.report.judge_fleet import judge_fleet
from restore_watch.report.period import (
    KeepMonth,
    Period,
    ReportRequest,
    next_report,
    read_month,
    read_request,
)
from restore_watch.report.report import Report
from restore_watch.report.report_bucket import ReportBucket
from restore_watch.report.report_json import report_json
from restore_watch.report.report_message import message_of_report
from restore_watch.report.report_settings import ReportSettings
from restore_watch.report.restore_evidence import read_stored
from restore_watch.report.restores_csv import line_of, restores_csv
from restore_watch.report.what_a_restore_proves import merged
from restore_watch.table.bookkeeping import Bookkeeping, Books
from restore_watch.wires import Wires

WRITING_TIME = 60.0
"""Seconds that are kept for the files and the message: 10,000 clusters take seconds."""


@plain_class
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
        now = self.wires.clock.now()
        month = read_month(event, now)
        if month is not None:
            return self._keep_month(month, deadline)
        request = read_request(event, self.settings.schedule, now)
        return self._report(request, deadline, request_id)

    def _report(
        self, request: ReportRequest, deadline: Deadline, request_id: str | None
    ) -> Mapping[str, Any]:
        period = request.period
        report = self._collect(period, request.asked_at, self._read_books(deadline), deadline)
        month, month_error = None, None
        if period.is_whole_month and period.end <= request.asked_at:
            try:
                month = self._month_of(report, deadline)
            except ReportNotWrittenError as error:
                # Whoever may not write the month still gets the report.
                month_error = error
        if month is not None:
            report = report.beside_month(_restores_of(month))
        prefix, files = f"reports/{period.last}/", files_of(report)
        self.bucket.put_report(prefix, files, deadline)
        if request.publishes:
            self._publish(report, prefix, None if request.is_dated else request_id, deadline)
        if month_error is not None:
            raise month_error
        return {
            "period": {"from": str(period.first), "to": str(period.last)},
            "bucket": self.bucket.name,
            "prefix": prefix,
            "files": list(files),
            "month": period.month_prefix if month is not None else None,
            "counts": {"restores": report.outcomes, "clusters": report.states},
        }

    def _month_of(self, report: Report, deadline: Deadline) -> Mapping[str, bytes] | None:
        """
        Return the files of the month that stay; None if it is not kept yet.

        S3 refuses to replace a month, so only a report that has read everything begins it.
        """
        prefix = report.period.month_prefix
        kept = self.bucket.read_month(prefix, deadline)
        if kept is not None:
            self.bucket.complete_month(prefix, kept, deadline)
        elif report.is_whole and not report.watches_nothing:
            kept = self.bucket.keep_month(prefix, files_of(report), deadline)
        return kept

    def _keep_month(self, request: KeepMonth, deadline: Deadline) -> Mapping[str, Any]:
        """Keep the month that is over, if no report has done so and the watch has seen it."""
        month, prefix = request.month, request.month.month_prefix
        result = {"month": prefix, "bucket": self.bucket.name}
        if self.bucket.has_month(prefix, deadline):
            return {**result, "isKept": True, "why": "It was kept before."}
        books = self._read_books(deadline)
        if not _was_watching(books, month):
            return {**result, "isKept": False, "why": "No project was watched in this month."}
        report = self._collect(month, request.asked_at, books, deadline)
        if self._month_of(report, deadline) is None:
            why = "Not everything could be read. The next day tries again."
            return {**result, "isKept": False, "why": why}
        return {**result, "isKept": True, "why": None}

    def _publish(
        self, report: Report, prefix: str, request_id: str | None, deadline: Deadline
    ) -> None:
        _, partition, *_ = self.settings.of_stack.topic_arn.split(":")
        key = f"{prefix}report.html"
        message = message_of_report(report, self.bucket.name, key, partition, request_id)
        outcome = "the report lies in the bucket, and a retry publishes it"
        self.wires.outbox.topic.publish(message, deadline, outcome)

    def _read_books(self, deadline: Deadline) -> Books:
        jobs = self.wires.outbox.table
        return Bookkeeping(jobs.client, jobs.table_name).read_books(
            deadline, self.wires.clock.now()
        )

    def _collect(
        self, period: Period, asked_at: datetime, books: Books, deadline: Deadline
    ) -> Report:
        of_stack, policy = self.settings.of_stack, self.settings.policy
        objectives, jobs = self.settings.objectives, self.wires.outbox.table
        at = period.known_until(asked_at)
        since = min(at - policy.window, period.begin)
        table = Bookkeeping(jobs.client, jobs.table_name)
        stored = read_stored(table.read_all(deadline), period, objectives, asked_at, since)
        read_at, fleet = self.wires.clock.now(), Fleet()
        if of_stack.project_ids:
            reader = FleetReader(self.wires, of_stack.project_ids, books)
            fleet = reader.read(deadline.earlier(WRITING_TIME))
        restores = merged(stored.restores, fleet.restores)
        _, _, _, region, account, _ = of_stack.topic_arn.split(":")
        secret = books.expiry.secret
        degraded = sorted(
            group_id for group_id, project in books.projects.items() if project.watched.degraded
        )
        if books.stack.degraded:
            degraded.insert(0, "")
        judged, snapshots = None, {}
        if of_stack.project_ids:
            is_recorded = stored.watched_since and stored.watched_since <= period.begin
            unrecorded = None if is_recorded else period.begin
            judged = judge_fleet(fleet, restores, policy, at, unrecorded)
            kinds = {one.cluster.key: one.cluster.kind for one in judged}
            snapshots = {
                key: fleet.snapshots[*key, kind]
                for key, kind in kinds.items()
                if (*key, kind) in fleet.snapshots
            }
        return Report(
            stack=of_stack.stack_name,
            region=region,
            account=account,
            version=__version__,
            period=period,
            asked_at=asked_at,
            read_at=read_at,
            next_at=next_report(self.settings.schedule, asked_at),
            policy=policy,
            objectives=objectives,
            judged=judged,
            watched_projects=len(fleet.projects),
            project_names={key: name for key, name in fleet.project_names.items() if name},
            unread_projects=fleet.unread_projects,
            snapshots=snapshots,
            all_restores=restores,
            evidence=stored.evidence,
            unreadable=stored.unreadable,
            degraded=degraded,
            credentials_expire_at=secret.expires_at if secret else None,
            watched_since=stored.watched_since,
        )


def files_of(report: Report) -> dict[str, bytes]:
    """Return the files by name. The JSON, which has the sums of the others, is the last."""
    files = {
        "report.html": page(report).encode(),
        "coverage.csv": coverage_csv(report).encode(),
        "restores.csv": restores_csv(map(line_of, report.evidence)).encode(),
    }
    return files | {"report.json": report_json(report, files).encode()}


def _restores_of(month: Mapping[str, bytes]) -> set[str]:
    """Return the ids of the restores in the files of a month."""
    return {restore["restoreId"] for restore in json.loads(month["report.json"])["restores"]}


def _was_watching(books: Books, month: Period) -> bool:
    """Whether a sweep tried to list a project before the month was over."""
    marks = [project.marks for project in books.projects.values() if project.marks]
    return any(mark.first < month.end for mark in marks)
