"""The open jobs with which a worker begins its sweep."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from cachetools import TTLCache

from foundation.deadline import Deadline
from restore_watch.errors import RestoreWatchError
from restore_watch.model.shares import WORKERS, Worker
from restore_watch.table.job_item import open_shard
from restore_watch.table.open_job import OpenJob
from restore_watch.table.open_jobs import OpenJobs
from restore_watch.threads.workers import Workers

FILED_TIME = 900.0
"""Seconds after which one of several workers looks again for jobs that are filed elsewhere."""

FILING_TIME = 10.0
"""Seconds that moving jobs to where their worker looks may take."""


class KnownJobs:
    """
    Reads the open jobs of a worker. `now` gives Unix seconds.

    1.1.0 filed a job by its own id, and may go on until an update is over. So one of several
    workers looks in the whole index at times, and moves what is its own to where it looks.
    """

    def __init__(self, index: OpenJobs, workers: Workers, now: Callable[[], float]) -> None:
        self._index = index
        self._workers = workers
        self._filed: TTLCache[Worker, bool] = TTLCache(max(WORKERS), FILED_TIME, now)

    def read(self, worker: Worker, now: datetime, deadline: Deadline) -> list[OpenJob]:
        """Return the open jobs. What cannot be moved is looked for in the next sweep again."""
        is_whole = worker.is_alone or worker not in self._filed
        jobs = self._index.read(deadline, now, worker, whole=is_whole)
        if worker.is_alone or not is_whole:
            return jobs
        strays = [job for job in jobs if job.shard != open_shard(job.target)]
        filed: list[OpenJob] = []

        def file(job: OpenJob) -> None:
            with suppress(RestoreWatchError):
                self._index.file(job, deadline)
                filed.append(job)

        self._workers.each(strays, file, deadline.within(FILING_TIME))
        if len(filed) == len(strays):
            self._filed[worker] = True
        return jobs
