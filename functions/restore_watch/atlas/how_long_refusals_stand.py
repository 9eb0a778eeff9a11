"""
Refusals that Atlas would repeat for a while.

A 429 says for how long a bucket of calls is empty. After a token request failed, no other is made
for some time.
"""

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, replace
from threading import Lock
from typing import Self

from cachetools import TLRUCache

from foundation.clock import is_recent
from restore_watch.atlas.rate_limits import Bucket
from restore_watch.errors import AtlasError, AtlasRateLimitError

RATE_LIMIT_PAUSE = 10.0
"""Seconds to wait after a 429 without a time, as Atlas's documentation advises."""

STANDS_AT_MOST = 60.0
"""Seconds; Atlas's rate limits refill within a minute."""

STANDING_AT_ONCE = 50_000
"""Refusals that are remembered: more than a stack of 10,000 projects has buckets."""

TOKEN_PAUSE, LONGEST_TOKEN_PAUSE = 30.0, 120.0
"""Seconds without a token request after a failed one; 60, then 120, while none is answered."""


@dataclass(frozen=True)
class StandingRefusal:
    """A refusal that Atlas would repeat for `seconds` from `since`, in Unix seconds."""

    error: AtlasError
    since: float
    seconds: float

    @classmethod
    def of(cls, error: AtlasError, now: float, seconds: float) -> Self:
        """Return the refusal of this error, for this many seconds."""
        # A copy has no traceback, which would keep many objects alive.
        return cls(copy(error), now, seconds)

    def stands(self, now: float) -> bool:
        """False after its time, or if the clock was set back."""
        return is_recent(now - self.since, self.seconds)

    def raise_while_it_stands(self, now: float) -> None:
        """Raise the error again while it stands, with the rest of the time that Atlas asked for."""
        if not self.stands(now):
            return
        again = copy(self.error)
        if again.reason and again.reason.retry_after_seconds:
            left = again.reason.retry_after_seconds - (now - self.since)
            again.reason = replace(again.reason, retry_after_seconds=max(left, 0.1))
        raise again


class StandingRefusals:
    """The refusals of a rate limit. Any thread may use it. `now`: Unix seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._lock = Lock()
        self._standing: TLRUCache[Bucket, StandingRefusal] = TLRUCache(
            STANDING_AT_ONCE, lambda _, refusal, noted_at: noted_at + refusal.seconds, now
        )

    def check(self, bucket: Bucket) -> None:
        """Raise AtlasRateLimitError while a 429 stands."""
        with self._lock:
            standing = self._standing.get(bucket)
        if standing is not None:
            standing.raise_while_it_stands(self._now())

    def note(self, bucket: Bucket, refusal: AtlasError) -> None:
        """Remember a 429 as long as it stands. No other refusal names a time."""
        if not isinstance(refusal, AtlasRateLimitError):
            return
        seconds = min(refusal.retry_after_seconds or RATE_LIMIT_PAUSE, STANDS_AT_MOST)
        with self._lock:
            self._standing[bucket] = StandingRefusal.of(refusal, self._now(), seconds)


def token_failure_stands(error: AtlasError, before: StandingRefusal | None) -> float:
    """
    Return for how many seconds a failed token request stands.

    `before`: the failure of the request before, if it failed too. Without an answer that can be
    read, Atlas may have issued a token, so each such failure in a row stands twice as long.
    """
    if error.reason is not None:
        return max(TOKEN_PAUSE, min(error.retry_after_seconds or 0.0, STANDS_AT_MOST))
    if before is None or before.error.reason is not None:
        return TOKEN_PAUSE
    return min(2 * before.seconds, LONGEST_TOKEN_PAUSE)
