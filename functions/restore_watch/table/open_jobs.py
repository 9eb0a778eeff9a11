"""
The jobs that sweeps follow: the sparse index OpenJobs, and when a job leaves it.

A job leaves the index by one conditional write, so that no pending or newer entry is lost.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from foundation.deadline import Deadline
from restore_watch.model.status_change import utc_text
from restore_watch.table.items import Items
from restore_watch.table.job_item import OPEN_SHARDS, key
from restore_watch.table.open_job import OpenJob, read_open_job
from restore_watch.table.stored_fields import AHEAD

INDEX = "OpenJobs"

OLDEST_TEXT = "2000"
"""No moment of this application is older."""

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

    def read_jobs(self, deadline: Deadline, now: datetime) -> list[OpenJob]:
        """Return every open job."""
        return list(self.iterate_jobs(deadline, now))

    def iterate_jobs(self, deadline: Deadline, now: datetime) -> Iterator[OpenJob]:
        """Yield every open job: every page of every shard."""
        for shard in OPEN_SHARDS:
            for entry in self._query({"openShard": shard}, deadline, index=INDEX):
                job = read_open_job(entry, now)
                if job:
                    yield job

    def note_missing(self, job: OpenJob, at: datetime, deadline: Deadline) -> None:
        """Store the moment since when Atlas does not know the job, unless a moment is stored."""
        self._update_open(
            job,
            deadline,
            sets={"missingSince": utc_text(at)},
            condition=_NOT_MISSED,
            values={"text": "S", "oldest": OLDEST_TEXT, "ahead": utc_text(at + AHEAD)},
        )

    def clear_missing(self, job: OpenJob, deadline: Deadline) -> None:
        """Forget that the job was missed."""
        self._update_open(job, deadline, sets={"missingSince": None})

    def drop_missing(self, job: OpenJob, deadline: Deadline) -> bool:
        """
        Take a job that Atlas does not know out of the index.

        False if it was found or has changed meanwhile, something is pending, or a workflow waits
        for it. A named check takes it in again.
        """
        if job.missing_since is None:
            return False
        return self._leave(job, deadline, _STILL_MISSED, missingSince=utc_text(job.missing_since))

    def drop_expired_link(self, job: OpenJob, deadline: Deadline) -> bool:
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


def _json_date(moment: datetime) -> str:
    """A UTC date of the job in the form in which its item has it."""
    return moment.isoformat().removesuffix("+00:00") + "Z"
