"""Atlas's rate limit: a bucket of tokens that refills as time passes."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from local_stack.behaviour import RateLimit


@dataclass(frozen=True)
class Taken:
    """What is left after a request, or how long to wait because nothing was left."""

    remaining: int
    retry_after: int | None = None


@dataclass
class _Bucket:
    level: float
    at: datetime


class Buckets:
    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._buckets: dict[tuple[str, str], _Bucket] = {}
        self._kept: dict[tuple[str, str], int] = {}

    def keep(self, key: tuple[str, str], remaining: int) -> None:
        """From now on, exactly this is left after each request."""
        self._kept[key] = remaining

    def release(self, key: tuple[str, str]) -> None:
        """Fill a bucket that was kept; from now on it counts."""
        self._kept.pop(key, None)
        self._buckets.pop(key, None)

    def take(self, key: tuple[str, str], limit: RateLimit) -> Taken:
        kept = self._kept.get(key)
        if kept:
            return Taken(kept)
        if kept == 0:
            self._buckets[key] = _Bucket(0, self._clock())
        return self._take(key, limit)

    def _take(self, key: tuple[str, str], limit: RateLimit) -> Taken:
        now = self._clock()
        bucket = self._buckets.setdefault(key, _Bucket(limit.capacity, now))
        per_second = limit.refill / limit.seconds
        refilled = bucket.level + (now - bucket.at).total_seconds() * per_second
        bucket.level, bucket.at = min(refilled, limit.capacity), now
        if bucket.level < 1:
            return Taken(0, retry_after=math.ceil((1 - bucket.level) / per_second))
        bucket.level -= 1
        return Taken(int(bucket.level))

    def clear(self) -> None:
        """Fill every bucket."""
        self._buckets.clear()
        self._kept.clear()
