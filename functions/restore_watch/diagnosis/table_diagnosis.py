"""Diagnoses the table, its index, and the records of sweeps there. Changes nothing."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from foundation.clock import utc_text
from foundation.deadline import Deadline
from restore_watch.diagnosis.line import Line, bad, good, unsure
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


@dataclass(frozen=True)
class TableDiagnosis:
    """`store`: the client and the table's name. `open_projects`: known once the index was read."""

    store: tuple[Any, str]
    now: Callable[[], datetime]
    deadline: Deadline
    open_projects: set[str] = field(default_factory=set)

    def table(self) -> Iterator[Line]:
        """Look at the table, and for troubles that are stored there."""
        projects, stack, *_ = Bookkeeping(*self.store).read_books(self.deadline, self.now())
        yield good("table", "can be read")
        for watched in (stack, *(project.watched for project in projects.values())):
            if trouble := watched.degraded:
                name = f"project {watched.group_id}" if watched.group_id else "stack"
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

    def index(self) -> Iterator[Line]:
        """Count open jobs and messages left over, by page: 100,000 do not fit into the memory."""
        until, old = self.deadline.within(INDEX_TIME), self.now() - PENDING_FOR
        count, left, since, least = 0, 0, old, ""
        for job in OpenJobs(*self.store).iterate_jobs(self.deadline, self.now()):
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
            found = f"restore jobs with a change that SNS has not taken: {left}"
            yield bad(
                "pending messages",
                f"{found}, since {utc_text(since)}",
                "Send a test notification: its error says what SNS answers. What is pending is "
                "published once SNS takes messages again",
            )
