"""
The memory of an environment about open jobs, between its sweeps. Any thread may use it.

All of it only saves calls and settles an order: another environment knows nothing of it.
"""

import math
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass
from random import shuffle
from threading import Lock

from cachetools import TTLCache

from restore_watch.errors import RestoreWatchError
from restore_watch.model.restore_job import RestoreKind
from restore_watch.table.open_job import JobKey, OpenJob

LISTS_REMEMBERED = 1000
"""Lists that were of no use that are remembered."""

USELESS_TIME = 3600.0
"""Seconds for which a list that was of no use twice is not asked for."""

LATELY = 600.0
"""Seconds for which an answer shows that Atlas accepts the credentials. Old jobs take turns."""

MISSED_APART = 7200.0
"""Seconds between two answers that Atlas does not know a job, after which they count anew."""

FAILS_LONG = 100.0
"""Seconds after which a job that fails in every sweep is a trouble, although others answer."""

RECORDED_TIME = 7200.0
"""Seconds for which a recorded job is not taken in again. It is of interest for less."""

RECORDED_JOBS = 20_000
"""Recorded jobs that are remembered."""

type _List = tuple[str, str, RestoreKind | None]


@dataclass
class _Moments:
    """In Unix seconds, None for never."""

    asked: float | None = None
    asked_alone: float | None = None
    settled: float | None = None
    fails_since: float | None = None
    failure: RestoreWatchError | None = None
    missed_since: float | None = None
    last_missed: float | None = None
    refused: float | None = None


_NEVER = _Moments()


class SweepMemory:
    """
    When each open job was asked about, settled and missed, and which lists are of no use.

    `now` gives Unix seconds.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._lock = Lock()
        self._moments: dict[JobKey, _Moments] = {}
        self._useless: TTLCache[_List, int] = TTLCache(LISTS_REMEMBERED, USELESS_TIME, now)
        self._left_out: set[JobKey] = set()
        self._recorded: TTLCache[JobKey, bool] = TTLCache(RECORDED_JOBS, RECORDED_TIME, now)
        self._answered = -math.inf

    def keep_only(self, known: Container[JobKey]) -> None:
        """Forget every other job."""
        with self._lock:
            self._moments = {key: one for key, one in self._moments.items() if key in known}
            self._left_out = {key for key in self._left_out if key in known}

    def answered(self) -> None:
        """Atlas answered a question, and did not refuse the credentials."""
        self._answered = self._now()

    @property
    def was_answered_lately(self) -> bool:
        """Whether Atlas has accepted the credentials within LATELY."""
        return 0 <= self._now() - self._answered < LATELY

    def asked(self, job: OpenJob, *, alone: bool = False) -> None:
        """Atlas was asked about the job, and no rate limit stopped the question."""
        with self._lock:
            moments = self._of(job)
            moments.asked = self._now()
            if alone:
                moments.asked_alone = moments.asked
            self._left_out.discard(job.key)

    def turns(self, jobs: Iterable[OpenJob]) -> tuple[OpenJob, ...]:
        """Return the jobs of a list whose own endpoints fail, or else the longest unasked one."""
        with self._lock:
            known = [(self._moments.get(job.key, _NEVER), job) for job in jobs]
        ordered = sorted(known, key=lambda one: one[0].asked_alone or -math.inf)
        failing = tuple(job for moments, job in ordered if moments.failure is not None)
        return failing or tuple(job for _, job in ordered[:1])

    def fails(self, job: OpenJob) -> bool:
        """Whether the job's own endpoint failed when it was last asked."""
        with self._lock:
            moments = self._moments.get(job.key)
            return moments is not None and moments.failure is not None

    def failed(self, job: OpenJob, error: RestoreWatchError) -> None:
        """The job's own endpoint failed."""
        with self._lock:
            moments = self._of(job)
            moments.failure = error
            if moments.fails_since is None:
                moments.fails_since = self._now()

    def answered_alone(self, job: OpenJob) -> None:
        """The job's own endpoint answered, if only that it does not know the job."""
        with self._lock:
            moments = self._of(job)
            moments.fails_since = moments.failure = None

    def lasting_failure(self, job: OpenJob) -> RestoreWatchError | None:
        """
        Return why the job's own endpoint has failed for longer than a sweep or two, if it has.

        Neither lists nor answers about other jobs change that.
        """
        with self._lock:
            moments = self._moments.get(job.key)
            if moments is None or moments.fails_since is None:
                return None
            return moments.failure if self._now() - moments.fails_since >= FAILS_LONG else None

    def settled(self, job: OpenJob) -> None:
        """Atlas answered, and what it said is recorded and published."""
        with self._lock:
            moments = self._of(job)
            moments.settled, moments.missed_since = self._now(), None

    def missed(self, job: OpenJob) -> float:
        """
        Atlas does not know the job. Return for how many seconds it has always said so.

        After a long time without an answer, nothing is known of that time.
        """
        now = self._now()
        with self._lock:
            moments = self._of(job)
            moments.settled = now
            last, moments.last_missed = moments.last_missed, now
            is_gap = last is None or not 0 <= now - last <= MISSED_APART
            if moments.missed_since is None or is_gap:
                moments.missed_since = now
            return now - moments.missed_since

    def recorded(self, key: JobKey) -> None:
        """The table has the job, and no sweep follows it, or it was found just now."""
        with self._lock:
            self._recorded[key] = True

    def is_recorded(self, key: JobKey) -> bool:
        """Whether the table is known to have the job."""
        with self._lock:
            return key in self._recorded

    def refused(self, job: OpenJob) -> None:
        """The topic refused a message about the job."""
        with self._lock:
            self._of(job).refused = self._now()

    def last_refused(self, job: OpenJob) -> float:
        """Return when that was the last time, in Unix seconds."""
        with self._lock:
            return self._moments.get(job.key, _NEVER).refused or -math.inf

    def longest_unasked_first(self, jobs: Iterable[OpenJob]) -> list[OpenJob]:
        """
        Order the jobs. Those that Atlas was never asked about come first, in any order.

        An environment that dies while it asks about some job thus does not always begin with it.
        """
        shuffled = list(jobs)
        shuffle(shuffled)
        with self._lock:
            asked = {key: one.asked for key, one in self._moments.items() if one.asked is not None}
        return sorted(shuffled, key=lambda job: asked.get(job.key, -math.inf))

    def last_settled(self, job: OpenJob) -> float | None:
        """Return when the job was last settled."""
        with self._lock:
            moments = self._moments.get(job.key)
        return moments.settled if moments else None

    def list_helps(self, jobs: Sequence[OpenJob]) -> bool:
        """Whether to ask for the list of the jobs' cluster: it has shown such jobs before."""
        with self._lock:
            is_useful = self._useless.get(_list_of(jobs[0]), 0) < 2
            return is_useful and all(job.key not in self._left_out for job in jobs)

    def left_out(self, job: OpenJob) -> None:
        """No call was left to ask about a job alone: the list of its cluster lets it go first."""
        with self._lock:
            self._left_out.add(job.key)

    def list_was(self, job: OpenJob, *, useful: bool) -> None:
        """
        Remember whether the list of the job's cluster showed open jobs.

        Nobody documents the order of a list: the open jobs may be far behind others.
        """
        key = _list_of(job)
        with self._lock:
            if useful:
                self._useless.pop(key, None)
            else:
                self._useless[key] = self._useless.get(key, 0) + 1

    def _of(self, job: OpenJob) -> _Moments:
        return self._moments.setdefault(job.key, _Moments())


def _list_of(job: OpenJob) -> _List:
    return (*job.target.cluster, job.kind)
