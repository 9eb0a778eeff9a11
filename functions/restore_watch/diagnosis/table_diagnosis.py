"""Diagnoses the table, its index, and the records of sweeps there. Changes nothing."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from foundation.clock import utc_text
from foundation.deadline import Deadline
from foundation.errors import ApplicationError
from restore_watch.diagnosis.aws_fixes import TABLE_FIXES
from restore_watch.diagnosis.line import Line, bad, good, unsure
from restore_watch.table.bookkeeping import Bookkeeping
from restore_watch.table.open_jobs import OpenJobs
from restore_watch.table.sweep_lease import SweepLease

LATE_PERIODS = 3
"""A sweep is late after so many periods of the schedule."""

UNSURE_AFTER = timedelta(minutes=15)
"""Without a period, the last sweep may be this old."""

INDEX_TIME = 10.0
"""Seconds that reading the index may take. 100,000 jobs take 11 s of a whole processor."""

PENDING_FOR = timedelta(minutes=2)
"""A change that is pending for longer was left over by a sweep."""


@dataclass(frozen=True)
class TableDiagnosis:
    """`store`: the client and the table's name."""

    store: tuple[Any, str]
    now: Callable[[], datetime]
    deadline: Deadline

    def table(self) -> Iterator[Line]:
        """Look at the table, and for troubles that are stored there."""
        projects, stack, *_ = Bookkeeping(*self.store).read_books(self.deadline, self.now())
        yield good("table", "can be read")
        for health in (stack, *(project.health for project in projects.values())):
            if trouble := health.degraded:
                name = f"project {health.group_id}" if health.group_id else "stack"
                yield bad(
                    f"{name}: degraded",
                    f"since {utc_text(trouble.since)}: {trouble.message}",
                    "If no other line about Atlas says why, wait: it has recovered when it was "
                    "seen for three minutes",
                )

    def last_sweep(self, period: timedelta | None) -> Iterator[Line]:
        """Look when a sweep has last succeeded; `period` is the time between two, if known."""
        check = "last sweep"
        tick, success = SweepLease(*self.store).last_tick_and_success(self.deadline)
        fix = "Look at the log: each failed sweep has a line of level ERROR there"
        if success is None and tick is None:
            yield unsure(check, "no tick of the schedule was swept yet", "Wait for two minutes")
            return
        if success is None:
            yield bad(check, "sweeps have begun, and none has succeeded", fix)
            return
        found = f"succeeded at {utc_text(success)}"
        if self.now() - success <= (LATE_PERIODS * period if period else UNSURE_AFTER):
            yield good(check, found)
        elif period:
            yield bad(check, f"{found}; later ones failed", fix)
        else:
            found = f"{found}; whether others were due since then, a cron expression does not show"
            yield unsure(check, found, fix)

    def index(self) -> tuple[list[Line], set[str]]:
        """Count open jobs and messages left over. Return the projects with open jobs too."""
        counted = _CountedJobs()
        try:
            self._count_open_jobs(counted)
        except ApplicationError as error:
            return [TABLE_FIXES.line("index", error)], counted.projects
        return _lines_about(counted), counted.projects

    def _count_open_jobs(self, counted: "_CountedJobs") -> None:
        """Count page by page, because 100,000 jobs do not fit into the memory."""
        until, old = self.deadline.within(INDEX_TIME), self.now() - PENDING_FOR
        for job in OpenJobs(*self.store).iterate_jobs(self.deadline, self.now()):
            counted.jobs += 1
            counted.projects.add(job.target.group_id)
            pending_since = job.observed_at or old
            if job.pending and pending_since <= old:
                counted.note_pending(pending_since)
            if not until.remaining():
                counted.are_all = False
                return


@dataclass
class _CountedJobs:
    """
    What was counted of the open jobs.

    `pending`: the jobs with a change that a sweep has left over. `pending_since`: since when, if
    there are any. `are_all`: the index was read to its end.
    """

    jobs: int = 0
    projects: set[str] = field(default_factory=set)
    pending: int = 0
    pending_since: datetime | None = None
    are_all: bool = True

    def note_pending(self, since: datetime) -> None:
        """Count a job with a change that a sweep has left over."""
        self.pending += 1
        if self.pending_since is None or since < self.pending_since:
            self.pending_since = since


def _lines_about(counted: _CountedJobs) -> list[Line]:
    least = "" if counted.are_all else "at least "
    lines = [good("index", f"open restore jobs: {least}{counted.jobs}")]
    if counted.pending_since is not None:
        found = f"restore jobs with a change that SNS has not taken: {counted.pending}"
        lines.append(
            bad(
                "pending messages",
                f"{found}, since {utc_text(counted.pending_since)}",
                "Send a test notification: its error says what SNS answers. What is pending is "
                "published once SNS takes messages again",
            )
        )
    return lines
