"""
The memory of an environment about open jobs, between its sweeps. Any thread may use it.

Another environment knows nothing of it, and learns it in a few sweeps: that costs calls and time,
and loses no change.
"""

import math
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, replace
from threading import Lock

from cachetools import TTLCache

from foundation.clock import is_recent
from foundation.errors import ApplicationError
from restore_watch.asking.asked import Asked
from restore_watch.errors import (
    NotificationPendingError,
    RestoreJobNotFoundError,
)
from restore_watch.sweep.log import Acted, Fate, Record
from restore_watch.table.open_job import JobKey, OpenJob

LATELY = 600.0
"""Seconds for which an answer shows that Atlas accepts the credentials."""

MISSED_APART = 7200.0
"""Seconds between two answers that Atlas does not know a job, after which they count anew."""

FAILS_LONG = 100.0
"""Seconds after which a job that fails in every sweep is a trouble, although others answer."""

RECORDED_TIME = 7200.0
"""Seconds for which a job that the table has is not taken in again. It is of interest for less."""

RECORDED_JOBS = 20_000
"""Such jobs that are remembered."""


@dataclass(frozen=True)
class RememberedJob:
    """
    What is remembered of a job. Moments are in Unix seconds, of the last time that it happened.

    `asked`: its own endpoint was asked. `settled`: an answer of Atlas was acted on, also one of a
    list; None if never. `failure`: why the last call failed, None if it was answered.
    `fails_since`: the first of the failures in a row was met. `last_missed`: Atlas answered that it
    does not know the job. `missed_for`: the seconds from the first of these answers in a row to the
    last; another answer begins a new row.
    `topic_refused_at`: the topic refused a message about the job.
    """

    asked: float = -math.inf
    settled: float | None = None
    fails_since: float = math.inf
    failure: ApplicationError | None = None
    last_missed: float = -math.inf
    missed_for: float = 0.0
    topic_refused_at: float = -math.inf

    @property
    def is_failing(self) -> bool:
        """Whether its own endpoint failed at the last call that nothing stopped."""
        return self.failure is not None


_NOTHING = RememberedJob()


class JobMemory:
    """
    When each open job was asked about, settled and missed.

    It reads the log of each sweep. `now` gives Unix seconds.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._lock = Lock()
        self._jobs: dict[JobKey, RememberedJob] = {}
        self._recorded: TTLCache[JobKey, bool] = TTLCache(RECORDED_JOBS, RECORDED_TIME, now)
        self._accepted_at = -math.inf

    def keep_only(self, known: Container[JobKey]) -> None:
        """Forget every other job."""
        with self._lock:
            for key in [key for key in self._jobs if key not in known]:
                del self._jobs[key]

    def read_record(self, record: Record) -> None:
        """Remember what a record says about jobs."""
        with self._lock:
            match record:
                case Asked():
                    self._read_asked(record)
                case Acted(job=key) if key is not None:
                    self._read_acted(key, record)

    @property
    def was_accepted_lately(self) -> bool:
        """Whether Atlas has accepted the credentials within LATELY."""
        return is_recent(self._now() - self._accepted_at, LATELY)

    def remembered(self, key: JobKey) -> RememberedJob:
        """Return what is remembered of a job now."""
        return self._jobs.get(key, _NOTHING)

    def lasting_failures(self, jobs: Iterable[OpenJob]) -> dict[JobKey, ApplicationError]:
        """
        Return why the own endpoints of jobs have failed for longer than a sweep or two.

        Neither lists nor answers about other jobs change that.
        """
        latest = self._now() - FAILS_LONG
        lasting: dict[JobKey, ApplicationError] = {}
        for job in jobs:
            remembered = self.remembered(job.key)
            if remembered.failure is not None and remembered.fails_since <= latest:
                lasting[job.key] = remembered.failure
        return lasting

    def is_recorded(self, key: JobKey) -> bool:
        """Whether the table is known to have the job, so that no list takes it in again."""
        with self._lock:
            return key in self._recorded

    def _read_asked(self, asked: Asked) -> None:
        now, end = self._now(), asked.end
        if end.accepts:
            self._accepted_at = now
        if end.was_stopped:
            return
        for key in asked.jobs:
            self._jobs[key] = _asked(self.remembered(key), asked, now)

    def _read_acted(self, key: JobKey, acted: Acted) -> None:
        now = self._now()
        remembered = self.remembered(key)
        match acted.fate:
            case Fate.SETTLED:
                self._jobs[key] = replace(remembered, settled=now, last_missed=-math.inf)
            case Fate.MISSED:
                self._jobs[key] = _missed(remembered, now)
            case Fate.RECORDED:
                self._recorded[key] = True
            case Fate.FAILED if isinstance(acted.error, NotificationPendingError):
                self._jobs[key] = replace(remembered, topic_refused_at=now)


def _asked(job: RememberedJob, asked: Asked, now: float) -> RememberedJob:
    """Return the job after its own endpoint was asked. Not to know a job is an answer, too."""
    if asked.error is None or isinstance(asked.error, RestoreJobNotFoundError):
        return replace(job, asked=now, failure=None)
    fails_since = job.fails_since if job.is_failing else now
    return replace(job, asked=now, failure=asked.error, fails_since=fails_since)


def _missed(job: RememberedJob, now: float) -> RememberedJob:
    """Return the job after another answer that Atlas does not know it."""
    since_last = now - job.last_missed
    # After a long time without an answer, nothing is known of that time.
    is_gap = not 0 <= since_last <= MISSED_APART
    missed_for = 0.0 if is_gap else job.missed_for + since_last
    return replace(job, settled=now, last_missed=now, missed_for=missed_for)
