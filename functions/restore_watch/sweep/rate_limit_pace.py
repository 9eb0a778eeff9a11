"""Which calls to Atlas a sweep may still make. No I/O."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from restore_watch.atlas.rate_limits import Bucket

SILENCES = 3
"""A project that answers 5xx or not at all this many times in a row is left to the next round."""

REFUSALS = 3
"""After so many refusals and no other answer, a sweep leaves a family alone: there is no role."""

STARVED = 0.9
"""With this share left, nobody else has used up a bucket, even if all of it is to be left."""


@dataclass
class _Calls:
    """The calls from one bucket: whether the first one of each purpose was made, and more."""

    to_ask: bool = False
    to_find: bool = False
    best_share: float = -1.0
    is_stopped: bool = False
    refusals: int = 0
    is_accepted: bool = False


@dataclass
class _Project:
    silences: int = 0
    was_tried: bool = False


class Pace:
    """
    Leaves a share of every bucket of calls to the project's other tools.

    `share_left` returns the share of a bucket that is left, from 0 to 1, as Atlas's answers since a
    moment say it, or None; `since` is when the sweep began. If less than `reserve` is left, the
    sweep makes no more calls from that bucket, except the first one of each purpose: to ask about
    known jobs, and to find others. So every sweep learns how much is left now, and other tools
    cannot blind the watch. If that is too little from the start, the bucket is `starved`.

    While it `waits`, because Atlas has asked for that, a sweep makes one call. A family that only
    refuses is not asked again in this sweep. A project that does not answer gets one question in
    each later round. Any thread may use it.
    """

    def __init__(
        self,
        reserve: float,
        share_left: Callable[[Bucket, float], float | None],
        since: float,
        *,
        waits: Callable[[Bucket], bool],
    ) -> None:
        self._reserve = reserve
        self._share_left: Callable[[Bucket], float | None] = lambda one: share_left(one, since)
        self.waits = waits
        self._lock = Lock()
        self._calls: defaultdict[Bucket, _Calls] = defaultdict(_Calls)
        self._projects: defaultdict[str | None, _Project] = defaultdict(_Project)
        self._is_again = False

    def allows(self, bucket: Bucket, *, to_find: bool = False) -> bool:
        """Whether a call may be made now; it counts as made."""
        share, waits = self._share_left(bucket), self.waits(bucket)
        with self._lock:
            calls = self._calls[bucket]
            is_refused = calls.refusals >= REFUSALS and not calls.is_accepted
            if is_refused or self._is_left_alone(bucket.group_id):
                return False
            if waits and (calls.to_ask or calls.to_find):
                return False
            is_first = not (calls.to_find if to_find else calls.to_ask)
            calls.to_find |= to_find
            calls.to_ask |= not to_find
            is_allowed = is_first or share is None or share >= self._reserve
            calls.is_stopped |= not is_allowed and (to_find or not self._is_again)
        return is_allowed

    @property
    def starved(self) -> frozenset[Bucket]:
        """
        The buckets of which others had left too little for the calls that were due.

        Later questions about hot jobs do not count.
        """
        enough = min(self._reserve, STARVED)
        with self._lock:
            return frozenset(
                bucket
                for bucket, calls in self._calls.items()
                if calls.is_stopped and 0 <= calls.best_share < enough
            )

    def begin_round(self) -> None:
        """
        Ask again about hot jobs.

        A project that did not answer gets one question. An answer permits all others.
        """
        with self._lock:
            self._is_again = True
            for project in self._projects.values():
                project.was_tried = False

    def answers(self, group_id: str | None) -> bool:
        """Whether Atlas answered the last question about the project, or none was asked."""
        with self._lock:
            return not self._projects[group_id].silences

    def answered(self, bucket: Bucket) -> None:
        """Atlas answered, if only that it does not know the job."""
        share = self._share_left(bucket)
        with self._lock:
            calls = self._calls[bucket]
            calls.is_accepted = True
            if share is not None:
                calls.best_share = max(share, calls.best_share)
            self._projects[bucket.group_id].silences = 0

    def silent(self, bucket: Bucket) -> None:
        """No answer came, or Atlas is out of order."""
        with self._lock:
            project = self._projects[bucket.group_id]
            project.silences += 1
            project.was_tried = True

    def refused(self, bucket: Bucket) -> None:
        """Atlas refused the credentials for one of these endpoints: this job, or all of them."""
        with self._lock:
            self._calls[bucket].refusals += 1

    def _is_left_alone(self, group_id: str | None) -> bool:
        project = self._projects[group_id]
        if project.silences < SILENCES:
            return False
        was_tried, project.was_tried = project.was_tried, True
        return was_tried
