"""
Says when the watch itself cannot see a project, or the whole stack, and when it can again.

The outbox is the same as that of a job: one conditional write records the change and its message,
and what is recorded is published until the topic has accepted it.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Lock

from restore_watch.bookkeeping import Bookkeeping
from restore_watch.check import JobChecker
from restore_watch.deadline import Deadline
from restore_watch.errors import (
    NotificationPendingError,
    RestoreWatchError,
    TableUnavailableError,
    TimeBudgetExceededError,
)
from restore_watch.project_item import Project
from restore_watch.telemetry import Telemetry
from restore_watch.watch_change import ABSENT, Trouble, Watched
from restore_watch.workers import Workers

LEAST_PROJECTS = 2
"""If so many projects or more are watched, and none can be seen, it is not for one of them."""


class LastSeen:
    """When each project was last seen by this environment. Any thread may use it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._moments: dict[str | None, datetime] = {}

    def seen(self, group_id: str | None, at: datetime) -> None:
        """Nothing failed."""
        with self._lock:
            self._moments[group_id] = at

    def of(self, group_id: str | None) -> datetime | None:
        """Return when nothing failed the last time."""
        with self._lock:
            return self._moments.get(group_id)


@dataclass(frozen=True)
class Seen:
    """
    How a sweep saw a project: what failed, and which `families` of endpoints it learnt about.

    About the others nothing was learnt, unless `is_listed`: then nothing else is there to see.
    """

    project: Project
    failures: Mapping[str, RestoreWatchError]
    families: frozenset[str]
    is_listed: bool
    open_jobs: int

    @property
    def standing(self) -> dict[str, Trouble]:
        """What failed before, and about which nothing was learnt."""
        known = self.project.watched.troubles
        if self.is_listed:
            return {}
        return {name: one for name, one in known.items() if name not in self.families}

    @property
    def fails(self) -> bool:
        """Whether the project cannot be seen."""
        return bool(self.failures or self.standing)


@dataclass(frozen=True)
class Watch:
    """
    Records and publishes what becomes of projects and the stack in one sweep.

    `at` is when the sweep began. Nothing here fails a sweep: what could not be stored or published
    is left to the next one.
    """

    checker: JobChecker
    bookkeeping: Bookkeeping
    telemetry: Telemetry
    workers: Workers
    last_seen: LastSeen
    at: datetime
    deadline: Deadline

    def publish_unsent(self, projects: dict[str, Project], stack: Watched) -> Watched:
        """
        Publish what earlier sweeps recorded and the topic has not accepted.

        `projects` is kept up to date. Return what is left of the stack's.
        """

        def publish(group_id: str) -> None:
            project = projects[group_id]
            projects[group_id] = replace(project, stored_watched=self._publish(project.watched))

        unsent = [group_id for group_id, project in projects.items() if project.watched.unsent]
        self.workers.each(unsent, publish, self.deadline)
        return self._publish(stack)

    def stack_fails(self, stack: Watched, error: RestoreWatchError, open_jobs: int) -> None:
        """The credentials are refused or cannot be read. What is known of projects stands still."""
        self._met(stack, {"credentials": Trouble.of(error, self.at)}, None, open_jobs)

    def sweep_ended(
        self,
        seen: Sequence[Seen],
        stack: Watched,
        open_jobs: int,
        unlisted: RestoreWatchError | None = None,
    ) -> int:
        """
        Note how projects were seen. Return how many are degraded.

        If none of several can be seen, the stack is degraded instead, and they stand still; and if
        their list could never be read, `unlisted` says why.
        """
        if unlisted is not None:
            self._met(stack, {ABSENT: Trouble.of(unlisted, self.at)}, None, open_jobs)
        elif len(seen) >= LEAST_PROJECTS and all(one.fails for one in seen):
            after = self._met(stack, {ABSENT: self._all_fail(seen)}, None, open_jobs)
            known = sum(one.project.watched.degraded is not None for one in seen)
            return len(seen) if after.degraded else known
        elif seen:
            self._met(stack, {}, None, open_jobs)
        degraded: list[bool] = []

        def note(one: Seen) -> None:
            troubles = {name: Trouble.of(error, self.at) for name, error in one.failures.items()}
            project = one.project
            after = self._met(
                project.watched, one.standing | troubles, project.listed_at, one.open_jobs
            )
            degraded.append(after.degraded is not None)

        self.workers.each(seen, note, self.deadline)
        return sum(degraded)

    def _all_fail(self, seen: Sequence[Seen]) -> Trouble:
        errors = [error for one in seen for error in one.failures.values()]
        if errors:
            first = Trouble.of(errors[0], self.at)
        else:
            first = next(trouble for one in seen for trouble in one.standing.values())
        msg = f"None of the {len(seen)} projects can be seen. {first.message}"
        return Trouble(self.at, first.error, msg)

    def _met(
        self,
        watched: Watched,
        troubles: Mapping[str, Trouble],
        listed_at: datetime | None,
        open_jobs: int,
    ) -> Watched:
        """Store and publish what has changed, if anything has. Return how the project is seen."""
        success_at = self.last_seen.of(watched.group_id) or listed_at
        if not troubles:
            self.last_seen.seen(watched.group_id, self.at)
        after = watched.after(troubles, self.checker.now(), success_at, open_jobs)
        if after == watched and not watched.must_be_renewed(self.at):
            return watched
        with suppress(TableUnavailableError, TimeBudgetExceededError):
            stored = self.bookkeeping.watch(after, self.at, self.deadline)
            if stored is not None:
                return self._publish(stored)
        return watched

    def _publish(self, watched: Watched) -> Watched:
        """Publish what is recorded, in order. Return what is left."""
        if not watched.unsent:
            return watched
        try:
            for change in watched.unsent:
                self.checker.topic.publish_watch(change, self.deadline)
                self.telemetry.watch_changed(change)
            sent = replace(watched, unsent=())
            return self.bookkeeping.watch(sent, self.at, self.deadline) or watched
        except NotificationPendingError as error:
            self.telemetry.failed(error)
            return watched
        except (TableUnavailableError, TimeBudgetExceededError):
            return watched
