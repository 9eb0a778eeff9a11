"""Which calls to Atlas a sweep may still make. No I/O."""

from collections import Counter
from collections.abc import Callable
from threading import Lock

from restore_watch.atlas.rate_limits import Bucket

SILENCES = 3
"""A project that answers 5xx or not at all this many times in a row is left to the next round."""

REFUSALS = 3
"""After so many refusals and no other answer, a sweep leaves a family alone: there is no role."""

STARVED = 0.9
"""With this share left, nobody else has used up a bucket, even if all of it is to be left."""


class Pace:
    """
    Leaves a share of every bucket of calls to the project's other tools.

    `share_left` returns what Atlas's answers since a moment said is left of a bucket, from 0 to 1,
    or None; `since` is when the sweep began. Less than `reserve` stops the sweep's calls from that
    bucket, except the first one of either purpose, to ask about known jobs and to find others: so
    every sweep learns how much is left now, and somebody else's traffic cannot blind the watch. If
    that is too little from the start, the bucket is `starved`. While it `waits`, because Atlas has
    asked for that, a sweep makes one call. A family that only refuses is not asked again in this
    sweep. A project that does not answer gets one question in each later round. Any thread may use
    it.
    """

    def __init__(
        self,
        reserve: float,
        share_left: Callable[[Bucket, float], float | None],
        since: float,
        *,
        waits: Callable[[Bucket], bool],
    ) -> None:
        self.since = since
        self._reserve = reserve
        self._share_left = share_left
        self.waits = waits
        self._lock = Lock()
        self._asked: set[tuple[Bucket, bool]] = set()
        self._best_shares: dict[Bucket, float] = {}
        self._stopped: set[Bucket] = set()
        self._is_again = False
        self._refusals: Counter[Bucket] = Counter()
        self._accepted: set[Bucket] = set()
        self._silences: Counter[str | None] = Counter()
        self._tried: set[str | None] = set()

    def allows(self, bucket: Bucket, *, to_find: bool = False) -> bool:
        """Whether a call may be made now; it counts as made."""
        share, waits = self._share_left(bucket, self.since), self.waits(bucket)
        with self._lock:
            if self._refuses(bucket) or self._is_left_alone(bucket.group_id):
                return False
            if waits and not self._asked.isdisjoint({(bucket, True), (bucket, False)}):
                return False
            is_first = (bucket, to_find) not in self._asked
            self._asked.add((bucket, to_find))
            is_allowed = is_first or share is None or share >= self._reserve
            if not is_allowed and (to_find or not self._is_again):
                self._stopped.add(bucket)
        return is_allowed

    @property
    def starved(self) -> frozenset[Bucket]:
        """
        The buckets of which others had left too little for what was due.

        What is asked again about hot jobs does not count.
        """
        with self._lock:
            return frozenset(
                bucket
                for bucket in self._stopped
                if self._best_shares.get(bucket, 1.0) < min(self._reserve, STARVED)
            )

    def begin_round(self) -> None:
        """
        Ask again about hot jobs.

        A project that did not answer gets one question. An answer permits all others.
        """
        with self._lock:
            self._is_again = True
            self._tried.clear()

    def answers(self, group_id: str | None) -> bool:
        """Whether Atlas answered the last question about the project, or none was asked."""
        with self._lock:
            return not self._silences[group_id]

    def answered(self, bucket: Bucket) -> None:
        """Atlas answered, if only that it does not know the job."""
        share = self._share_left(bucket, self.since)
        with self._lock:
            if share is not None:
                self._best_shares[bucket] = max(share, self._best_shares.get(bucket, 0.0))
            self._silences.pop(bucket.group_id, None)
            self._accepted.add(bucket)

    def silent(self, bucket: Bucket) -> None:
        """No answer came, or Atlas is out of order."""
        with self._lock:
            self._silences[bucket.group_id] += 1
            self._tried.add(bucket.group_id)

    def refused(self, bucket: Bucket) -> None:
        """Atlas refused the credentials for one of these endpoints: this job, or all of them."""
        with self._lock:
            self._refusals[bucket] += 1

    def _refuses(self, bucket: Bucket) -> bool:
        return self._refusals[bucket] >= REFUSALS and bucket not in self._accepted

    def _is_left_alone(self, group_id: str | None) -> bool:
        if self._silences[group_id] < SILENCES:
            return False
        was_tried = group_id in self._tried
        self._tried.add(group_id)
        return was_tried
