"""A report: all that its files and its message say. Pure."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from statistics import median
from typing import Any, NamedTuple, Self

from restore_watch.model.objectives import Objectives
from restore_watch.model.restore_status import RestoreStatus
from restore_watch.report.cluster import Cluster
from restore_watch.report.judging.coverage import Coverage
from restore_watch.report.judging.policy import Policy
from restore_watch.report.period import Period
from restore_watch.report.restores.restore_evidence import RestoreEvidence
from restore_watch.report.restores.stored_restores import StoredRestores
from restore_watch.report.restores.what_a_restore_proves import OUTCOMES, Restore

LONGEST_WITHOUT_SWEEP = timedelta(hours=2)
"""Twice the longest time between two sweeps that the parameter SweepMinutes allows."""


class JudgedRestore(NamedTuple):
    """A restore of the table, and its facts, judged by the `objectives` of its cluster."""

    evidence: RestoreEvidence
    objectives: Objectives
    facts: Mapping[str, Any]


class Origin(NamedTuple):
    """The stack that makes a report, where it is in AWS, and the version that made it."""

    stack: str
    partition: str
    region: str
    account: str
    version: str


@dataclass(frozen=True)
class Report:
    """
    What is reported: the restores of the `period`, and the clusters as they stood `at` its end.

    `read_at`: when Atlas was read. `next_at`: when the schedule makes the next report. `stored`:
    the restores of the table, of which those of the period are the lines of restores.csv.
    `all_restores`: of the table and of Atlas, the oldest first. `degraded`: projects, and "" for
    the stack. `swept_at`: when a sweep last succeeded. `missing_in_month`: the ids of restores that
    the kept month lacks, because they were not known when it was written.

    `policy` and `objectives` are the stack's: those of a cluster follow from its tags.
    """

    origin: Origin
    period: Period
    asked_at: datetime
    read_at: datetime
    next_at: datetime
    policy: Policy
    objectives: Objectives
    coverage: Coverage
    stored: StoredRestores
    all_restores: Sequence[Restore]
    degraded: Sequence[str]
    credentials_expire_at: datetime | None
    swept_at: datetime | None
    missing_in_month: Sequence[str] = ()

    @property
    def at(self) -> datetime:
        """The moment for which states hold: the end of the period, or an earlier question."""
        return self.period.known_until(self.asked_at)

    @property
    def restores_of_period(self) -> list[Restore]:
        """The restores that began in the period and that the table has, the oldest first."""
        return [evidence.restore for evidence in self.stored.of_period]

    @cached_property
    def judged_restores(self) -> list[JudgedRestore]:
        """The same restores, judged: three of the files have their facts."""
        judged: list[JudgedRestore] = []
        for evidence in self.stored.of_period:
            objectives = self.objectives_of_restore(evidence.restore)
            judged.append(JudgedRestore(evidence, objectives, evidence.facts(objectives)))
        return judged

    @property
    def outcomes(self) -> Mapping[str, int]:
        """How many recorded restores of the period ended so."""
        numbers = Counter(restore.outcome for restore in self.restores_of_period)
        return {outcome: numbers[outcome] for outcome in OUTCOMES}

    @property
    def was_fully_read(self) -> bool:
        """Whether everything was read: the lists of Atlas, and a table that is up to date."""
        is_read = self.coverage.was_fully_read and not self.stored.unreadable
        return is_read and not self.sweeps_have_stopped

    @property
    def sweeps_have_stopped(self) -> bool:
        """Whether nobody watches the projects that the operator names, so that the table is old."""
        if not self.coverage.is_configured:
            return False
        return self.swept_at is None or self.read_at - self.swept_at > LONGEST_WITHOUT_SWEEP

    def beside_month(self, kept: Collection[str]) -> Self:
        """Return it beside the kept month, which has the restores with these ids."""
        ids = [restore.job.restore_id for restore in self.restores_of_period]
        missing = [restore_id for restore_id in ids if restore_id not in kept]
        return replace(self, missing_in_month=missing)

    @property
    def has_expired_credentials(self) -> bool:
        """Whether the credentials for Atlas had expired when the report was asked for."""
        expires_at = self.credentials_expire_at
        return expires_at is not None and expires_at <= self.asked_at

    def objectives_of(self, cluster: Cluster) -> Objectives:
        """Return the objectives of the cluster: those of its tags, else those of the stack."""
        return cluster.by_tags.objectives(self.objectives)

    def objectives_of_restore(self, restore: Restore) -> Objectives:
        """
        Return the objectives of the restored cluster, by its tags of now.

        Tags of a cluster that is gone are not known: its restores have the stack's objectives.
        """
        cluster = self.coverage.by_key.get((restore.job.group_id, restore.job.cluster_name))
        if cluster is None or not cluster.existed_at(restore.began):
            return self.objectives
        return self.objectives_of(cluster)

    def is_open_too_long(self, restore: Restore) -> bool:
        """
        Whether the restore was open at the end of the period, and beyond its RTO or a day.

        One that was still open when Atlas was read is judged by that moment. An end without a date
        may have been before it was seen.
        """
        has_ended, finished_at = restore.job.terminal, restore.finished_at
        if has_ended and (finished_at is None or finished_at < self.at):
            return False
        if restore.began >= self.at:
            return False
        # A restore that the watch gave up may have ended unseen. It counts in the report of the
        # period in which it began, and in no later one.
        if not restore.will_show_its_end and not self.period.includes(restore.began):
            return False
        until = self.at if has_ended else self.read_at
        return until - restore.began > self.objectives_of_restore(restore).longest_open

    def seconds(self, restore: Restore) -> float | None:
        """
        How long the restore took, or has taken so far; None if that is not known.

        An end without a date counts as of when it was seen. A date that cannot be true says
        nothing, nor does an end that was there when the restore was first seen.
        """
        job = restore.job
        if restore.took is not None:
            return restore.took
        if not job.terminal:
            return max(0.0, (self.asked_at - restore.began).total_seconds())
        has_wrong_date = job.restore_finished_date is not None and restore.finished_at is None
        if has_wrong_date or restore.ended_at <= restore.began:
            return None
        return (restore.ended_at - restore.began).total_seconds()


def median_seconds(restores: Sequence[Restore]) -> float | None:
    """The median of those that completed."""
    completed = [each for each in restores if each.job.status is RestoreStatus.COMPLETED]
    took = [each.took for each in completed if each.took is not None]
    return median(took) if took else None
