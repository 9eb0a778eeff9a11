"""Refusals that stand for a while: until then, Atlas would refuse the same request again."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

from restore_watch.atlas.retrying import RATE_LIMIT_PAUSE
from restore_watch.errors import AtlasError, AtlasRateLimitError, AtlasReason
from restore_watch.restore_job import RestoreKind

STANDS_AT_MOST = 60.0
"""Seconds; Atlas's rate limits refill within a minute."""


@dataclass(frozen=True)
class StandingRefusal:
    """A refusal that stands for `seconds` from `since`, in Unix seconds."""

    error: type[AtlasError]
    message: str
    reason: AtlasReason | None
    transient: bool
    since: float
    seconds: float

    @classmethod
    def of(cls, error: AtlasError, now: float, seconds: float) -> Self:
        """Return the refusal of this error, for this many seconds."""
        # Not the error itself: its traceback would keep many objects alive.
        return cls(type(error), error.args[0], error.reason, error.transient, now, seconds)

    def stands(self, now: float) -> bool:
        """False after its time, or if the clock was set back."""
        return 0 <= now - self.since < self.seconds

    def raise_while_it_stands(self, now: float) -> None:
        """Raise the error again while it stands, with the rest of the time that Atlas asked for."""
        if not self.stands(now):
            return
        reason = self.reason
        if reason and reason.retry_after_seconds:
            left = reason.retry_after_seconds - (now - self.since)
            reason = replace(reason, retry_after_seconds=max(left, 0.1))
        again = self.error(self.message, reason)
        again.transient = self.transient
        raise again


class RateLimits:
    """
    The rate limits that stand. As in Atlas, each is for one project and one kind of restore job.

    `now` gives Unix seconds.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._standing: dict[tuple[str, RestoreKind], StandingRefusal] = {}

    def check(self, group_id: str, kind: RestoreKind) -> None:
        """Raise AtlasRateLimitError while a limit stands."""
        standing = self._standing.get((group_id, kind))
        if standing:
            standing.raise_while_it_stands(self._now())

    def note(self, group_id: str, kind: RestoreKind, refusal: AtlasRateLimitError) -> None:
        """Remember a limit for as long as Atlas says, a minute at most. Forget those that ended."""
        now = self._now()
        seconds = min(refusal.retry_after_seconds or RATE_LIMIT_PAUSE, STANDS_AT_MOST)
        self._standing = {
            limited: one for limited, one in self._standing.items() if one.stands(now)
        }
        self._standing[group_id, kind] = StandingRefusal.of(refusal, now, seconds)
