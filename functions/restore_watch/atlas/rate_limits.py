"""
Atlas's rate limits as its answers show them, each for one project and one family of endpoints.

Atlas keeps a bucket of calls for each of them, shared with every other tool of the project. Its
headers say how much of a bucket is left; a 429 says for how long a bucket is empty. A 503 may say
for how long Atlas will be out of order.
"""

import math
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass, replace
from threading import Lock
from typing import NamedTuple, Self

from foundation.clock import is_recent
from restore_watch.atlas.families import Family
from restore_watch.errors import AtlasError, AtlasRateLimitError, AtlasUnavailableError

RATE_LIMIT_PAUSE = 10.0
"""Seconds to wait after a 429 without a time, as Atlas's documentation advises."""

STANDS_AT_MOST = 60.0
"""Seconds; Atlas's rate limits refill within a minute."""

OUTAGE_AT_MOST = 900.0
"""Seconds for which the Retry-After of a 503 is believed."""


class Bucket(NamedTuple):
    """
    The project and the family of endpoints that share a limit. The list of projects has no project.

    Atlas does not say which limit holds for collection restores. They count as separate: if they
    share a bucket with dedicated restores, the headers of answers say so, at the price of a call.
    """

    group_id: str | None
    family: Family


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


class RateLimits:
    """The limits that Atlas's answers have shown. Any thread may use it. `now`: Unix seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._lock = Lock()
        self._standing: dict[Bucket, StandingRefusal] = {}
        self._outages: dict[Bucket, StandingRefusal] = {}
        self._shares: dict[Bucket, tuple[float, float]] = {}  # the share left, and when

    def check(self, bucket: Bucket) -> None:
        """Raise AtlasRateLimitError while a 429 stands."""
        if standing := self._standing.get(bucket):
            standing.raise_while_it_stands(self._now())

    def note_refusal(self, bucket: Bucket, refusal: AtlasError) -> None:
        """Remember a 429, or a 503 with Retry-After, as long as it stands. Others name no time."""
        now = self._now()
        asked = refusal.retry_after_seconds
        match refusal:
            case AtlasRateLimitError():
                standing, seconds = self._standing, min(asked or RATE_LIMIT_PAUSE, STANDS_AT_MOST)
            case AtlasUnavailableError() if asked:
                standing, seconds = self._outages, min(asked, OUTAGE_AT_MOST)
            case _:
                return
        with self._lock:
            for known, refused in list(standing.items()):
                if not refused.stands(now):
                    del standing[known]
            standing[bucket] = StandingRefusal.of(refusal, now, seconds)

    def waits(self, bucket: Bucket) -> bool:
        """Whether Atlas has asked with a 503 not to be asked now."""
        outage = self._outages.get(bucket)
        return outage is not None and outage.stands(self._now())

    def note_share(self, bucket: Bucket, headers: Mapping[str, str]) -> None:
        """Remember the share of the bucket that is left, if Atlas says it."""
        share = share_left(headers)
        if share is not None:
            self._shares[bucket] = share, self._now()

    def share_left(self, bucket: Bucket, since: float) -> float | None:
        """The share left by the last answer since then, from 0 to 1, None without an answer."""
        share, at = self._shares.get(bucket, (None, -math.inf))
        return share if at >= since else None


def share_left(headers: Mapping[str, str]) -> float | None:
    """Return RateLimit-Remaining as a share of RateLimit-Limit; None if one is absent or odd."""
    try:
        limit = float(headers.get("ratelimit-limit", ""))
        left = float(headers.get("ratelimit-remaining", ""))
    except ValueError:
        return None
    return min(1.0, left / limit) if 0 < limit < math.inf and 0 <= left < math.inf else None
