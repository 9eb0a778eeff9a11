"""
Atlas's rate limits, each for one project and one family of endpoints.

Atlas keeps a bucket of calls for each of them, shared with every other tool of the project. The
headers of its answers say how much of a bucket is left.
"""

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

from restore_watch.atlas.families import Family


class Bucket(NamedTuple):
    """
    The project and the family of endpoints that share a limit. The list of projects has no project.

    Atlas does not say which limit holds for collection restores. They count as separate: if they
    share a bucket with dedicated restores, the headers of answers say so, at the price of a call.
    """

    group_id: str | None
    family: Family


class RateLimits:
    """The shares that Atlas's answers have shown. Any thread may use it. `now`: Unix seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._shares: dict[Bucket, tuple[float, float]] = {}  # the share left, and when

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
