"""A change of the watch itself: it cannot see a project or the stack, or sees it again. Pure."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field

from foundation.errors import ApplicationError, TimeBudgetExceededError
from foundation.outside import FromOutside, IfReadable, if_unreadable
from restore_watch.errors import (
    AtlasError,
    AtlasUnavailableError,
    UnexpectedAtlasResponseError,
)
from restore_watch.model.fixes_of_errors import fix_of
from restore_watch.model.forms_of_fields import PastMoment

REMOVED = "removed"
"""The reason of a recovery that nobody saw: the project is no longer watched."""

UNANSWERED = (AtlasUnavailableError, UnexpectedAtlasResponseError, TimeBudgetExceededError)
"""No answer came, or none that can be read. Every other error is a refusal."""

_UNANSWERED_NAMES = {error.__name__ for error in UNANSWERED}

LARGEST_COUNT = 10**15
"""No number of writes, or of open jobs, is larger."""


WORDS_LIMIT = 4096
"""Characters of a sentence in a message about the watch."""

_Words = Annotated[str, Field(strict=True, max_length=WORDS_LIMIT)]
_Count = Annotated[int, Field(ge=0, le=LARGEST_COUNT), if_unreadable(0)]


class WatchState(StrEnum):
    """The state in a message about the watch."""

    DEGRADED = "degraded"
    RECOVERED = "recovered"


class Trouble(FromOutside):
    """Why something cannot be seen, since when, and what fixes it; 1.0.0 stored no `fix`."""

    since: PastMoment
    error: _Words
    message: _Words
    fix: IfReadable[_Words] = None

    @classmethod
    def of(cls, error: ApplicationError, since: datetime, *, of_stack: bool = False) -> Self:
        """Return the trouble for this error."""
        summary = error.summary if isinstance(error, AtlasError) else None
        fix = fix_of(error, of_stack=of_stack)
        message = (summary or str(error))[:WORDS_LIMIT]
        return cls(since=since, error=type(error).__name__, message=message, fix=fix)

    @property
    def is_unanswered(self) -> bool:
        """Whether no readable answer came, in contrast to a refusal."""
        return self.error in _UNANSWERED_NAMES


class WatchChange(FromOutside):
    """
    A project, or the stack if `group_id` is None, is degraded or has recovered. Moments are UTC.

    `since` is the first failure. `at` is when the outage was found out, or the first success after
    it. `last_success_at` is the last success before it, None if unknown. `reason` is REMOVED if
    nobody looks at it any more.
    """

    state: WatchState
    group_id: Annotated[str | None, Field(exclude=True)]
    trouble: Trouble
    at: PastMoment
    last_success_at: IfReadable[PastMoment]
    open_jobs: _Count = 0
    reason: IfReadable[Annotated[str, Field(pattern=f"^{REMOVED}$")]] = None

    @property
    def is_degraded(self) -> bool:
        """False if it has recovered."""
        return self.state is WatchState.DEGRADED
