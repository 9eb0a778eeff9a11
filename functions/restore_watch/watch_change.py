"""A change of the watch itself: it cannot see a project or the stack, or sees it again. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from restore_watch.errors import RestoreWatchError

DEGRADED_AFTER = timedelta(minutes=3)
"""A project that sweeps have failed to see for so long is degraded."""

RENEWED_BEFORE = timedelta(days=15)
"""What is remembered of a project that fails is stored again so long before it is deleted."""

ABSENT = "projects"
"""The name of the trouble that the list of projects does not show a project."""

UNSENT_LIMIT = 50
"""Changes that may wait for the topic. It takes a topic that refuses for hours to have as many."""


class WatchState(StrEnum):
    """What a message about the watch says."""

    DEGRADED = "degraded"
    RECOVERED = "recovered"


@dataclass(frozen=True)
class Trouble:
    """Why something cannot be seen, and since when, in UTC: the name and text of our error."""

    since: datetime
    error: str
    message: str

    @classmethod
    def of(cls, error: RestoreWatchError, since: datetime) -> Self:
        """The trouble that this error is."""
        return cls(since, type(error).__name__, str(error))


@dataclass(frozen=True)
class WatchChange:
    """
    A project, or the stack if `group_id` is None, is degraded or has recovered. Moments are UTC.

    `since` is when it was first not seen, `at` when this was found out or it was seen again, and
    `last_success_at` when it was last seen before, None if it never was.
    """

    state: WatchState
    group_id: str | None
    trouble: Trouble
    at: datetime
    last_success_at: datetime | None
    open_jobs: int


@dataclass(frozen=True)
class Watched:
    """
    What the table remembers of how a project, or the stack if `group_id` is None, is seen.

    `troubles` has what fails now, by family of endpoints. `degraded` is the trouble that was
    reported and is not over. `unsent` are the changes that the topic has not accepted. `version`
    counts the writes: each is made only if nobody else has written since it was read. `kept_until`
    is when DynamoDB may delete all of it.
    """

    group_id: str | None
    version: int = 0
    troubles: Mapping[str, Trouble] = field(default_factory=dict)
    degraded: Trouble | None = None
    last_success_at: datetime | None = None
    unsent: tuple[WatchChange, ...] = ()
    kept_until: datetime | None = field(default=None, compare=False)

    def after(
        self,
        troubles: Mapping[str, Trouble],
        now: datetime,
        last_success_at: datetime | None,
        open_jobs: int,
    ) -> "Watched":
        """What is to be remembered after a sweep that met these troubles."""
        # A clock that is ahead may have stored a moment that has not come.
        known = {
            name: replace(one, since=min(one.since, now)) for name, one in self.troubles.items()
        }
        lasting = {name: one for name, one in known.items() if name in troubles}
        # If families fail in turn, the project has failed since the first of them did.
        since = min((one.since for one in known.values()), default=None)
        for name, trouble in troubles.items():
            lasting.setdefault(name, replace(trouble, since=since or trouble.since))
        success_at = self.last_success_at if self.troubles else last_success_at
        after = replace(self, troubles=lasting, last_success_at=success_at if lasting else None)

        def changed(state: WatchState, trouble: Trouble) -> tuple[WatchChange, ...]:
            change = WatchChange(state, self.group_id, trouble, now, success_at, open_jobs)
            return (*self.unsent, change)

        if not lasting:
            if self.degraded is None:
                return after
            unsent = changed(WatchState.RECOVERED, self.degraded)
            return replace(after, degraded=None, unsent=unsent)
        first = min(lasting.values(), key=lambda trouble: trouble.since)
        is_old = now - first.since >= DEGRADED_AFTER
        if self.degraded is not None or not is_old or len(self.unsent) >= UNSENT_LIMIT:
            return after
        return replace(after, degraded=first, unsent=changed(WatchState.DEGRADED, first))

    def must_be_renewed(self, now: datetime) -> bool:
        """
        Whether this must be stored again because it would be deleted too soon.

        A project that Atlas's list of projects no longer shows may be forgotten.
        """
        is_absent = self.group_id is not None and ABSENT in self.troubles
        is_over = not self.troubles or is_absent
        return not is_over and (self.kept_until is None or self.kept_until - now < RENEWED_BEFORE)
