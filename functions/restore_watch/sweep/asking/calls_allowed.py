"""Which calls to Atlas a sweep may still make. No I/O."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from restore_watch.atlas.rate_limits import Bucket
from restore_watch.errors import AtlasRateLimitError
from restore_watch.sweep.log import Asked, End, Record, Subject, Unread

SILENCES = 3
"""A project that answers 5xx or not at all this many times in a row is left to the next round."""

REFUSALS = 3
"""After so many refusals and no other answer, a sweep leaves a family alone: there is no role."""

RESERVE = 0.5
"""The share of each of Atlas's rate limits that is left to the project's other tools."""


@dataclass
class _Calls:
    """The calls from one bucket. `follows` and `finds`: the first call to do so was made."""

    follows: bool = False
    finds: bool = False
    best_share: float = -1.0
    is_stopped: bool = False
    refusals: int = 0
    is_accepted: bool = False


@dataclass
class _Project:
    silences: int = 0
    was_tried: bool = False


@dataclass(eq=False, repr=False)
class Pace:
    """
    Leaves half of every bucket of calls to the project's other tools.

    `share_left` returns the share of a bucket that is left, from 0 to 1, as Atlas's answers in this
    sweep say it, or None. If less than `RESERVE` is left, the sweep makes no more calls from that
    bucket, except the first one of each purpose: to ask about known jobs, and to find others. So
    every sweep learns how much is left now, and other tools cannot blind the watch. If that is too
    little from the start, the bucket is `starved`.

    While it `waits`, because Atlas has asked for that, a sweep makes one call. A family that only
    refuses is not asked again in this sweep. A project that does not answer gets one question in
    each later round. Any thread may use it.
    """

    share_left: Callable[[Bucket], float | None]
    waits: Callable[[Bucket], bool]

    def __post_init__(self) -> None:
        self._lock = Lock()
        self._calls: defaultdict[Bucket, _Calls] = defaultdict(_Calls)
        self._projects: defaultdict[str | None, _Project] = defaultdict(_Project)
        self._is_again = False

    def allows(self, bucket: Bucket, *, to_find: bool = False) -> bool:
        """Whether a call may be made now; it counts as made."""
        share, waits = self.share_left(bucket), self.waits(bucket)
        with self._lock:
            calls = self._calls[bucket]
            is_refused = calls.refusals >= REFUSALS and not calls.is_accepted
            if is_refused or (waits and (calls.follows or calls.finds)):
                return False
            is_first = not (calls.finds if to_find else calls.follows)
            is_allowed = is_first or share is None or share >= RESERVE
            # The last check: it uses up the only question of a silent project in this round.
            if is_allowed and self._is_left_alone(bucket.group_id):
                return False
            calls.finds |= to_find
            calls.follows |= not to_find
            calls.is_stopped |= not is_allowed and (to_find or not self._is_again)
        return is_allowed

    def starved(self) -> list[Unread]:
        """
        Return the buckets of which others had left too little for the calls that were due.

        Later questions about hot jobs do not count.
        """
        with self._lock:
            calls = dict(self._calls)
        return [
            Unread(
                Subject.in_bucket(bucket, "starved"),
                AtlasRateLimitError(
                    f"Other tools use up Atlas's rate limit for {bucket.family.of_single}. Too "
                    "little was left from the start, so only one call was made. Slow down the "
                    "other tools"
                ),
            )
            for bucket, calls in calls.items()
            # Whether the list of projects was read is a trouble of the stack.
            if bucket.group_id and calls.is_stopped and 0 <= calls.best_share < RESERVE
        ]

    def begin_round(self) -> None:
        """Ask again about hot jobs: one question of a silent project, and all once it answers."""
        with self._lock:
            self._is_again = True
            for project in self._projects.values():
                project.was_tried = False

    def is_answered_by(self, group_id: str | None) -> bool:
        """Whether Atlas answered the last question about the project, or none was asked."""
        with self._lock:
            return not self._projects[group_id].silences

    def read_record(self, record: Record) -> None:
        """Count how a question ended."""
        if not isinstance(record, Asked):
            return
        bucket, end = record.subject.bucket, record.end
        share = self.share_left(bucket) if end.accepts else None
        with self._lock:
            calls, project = self._calls[bucket], self._projects[bucket.group_id]
            if end.accepts:
                calls.is_accepted = True
                project.silences = 0
                if share is not None:
                    calls.best_share = max(share, calls.best_share)
            # The list of a cluster says nothing about the endpoints of its jobs, which come next.
            elif record.subject.question is None:
                return
            elif end is End.SILENT:
                project.silences += 1
                project.was_tried = True
            elif end is End.REFUSED:
                calls.refusals += 1

    def _is_left_alone(self, group_id: str | None) -> bool:
        project = self._projects[group_id]
        if project.silences < SILENCES:
            return False
        was_tried, project.was_tried = project.was_tried, True
        return was_tried
