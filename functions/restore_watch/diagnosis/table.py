"""Diagnoses the table, its index, and the records of sweeps there. Changes nothing."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from foundation.deadline import Deadline
from restore_watch.diagnosis.aws_fixes import TABLE_FIXES
from restore_watch.diagnosis.line import Line, bad, good, unsure
from restore_watch.errors import RestoreWatchError, TableUnavailableError
from restore_watch.model.outage import Watched
from restore_watch.model.status_change import utc_text
from restore_watch.table.bookkeeping import Bookkeeping
from restore_watch.table.lease import SweepLease
from restore_watch.table.open_jobs import OpenJobs

LATE_PERIODS = 3
"""A sweep is late after so many periods of the schedule."""

UNSURE_AFTER = timedelta(minutes=15)
"""Without a period, the last sweep may be this old."""

INDEX_TIME = 10.0
"""Seconds that reading the index may take. 100,000 jobs take 11 s of a whole processor."""

PENDING_FOR = timedelta(minutes=2)
"""A change that is pending for longer was left over by a sweep."""


class TableDiagnosis:
    """Reads the same items as sweeps do."""

    def __init__(
        self,
        lease: SweepLease,
        open_jobs: OpenJobs,
        bookkeeping: Bookkeeping,
        now: Callable[[], datetime],
    ) -> None:
        self._lease = lease
        self._open_jobs = open_jobs
        self._bookkeeping = bookkeeping
        self._now = now
        self.open_projects: set[str] = set()
        """The projects with open restore jobs, once the index was read."""

    def table(self, deadline: Deadline) -> Iterator[Line]:
        """Look at the table and the index, and whether messages are left over."""
        try:
            yield from self._index(deadline)
        except RestoreWatchError as error:
            yield _refused("index", error)
        try:
            projects, stack, *_ = self._bookkeeping.read_books(deadline, self._now())
        except RestoreWatchError as error:
            yield _refused("table", error)
            return
        yield good("table", "can be read")
        for watched in (stack, *(project.watched for project in projects.values())):
            yield from _degraded(watched)

    def last_sweep(self, period: timedelta | None, deadline: Deadline) -> Line:
        """Look when a sweep has last succeeded; `period` is the time between two, if known."""
        try:
            tick, success = self._lease.last_tick_and_success(deadline)
        except RestoreWatchError as error:
            return _refused("last sweep", error)
        fix = "Look at the log: each failed sweep has a line of level ERROR there"
        if tick is None and success is None:
            return unsure(
                "last sweep", "no tick of the schedule was swept yet", "Wait for two minutes"
            )
        if success is None:
            return bad("last sweep", "sweeps have begun, and none has succeeded", fix)
        found = f"succeeded at {utc_text(success)}"
        age = self._now() - success
        if period is None and age > UNSURE_AFTER:
            found = f"{found}; whether others were due since then, a cron expression does not show"
            return unsure("last sweep", found, fix)
        if period is not None and age > LATE_PERIODS * period:
            return bad("last sweep", f"{found}; later ones failed", fix)
        return good("last sweep", found)

    def _index(self, deadline: Deadline) -> Iterator[Line]:
        """Count page by page: 100,000 open jobs do not fit into the time or the memory."""
        until, old = deadline.within(INDEX_TIME), self._now() - PENDING_FOR
        count, left, since, least = 0, 0, old, ""
        for job in self._open_jobs.iterate_jobs(deadline, self._now()):
            count += 1
            self.open_projects.add(job.target.group_id)
            observed_at = job.observed_at or old
            if job.pending and observed_at <= old:
                left, since = left + 1, min(since, observed_at)
            if not until.remaining():
                least = "at least "
                break
        yield good("index", f"open restore jobs: {least}{count}")
        if left:
            yield _left_over(left, since)


def _refused(check: str, error: RestoreWatchError) -> Line:
    if not isinstance(error, TableUnavailableError):
        return unsure(check, str(error))
    return TABLE_FIXES.line(check, error.code, str(error))


def _left_over(count: int, since: datetime) -> Line:
    return bad(
        "pending messages",
        f"restore jobs with a change that SNS has not taken: {count}, since {utc_text(since)}",
        "Send a test notification: its error says what SNS answers. What is pending is published "
        "once SNS takes messages again",
    )


def _degraded(watched: Watched) -> Iterator[Line]:
    trouble = watched.degraded
    if trouble is not None:
        name = f"project {watched.group_id}" if watched.group_id else "stack"
        yield bad(
            f"{name}: degraded",
            f"since {utc_text(trouble.since)}: {trouble.message}",
            "If no other line about Atlas says why, wait: it has recovered when it was seen for "
            "three minutes",
        )
