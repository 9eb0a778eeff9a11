"""A change of the watch itself: it cannot see a project or the stack, or sees it again. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from foundation.errors import TimeBudgetExceededError
from restore_watch.errors import (
    AtlasError,
    AtlasUnavailableError,
    RestoreWatchError,
    UnexpectedAtlasResponseError,
)
from restore_watch.model.fixes import fix_of

DEGRADED_AFTER = timedelta(minutes=3)
"""What sweeps have failed to see for so long is degraded."""

RECOVERED_AFTER = timedelta(minutes=3)
"""What was degraded has recovered when it was seen for so long without a failure."""

DROPPED_AFTER = timedelta(days=1)
"""A project that the list of all projects has not shown for so long is dropped."""

ABSENT = "projects"
"""The name of the trouble that the list of projects does not show a project."""

REMOVED = "removed"
"""The reason of a recovery that nobody saw: the project is no longer watched."""

UNSENT_LIMIT = 50
"""Changes that may wait for the topic. It takes a topic that refuses for hours to have as many."""

UNANSWERED = (AtlasUnavailableError, UnexpectedAtlasResponseError, TimeBudgetExceededError)
"""No answer came, or none that can be read. Every other error is a refusal."""

_UNANSWERED_NAMES = {one.__name__ for one in UNANSWERED}


class WatchState(StrEnum):
    """What a message about the watch says."""

    DEGRADED = "degraded"
    RECOVERED = "recovered"


@dataclass(frozen=True)
class Trouble:
    """
    Why something cannot be seen, and since when, in UTC.

    It has the name and text of our error, and what to do about it; 1.0.0 stored no `fix`.
    """

    since: datetime
    error: str
    message: str
    fix: str = ""

    @classmethod
    def of(cls, error: RestoreWatchError, since: datetime, *, of_stack: bool = False) -> Self:
        """The trouble that this error is."""
        summary = error.summary if isinstance(error, AtlasError) else None
        fix = fix_of(error, of_stack=of_stack)
        return cls(since, type(error).__name__, summary or str(error), fix)

    @property
    def is_unanswered(self) -> bool:
        """Whether it is for want of an answer, not a refusal."""
        return self.error in _UNANSWERED_NAMES


@dataclass(frozen=True)
class WatchChange:
    """
    A project, or the stack if `group_id` is None, is degraded or has recovered. Moments are UTC.

    `since` is when it was first not seen, `at` when this was found out or it was seen again, and
    `last_success_at` when it was last seen before, None if it never was. `reason` is REMOVED if
    nobody looks at it any more.
    """

    state: WatchState
    group_id: str | None
    trouble: Trouble
    at: datetime
    last_success_at: datetime | None
    open_jobs: int
    reason: str | None = None


@dataclass(frozen=True)
class Watched:
    """
    What the table remembers of how a project, or the stack if `group_id` is None, is seen.

    `troubles` has what fails now, by what was asked; `failing_since` is when the first failure was.
    `degraded` is the trouble that was reported and is not over. Without troubles, it has been
    recovering since `recovering_since`. `unsent` are the changes that the topic has not accepted.
    `version` counts the writes: each is made only if nobody else has written since it was read.
    """

    group_id: str | None
    version: int = 0
    troubles: Mapping[str, Trouble] = field(default_factory=dict)
    failing_since: datetime | None = None
    degraded: Trouble | None = None
    recovering_since: datetime | None = None
    last_success_at: datetime | None = None
    unsent: tuple[WatchChange, ...] = ()

    @property
    def fails(self) -> bool:
        """Whether it was not seen, or has not recovered yet."""
        return bool(self.troubles) or self.degraded is not None

    def after(
        self,
        troubles: Mapping[str, Trouble],
        now: datetime,
        last_success_at: datetime | None,
        open_jobs: int,
    ) -> "Watched":
        """What is to be remembered after a sweep that met these troubles."""
        if not troubles:
            return self._without_troubles(now, open_jobs)
        lasting = {name: self._lasting(name, one, now) for name, one in troubles.items()}
        first = min(lasting.values(), key=lambda trouble: trouble.since)
        # If different things fail in turn, it has failed since the first of them did.
        since = min(self.failing_since or first.since, now)
        after = replace(
            self,
            troubles=lasting,
            failing_since=since,
            recovering_since=None,
            last_success_at=self.last_success_at if self.fails else last_success_at,
        )
        is_old = now - since >= DEGRADED_AFTER
        if self.degraded is not None or not is_old or len(self.unsent) >= UNSENT_LIMIT:
            return after
        reported = replace(first, since=since)
        change = WatchChange(
            WatchState.DEGRADED, self.group_id, reported, now, after.last_success_at, open_jobs
        )
        return replace(after, degraded=reported, unsent=(*self.unsent, change))

    def removed(self, now: datetime, open_jobs: int) -> "Watched":
        """What is to be remembered of a project that is no longer watched: what waits to go out."""
        return self._over(now, open_jobs, REMOVED)

    def is_gone(self, now: datetime) -> bool:
        """Whether the list of all projects has not shown the project for a day."""
        absent = self.troubles.get(ABSENT)
        return absent is not None and now - absent.since >= DROPPED_AFTER

    def _lasting(self, name: str, trouble: Trouble, now: datetime) -> Trouble:
        """A trouble that was met before. A refusal says more than that no answer came."""
        known = self.troubles.get(name)
        if known is None:
            return trouble
        # A clock that was ahead may have stored a moment that has not come.
        since = min(known.since, now)
        is_news = known.is_unanswered and not trouble.is_unanswered
        return replace(trouble if is_news else known, since=since)

    def _without_troubles(self, now: datetime, open_jobs: int) -> "Watched":
        if self.degraded is None:
            return self._over(now, open_jobs)
        since = min(self.recovering_since or now, now)
        if now - since < RECOVERED_AFTER:
            return replace(self, troubles={}, recovering_since=since)
        return self._over(since, open_jobs)

    def _over(self, at: datetime, open_jobs: int, reason: str | None = None) -> "Watched":
        unsent = self.unsent
        if self.degraded is not None:
            change = WatchChange(
                state=WatchState.RECOVERED,
                group_id=self.group_id,
                trouble=self.degraded,
                at=at,
                last_success_at=self.last_success_at,
                open_jobs=open_jobs,
                reason=reason,
            )
            unsent = (*unsent, change)
        return Watched(self.group_id, self.version, unsent=unsent)
