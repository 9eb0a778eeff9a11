"""
Says when the watch itself cannot see a project, or the whole stack, and when it can again.

The outbox is the same as that of a job: one conditional write records the change and its message,
and what is recorded is published until the topic has accepted it.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from random import shuffle
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
from restore_watch.following import TopicRefusals
from restore_watch.outlook import Seen
from restore_watch.project_item import Project
from restore_watch.telemetry import Telemetry
from restore_watch.watch_change import ABSENT, Trouble, Watched
from restore_watch.workers import Workers

_CREDENTIALS = "credentials"
"""The name of the stack's trouble that the secret or the token is refused."""

_ALL = "all projects"
"""The name of the stack's trouble that none of its projects can be seen."""

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
    refusals: TopicRefusals
    at: datetime
    deadline: Deadline

    def publish_unsent(
        self, projects: dict[str, Project], stack: Watched, deadline: Deadline
    ) -> Watched:
        """
        Publish what earlier sweeps recorded, until the topic refuses too often.

        `projects` is kept up to date. Return what is left of the stack's.
        """

        def publish(group_id: str) -> None:
            project = projects[group_id]
            left = self._publish(project.watched, deadline)
            projects[group_id] = replace(project, stored_watched=left)

        stack = self._publish(stack, deadline)
        unsent = [group_id for group_id, project in projects.items() if project.watched.unsent]
        # The topic may refuse the messages of some for ever.
        shuffle(unsent)
        self.workers.each(unsent, publish, deadline)
        return stack

    def stack_fails(self, stack: Watched, error: RestoreWatchError, open_jobs: int) -> None:
        """The credentials are refused or cannot be read. What is known of projects stands still."""
        reported = stack.troubles if stack.degraded else {}
        troubles = {**reported, _CREDENTIALS: Trouble.of(error, self.at)}
        self._met(stack, troubles, None, open_jobs)

    def sweep_ended(
        self,
        seen: Sequence[Seen],
        stack: Watched,
        open_jobs: int,
        unlisted: RestoreWatchError | None = None,
        *,
        is_list_read: bool = False,
    ) -> int:
        """
        Note how projects were seen. Return how many are degraded.

        If none of several can be seen, the stack is degraded instead, and they stand still. It has
        recovered when one of them is seen. `unlisted` says why the list of projects could not be
        read, if that was tried.
        """
        asked = [one for one in seen if not one.is_over]
        is_seen = any(one.is_seen for one in asked)
        all_fail = len(asked) >= LEAST_PROJECTS and all(one.fails_whole for one in asked)
        over = {
            _CREDENTIALS: is_seen,
            ABSENT: is_list_read,
            _ALL: any(one.is_seen and not one.fails_whole for one in asked),
        }
        # What nobody met again is no outage. What was reported lasts until it is seen to be over.
        is_reported = stack.degraded is not None and bool(asked or open_jobs)
        is_kept = is_reported or (bool(asked) and not is_seen)
        troubles = {
            name: one for name, one in stack.troubles.items() if is_kept and not over.get(name)
        }
        if unlisted is not None:
            troubles[ABSENT] = Trouble.of(unlisted, self.at)
        if all_fail:
            troubles[_ALL] = self._all_fail(asked)
        after = self._met(stack, troubles, None, open_jobs)
        if all_fail or (not is_seen and after.degraded is not None):
            known = sum(one.project.watched.degraded is not None for one in seen)
            return len(asked) if after.degraded else known
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
        moments = (self.last_seen.of(watched.group_id), listed_at)
        success_at = max((moment for moment in moments if moment), default=None)
        if not troubles:
            self.last_seen.seen(watched.group_id, self.at)
        after = watched.after(troubles, self.checker.now(), success_at, open_jobs)
        if after == watched and not watched.must_be_renewed(self.at):
            return watched
        with suppress(TableUnavailableError, TimeBudgetExceededError):
            stored = self.bookkeeping.watch(after, self.at, self.deadline)
            if stored is not None:
                return self._publish(stored, self.deadline)
        return watched

    def _publish(self, watched: Watched, deadline: Deadline) -> Watched:
        """Publish what is recorded, in order, and note what went out. Return what is left."""
        sent = 0
        try:
            for change in watched.unsent:
                if self.refusals.are_too_many:
                    break
                self.checker.topic.publish_watch(change, deadline)
                self.telemetry.watch_changed(change)
                sent += 1
        except NotificationPendingError as error:
            self.refusals.add()
            self.telemetry.failed(error)
        except TimeBudgetExceededError:
            pass
        if not sent:
            return watched
        left = replace(watched, unsent=watched.unsent[sent:])
        with suppress(TableUnavailableError, TimeBudgetExceededError):
            return self.bookkeeping.watch(left, self.at, self.deadline) or watched
        return watched
