"""
The jobs that sweeps follow: the sparse index OpenJobs, and when a job leaves it.

A job leaves the index by one conditional write, so that no pending or newer entry is lost.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from boto3.dynamodb.conditions import Attr, ConditionBase

from foundation.clock import date_text, utc_text
from foundation.deadline import Deadline
from restore_watch.model.forms_of_fields import AHEAD
from restore_watch.table.items import Items, lies_between
from restore_watch.table.job_item import key_of
from restore_watch.table.open_job import OpenJob, read_open_job
from restore_watch.table.open_shards import OPEN_SHARDS

INDEX = "OpenJobs"

_missing_since, _link_date = Attr("missingSince"), Attr("expirationDate")


class OpenJobs(Items):
    """The index OpenJobs of the table."""

    def iterate_jobs(self, deadline: Deadline, now: datetime) -> Iterator[OpenJob]:
        """Yield every open job: every page of every shard."""
        for shard in OPEN_SHARDS:
            for entry in self._query({"openShard": shard}, deadline, index=INDEX):
                job = read_open_job(entry, now)
                if job:
                    yield job

    def note_missing(self, job: OpenJob, at: datetime, deadline: Deadline) -> None:
        """Store the moment since when Atlas does not know the job, unless a moment is stored."""
        is_stored = lies_between("missingSince", "2000", utc_text(at + AHEAD))  # none is older
        self._update_open(job, deadline, ~is_stored, missingSince=utc_text(at))

    def clear_missing(self, job: OpenJob, deadline: Deadline) -> None:
        """Forget that the job was missed."""
        self._update_open(job, deadline, _missing_since.exists(), missingSince=None)

    def drop_missing(self, job: OpenJob, deadline: Deadline) -> bool:
        """
        Take a job that Atlas does not know out of the index.

        False if it was found or has changed meanwhile, something is pending, or a workflow waits
        for it. A named check takes it in again.
        """
        since = job.missing_since
        return since is not None and self._drop(job, deadline, _missing_since.eq(utc_text(since)))

    def drop_expired_link(self, job: OpenJob, deadline: Deadline) -> bool:
        """As `drop_missing`, for a ready download with an expired link that has not moved."""
        date = job.expiration_date
        is_same = _link_date.eq(date_text(date)) if date else _link_date.not_exists()
        return self._drop(job, deadline, is_same)

    def move_link(self, job: OpenJob, expires_at: datetime, deadline: Deadline) -> None:
        """Store that the link of a ready download expires at another moment. Not a change."""
        date = date_text(expires_at)
        # Within one second, texts are not in the order of their moments. A link works for an hour.
        is_older = _link_date.not_exists() | _link_date.lt(date)
        self._update_open(job, deadline, is_older, expirationDate=date)

    def _drop(self, job: OpenJob, deadline: Deadline, reason: ConditionBase) -> bool:
        all_published = Attr("publishedSequence").eq(job.sequence) & Attr("waiting").not_exists()
        stored = self._update_open(job, deadline, all_published & reason, openShard=None)
        return "openShard" not in stored

    def _update_open(
        self, job: OpenJob, deadline: Deadline, condition: ConditionBase, **sets: str | None
    ) -> Mapping[str, Any]:
        is_open = Attr("openShard").exists() & Attr("sequence").eq(job.sequence)
        return self._update(key_of(job.target), deadline, is_open & condition, sets=sets)
