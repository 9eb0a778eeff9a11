"""A report: all that its files and its message say. Pure."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import cached_property
from statistics import median
from typing import NamedTuple, Self

from restore_watch.model.restore_job import RestoreStatus
from restore_watch.report.cluster_state import Judged, Policy, State, Unread, failure_after
from restore_watch.report.period import DAY, Period, months_to
from restore_watch.report.restore_evidence import OUTCOMES, Objectives, RestoreEvidence
from restore_watch.report.what_a_restore_proves import Restore, Rung

NEVER = datetime.min.replace(tzinfo=UTC)
"""Before any moment."""

COLUMNS = 13
"""Months and weeks that the page shows: a year and its first month again, and a quarter."""

type ClusterKey = tuple[str, str]
"""A project and the name of a cluster in it."""


class Sign(StrEnum):
    """What a month shows of a cluster, in words."""

    VERIFIED = "verified by a pipeline"
    RESTORED = "restored into a cluster"
    FAILED = "failed, or a verdict FAILED"
    PARTLY = "only a download or some collections, which never count"
    NONE = "no test"
    ABSENT = "did not exist, or was not seen"


class Snapshot(NamedTuple):
    """
    The newest completed snapshot of a cluster; or why it is not known.

    `taken_at`: None if there is none. `is_fallback`: Atlas took it as a last resort, and says that
    it may contain inconsistent data.
    """

    taken_at: datetime | None
    is_fallback: bool = False
    unread: Unread | None = None


@dataclass(frozen=True)
class Report:
    """
    What is reported: the restores of the `period`, and the clusters as they stood `at` its end.

    `read_at`: when Atlas was read. `next_at`: when the schedule makes the next report. `judged`:
    every listed cluster; None if no project is watched. `watched_projects`: how many Atlas was
    asked about. `unread_projects`: why clusters of a project could not be listed; "" for the list
    of projects. `all_restores`: of the table and of Atlas, the oldest first. `evidence`: the
    restores of the period in the table, which are the lines of restores.csv. `unreadable`: the
    items that this version cannot read, and that may be of the window. `degraded`: projects, and
    "" for the stack. `watched_since`: the first observation in the table. `missing_in_month`: the
    ids of restores that the kept month lacks, because they were not known when it was written.
    """

    stack: str
    region: str
    account: str
    version: str
    period: Period
    asked_at: datetime
    read_at: datetime
    next_at: datetime
    policy: Policy
    objectives: Objectives
    judged: Sequence[Judged] | None
    watched_projects: int
    project_names: Mapping[str, str]
    unread_projects: Mapping[str, Unread]
    snapshots: Mapping[ClusterKey, Snapshot]
    all_restores: Sequence[Restore]
    evidence: Sequence[RestoreEvidence]
    unreadable: Sequence[Mapping[str, str]]
    degraded: Sequence[str]
    credentials_expire_at: datetime | None
    watched_since: datetime | None
    missing_in_month: Sequence[str] = ()

    @property
    def at(self) -> datetime:
        """The moment for which states hold: the end of the period, or an earlier question."""
        return self.period.known_until(self.asked_at)

    @property
    def recorded(self) -> list[Restore]:
        """The restores of the period that the table has, the oldest first."""
        return [one.restore for one in self.evidence]

    @property
    def outcomes(self) -> Mapping[str, int]:
        """How many recorded restores of the period ended so."""
        ends = Counter(restore.outcome for restore in self.recorded)
        return {outcome: ends[outcome] for outcome in OUTCOMES}

    @property
    def states(self) -> Mapping[State, int]:
        """How many clusters are in each state."""
        states = Counter(judged.state for judged in self.judged or ())
        return {state: states[state] for state in State}

    @property
    def required(self) -> list[Judged]:
        """The clusters that need a test."""
        return [judged for judged in self.judged or () if judged.state.needs_test]

    @cached_property
    def in_order(self) -> list[Judged]:
        """Every cluster by state: the worst first, and those of a state that is well by name."""
        return sorted(self.judged or (), key=self._place)

    def _place(self, judged: Judged) -> tuple[object, ...]:
        cluster = judged.cluster
        name = self.project_name(cluster.group_id), cluster.key
        state = list(State).index(judged.state)
        if not judged.state.needs_look:
            return state, *name
        # Without any good test, an older cluster is worse.
        since = judged.good.ended_at if judged.good else cluster.created_at
        return state, judged.good is not None, since or NEVER, *name

    @property
    def is_tag_unused(self) -> bool:
        """Whether no cluster has the tag of those that need a test. It may be mistyped."""
        tag = self.policy.required_tag
        clusters = [judged.cluster for judged in self.judged or ()]
        if tag is None or not clusters:
            return False
        return not any(tag in cluster.tags.items() for cluster in clusters)

    @property
    def is_whole(self) -> bool:
        """Whether everything was read that was to be read: lists of Atlas, and the table."""
        if self.unread_projects or self.unreadable:
            return False
        return not any(self.not_read(judged) for judged in self.required)

    def not_read(self, judged: Judged) -> Unread | None:
        """Return why the cluster's restores or its snapshots could not be read, or not all."""
        snapshot = self.snapshots.get(judged.cluster.key)
        return judged.unread or (snapshot.unread if snapshot else None)

    @property
    def watches_nothing(self) -> bool:
        """Whether the stack watches no project, by its own words or by Atlas's list of all."""
        return self.watched_projects == 0

    def beside_month(self, kept: Collection[str]) -> Self:
        """Return it beside the kept month, which has the restores with these ids."""
        ids = [restore.job.restore_id for restore in self.recorded]
        return replace(self, missing_in_month=[one for one in ids if one not in kept])

    def project_name(self, group_id: str) -> str:
        """The project's name if Atlas shows it, otherwise its id."""
        return self.project_names.get(group_id) or group_id

    @property
    def months(self) -> list[date]:
        """The first days of the months that the page shows."""
        return months_to(self.period.last, COLUMNS)

    def signs(self, judged: Judged) -> Mapping[date, Sign]:
        """The cluster in each of these months. A restore belongs to the month in which it began."""
        begun: dict[date, list[Restore]] = {month: [] for month in self.months}
        for one in judged.restores:
            begun.get(one.began.date().replace(day=1), []).append(one)
        # Restores are known from here on, by a list that goes on or by the table; None: all are.
        seen = judged.reach and min(judged.reach, self.watched_since or judged.reach).date()
        return {month: _sign(month, restores, judged, seen) for month, restores in begun.items()}

    @property
    def weeks(self) -> Mapping[date, list[Restore]]:
        """The restores that began in each week, by its Monday, to the last of the period."""
        monday = self.period.last - self.period.last.weekday() * DAY
        mondays = [monday - number * 7 * DAY for number in reversed(range(COLUMNS))]
        begun: dict[date, list[Restore]] = {monday: [] for monday in mondays}
        for one in self.all_restores:
            day = one.began.date()
            if one.began < self.at:
                begun.get(day - day.weekday() * DAY, []).append(one)
        return begun

    def rto_met(self, good: Restore) -> bool | None:
        """Whether a good test took no longer than the objective; None if that is unknown."""
        return self.objectives.rto_met([good.job], good.began, self.at)

    def seconds(self, restore: Restore) -> float:
        """How long the restore took, or has taken so far."""
        took = restore.job.duration_seconds
        until = restore.ended_at if restore.job.terminal else self.asked_at
        return max(0.0, (until - restore.began).total_seconds()) if took is None else took


def median_seconds(restores: Sequence[Restore]) -> float | None:
    """The median of those that completed."""
    completed = [one.job for one in restores if one.job.status is RestoreStatus.COMPLETED]
    took = [job.duration_seconds for job in completed if job.duration_seconds is not None]
    return median(took) if took else None


def _sign(month: date, restores: Sequence[Restore], judged: Judged, seen: date | None) -> Sign:
    rungs = {one.rung for one in restores}
    good = [one for one in restores if one.rung in {Rung.VERIFIED, Rung.RESTORED}]
    if failure_after(max(good, key=lambda one: one.ended_at, default=None), restores):
        return Sign.FAILED
    made = judged.cluster.created_at
    is_before = made is not None and month < made.date().replace(day=1)
    is_before = is_before or (seen is not None and month < seen)
    if not restores and (is_before or judged.unread):
        return Sign.ABSENT
    return next((Sign[rung.name] for rung in Rung if rung in rungs), Sign.NONE)
