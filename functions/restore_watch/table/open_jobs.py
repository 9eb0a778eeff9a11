"""
The jobs that sweeps follow: the sparse index OpenJobs, and when a job leaves it.

A job leaves the index by one conditional write, so that no pending or newer entry is lost.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import chain
from typing import Any

from foundation.deadline import Deadline
from foundation.errors import TimeBudgetExceededError
from restore_watch.errors import TableUnavailableError
from restore_watch.model.shares import ALONE, Worker
from restore_watch.model.status_change import utc_text
from restore_watch.table.items import Items
from restore_watch.table.job_item import OPEN_SHARDS, key, open_shard
from restore_watch.table.open_job import OpenJob, read_open_job
from restore_watch.table.stored_fields import AHEAD

INDEX = "OpenJobs"

OLDEST_TEXT = "2000"
"""No moment of this application is older."""

MOVING_TIME = 5.0
"""Seconds of a sweep that moving strays may take. The next one goes on with it."""

_IS_OPEN = "attribute_exists(#openShard) AND #sequence = :sequence"
# A value that cannot be such a moment counts as absent.
_NOT_MISSED = (
    " AND NOT (attribute_type(#missingSince, :text) AND #missingSince BETWEEN :oldest AND :ahead)"
)
_ALL_PUBLISHED = " AND #publishedSequence = :sequence AND attribute_not_exists(#waiting)"
_STILL_MISSED = " AND #missingSince = :missingSince"
_SAME_LINK = " AND #expirationDate = :expirationDate"
_NO_LINK_DATE = " AND attribute_not_exists(#expirationDate)"
# Within one second, texts are not in the order of their moments. A link works for an hour.
_OLDER_LINK = " AND (attribute_not_exists(#expirationDate) OR #expirationDate < :expirationDate)"


class OpenJobs(Items):
    """The index OpenJobs of the table."""

    def read(self, deadline: Deadline, now: datetime, worker: Worker = ALONE) -> list[OpenJob]:
        """
        Return every open job of a worker: every page of its shards.

        1.1.0 chose the shard by the id of the job, and may go on until an update is over. So of
        several workers, each moves what it finds in another shard than that of the project.
        """
        jobs, strays = list[OpenJob](), list[OpenJob]()
        for shard in shards_of(worker):
            for entry in self._query({"openShard": shard}, deadline, index=INDEX):
                group_id = entry["cluster"]["S"].partition("/")[0]
                is_own = worker.has(group_id)
                is_stray = worker.of > 1 and shard != open_shard(group_id)
                job = read_open_job(entry, now) if is_own or is_stray else None
                if job and is_own:
                    jobs.append(job)
                if job and is_stray:
                    strays.append(job)
        self._move(strays, deadline.within(MOVING_TIME))
        return jobs

    def each(self, deadline: Deadline, now: datetime) -> Iterator[OpenJob]:
        """Return the open jobs of all workers, page by page, for those who count them only."""
        shards = (self._query({"openShard": one}, deadline, index=INDEX) for one in OPEN_SHARDS)
        entries = chain.from_iterable(shards)
        return (job for entry in entries if (job := read_open_job(entry, now)))

    def _move(self, strays: Iterable[OpenJob], deadline: Deadline) -> None:
        for job in strays:
            with suppress(TableUnavailableError, TimeBudgetExceededError):
                shard = open_shard(job.target.group_id)
                self._update_open(job, deadline, sets={"openShard": shard})

    def missed(self, job: OpenJob, at: datetime, deadline: Deadline) -> None:
        """Store the moment since when Atlas does not know the job, unless one is stored."""
        self._update_open(
            job,
            deadline,
            sets={"missingSince": utc_text(at)},
            condition=_NOT_MISSED,
            values={"text": "S", "oldest": OLDEST_TEXT, "ahead": utc_text(at + AHEAD)},
        )

    def found(self, job: OpenJob, deadline: Deadline) -> None:
        """Forget that the job was missed."""
        self._update_open(job, deadline, sets={"missingSince": None})

    def forget(self, job: OpenJob, deadline: Deadline) -> bool:
        """
        Take a job that Atlas does not know out of the index.

        False if it was found or has changed meanwhile, something is pending, or a workflow waits
        for it. A named check takes it in again.
        """
        if job.missing_since is None:
            return False
        return self._leave(job, deadline, _STILL_MISSED, missingSince=utc_text(job.missing_since))

    def leave_link(self, job: OpenJob, deadline: Deadline) -> bool:
        """
        Take a ready download out of the index, because its link has expired.

        False if it has changed or its link has moved meanwhile, something is pending, or a workflow
        waits for it.
        """
        if job.expiration_date is None:
            return self._leave(job, deadline, _NO_LINK_DATE)
        return self._leave(
            job, deadline, _SAME_LINK, expirationDate=_json_date(job.expiration_date)
        )

    def move_link(self, job: OpenJob, expires_at: datetime, deadline: Deadline) -> None:
        """Store that the link of a ready download expires at another moment. Not a change."""
        self._update_open(
            job,
            deadline,
            sets={"expirationDate": _json_date(expires_at)},
            condition=_OLDER_LINK,
        )

    def _leave(self, job: OpenJob, deadline: Deadline, reason: str, **values: str) -> bool:
        stored = self._update_open(
            job,
            deadline,
            sets={"openShard": None},
            condition=_ALL_PUBLISHED + reason,
            values=values,
        )
        return "openShard" not in stored

    def _update_open(
        self,
        job: OpenJob,
        deadline: Deadline,
        *,
        sets: Mapping[str, Any],
        condition: str = "",
        values: Mapping[str, Any] | None = None,
    ) -> Mapping[str, Any]:
        return self._update(
            key(*job.key),
            deadline,
            sets=sets,
            condition=_IS_OPEN + condition,
            values={"sequence": job.sequence, **(values or {})},
        )


def shards_of(worker: Worker) -> Sequence[str]:
    """The shards of the worker's projects, of which one may have others too."""
    first, end = (number * len(OPEN_SHARDS) for number in (worker.number, worker.number + 1))
    return OPEN_SHARDS[first // worker.of : (end - 1) // worker.of + 1]


def _json_date(moment: datetime) -> str:
    """A UTC date of the job in the form in which its item has it."""
    return moment.isoformat().removesuffix("+00:00") + "Z"
