"""Which calls to Atlas may still be made. No I/O."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from threading import Lock

from restore_watch.asking.asked import Asked, End
from restore_watch.atlas.rate_limits import Bucket

SILENCES = 3
"""A project that answers 5xx or not at all this many times in a row is left to the next round."""

REFUSALS = 3
"""After so many refusals and no other answer, a family is left alone: there is no role for it."""

RESERVE = 0.5
"""The share of each of Atlas's rate limits that is left to the project's other tools."""


class Permission(Enum):
    """
    Whether a call may be made now.

    NO_ROLE: the family only refuses. RESERVED: what is left of the bucket is for other tools.
    SILENT: the project does not answer, and was asked in this round.
    """

    GIVEN = auto()
    NO_ROLE = auto()
    RESERVED = auto()
    SILENT = auto()


@dataclass
class _Calls:
    """
    The calls from one bucket.

    `has_followed`: a call about known jobs was made. `has_found`: a call to find others was made.
    `best_share`: the largest share that was left after an answer, -1 if no answer has said it.
    `is_held_back`: a call that was due was left to other tools. `refusals`: how often Atlas
    answered 401 or 403. `is_accepted`: Atlas has given another answer.
    """

    has_followed: bool = False
    has_found: bool = False
    best_share: float = -1.0
    is_held_back: bool = False
    refusals: int = 0
    is_accepted: bool = False

    @property
    def has_no_role(self) -> bool:
        """Whether the family only refuses."""
        return self.refusals >= REFUSALS and not self.is_accepted


@dataclass
class _Project:
    """How often in a row a project did not answer, and whether it was asked in this round."""

    silences: int = 0
    was_tried: bool = False

    @property
    def is_silent(self) -> bool:
        """Whether the project gets only one question in each round."""
        return self.silences >= SILENCES


@dataclass(eq=False, repr=False)
class Pace:
    """
    Leaves half of every bucket of calls to the project's other tools.

    `share_left` returns the share of a bucket that is left, from 0 to 1, as Atlas's answers since
    the beginning say it, or None. If less than `RESERVE` is left, no more calls are made from that
    bucket, except the first call of each purpose: to ask about known jobs, and to find others. So
    every sweep learns how much is left now, and other tools cannot blind the watch.

    A family that only refuses is not asked again. A project that does not answer gets one question
    in each later round. Any thread may use it.

    A sweep has one pace for all its rounds. A report has a new pace for each round and calls only
    to find. So only sweeps use `begin_round` and `starved_buckets`.
    """

    share_left: Callable[[Bucket], float | None]

    def __post_init__(self) -> None:
        self._lock = Lock()
        self._calls: defaultdict[Bucket, _Calls] = defaultdict(_Calls)
        self._projects: defaultdict[str | None, _Project] = defaultdict(_Project)
        self._is_later_round = False

    def take_call(self, bucket: Bucket, *, to_find: bool = False) -> Permission:
        """Take a call from the bucket, which is then made, if that is GIVEN."""
        share = self.share_left(bucket)
        with self._lock:
            permission = self._permission(bucket, share, to_find=to_find)
            if permission is Permission.GIVEN:
                self._note_call(bucket, to_find=to_find)
            # Later rounds ask about hot jobs once more: such a call was not due.
            elif permission is Permission.RESERVED and (to_find or not self._is_later_round):
                self._calls[bucket].is_held_back = True
        return permission

    def starved_buckets(self) -> list[Bucket]:
        """
        Return the buckets from which calls that were due were not made.

        No answer in this sweep has left `RESERVE` or more, so other tools had used up the rest.
        """
        with self._lock:
            return [
                bucket
                for bucket, calls in self._calls.items()
                # Whether the list of projects was read is a trouble of the stack.
                if bucket.group_id and calls.is_held_back and 0 <= calls.best_share < RESERVE
            ]

    def begin_round(self) -> None:
        """
        Begin a later round of a sweep, which asks about hot jobs.

        A silent project gets one question, and all others after it has answered that question.
        """
        with self._lock:
            self._is_later_round = True
            for project in self._projects.values():
                project.was_tried = False

    def has_no_role(self, bucket: Bucket) -> bool:
        """Whether the family of the bucket only refuses."""
        with self._lock:
            return self._calls[bucket].has_no_role

    def read_record(self, record: object) -> None:
        """Count how a question ended. Other records of a log say nothing of the pace."""
        if not isinstance(record, Asked):
            return
        bucket = record.subject.bucket
        if record.end.accepts:
            self._note_accepted(bucket, self.share_left(bucket))
        else:
            self._note_failed(bucket, record.end)

    def _permission(self, bucket: Bucket, share: float | None, *, to_find: bool) -> Permission:
        calls, project = self._calls[bucket], self._projects[bucket.group_id]
        if calls.has_no_role:
            return Permission.NO_ROLE
        is_first = not (calls.has_found if to_find else calls.has_followed)
        if not is_first and share is not None and share < RESERVE:
            return Permission.RESERVED
        if project.is_silent and project.was_tried:
            return Permission.SILENT
        return Permission.GIVEN

    def _note_accepted(self, bucket: Bucket, share: float | None) -> None:
        with self._lock:
            calls = self._calls[bucket]
            calls.is_accepted = True
            if share is not None:
                calls.best_share = max(share, calls.best_share)
            self._projects[bucket.group_id].silences = 0

    def _note_failed(self, bucket: Bucket, end: End) -> None:
        with self._lock:
            calls, project = self._calls[bucket], self._projects[bucket.group_id]
            if end is End.SILENT:
                project.silences += 1
                project.was_tried = True
            elif end is End.REFUSED:
                calls.refusals += 1

    def _note_call(self, bucket: Bucket, *, to_find: bool) -> None:
        calls, project = self._calls[bucket], self._projects[bucket.group_id]
        if to_find:
            calls.has_found = True
        else:
            calls.has_followed = True
        if project.is_silent:
            project.was_tried = True
