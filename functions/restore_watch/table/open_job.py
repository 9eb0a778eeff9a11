"""
An open job as a sweep knows it without its item: an entry of the index OpenJobs. Pure.

The index may lag behind the item. That does no harm, because every write is conditional.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, StrictStr

from foundation.outside import FromOutside, IfReadable, UtcDate, if_unreadable
from restore_watch.model.forms_of_fields import PastMoment
from restore_watch.model.restore_job import RestoreJob, is_download
from restore_watch.model.restore_status import RestoreStatus
from restore_watch.model.restore_target import RestoreKind, RestoreTarget
from restore_watch.table.job_item import target_of
from restore_watch.table.stored_fields import StoredInteger, deserialized

# A name that only another version knows is absent. Looking up a dict is faster than an enum.
_KINDS: dict[str | None, RestoreKind] = {kind.value: kind for kind in RestoreKind}
_STATUSES: dict[str | None, RestoreStatus] = {status.value: status for status in RestoreStatus}

CHANGES_LIMIT = 1_000_000
"""No item holds so many changes. A larger number is not ours."""

type JobKey = tuple[str, str, str]
"""Project id, cluster name and restore id: the key of a job in the table."""


@dataclass(frozen=True, slots=True)
class OpenJob:
    """
    A job that may still change, or has a pending change. Dates are UTC, None if unknown.

    With a target and a kind alone, it is not known to be in the table. `missing_since` is when
    Atlas first answered that it does not know the job. A job that `is_foreign` is of a kind that
    only another version knows. A workflow may be due an answer about a job that `is_unanswered`.
    `answered_word` is an unknown status that Atlas gave in this sweep, and no change.
    """

    target: RestoreTarget
    kind: RestoreKind | None
    status: RestoreStatus | None = None
    atlas_status: str | None = None
    delivery_type: str | None = None
    expiration_date: datetime | None = None
    scheduled_at: datetime | None = None
    first_observed_at: datetime | None = None
    observed_at: datetime | None = None
    sequence: int = 0
    published: int = 0
    missing_since: datetime | None = None
    is_foreign: bool = False
    is_unanswered: bool = False
    answered_word: str | None = None

    @property
    def key(self) -> JobKey:
        """The key of the job in the table."""
        return *self.target.cluster, self.target.restore_id

    @property
    def pending(self) -> int:
        """How many changes are not known to be published."""
        return max(0, self.sequence - self.published)

    @property
    def has_ended(self) -> bool:
        """The status is final. A ready download has ended, but can still change."""
        return self.status is not None and self.status.ends

    @property
    def is_running(self) -> bool:
        """Atlas knows the job, and it has not ended."""
        return not (self.has_ended or self.is_foreign or self.status is None or self.missing_since)

    @property
    def began_at(self) -> datetime:
        """When the restore was scheduled. The id tells it of a job that does not say."""
        return self.scheduled_at or self.target.created_at

    @property
    def is_ready_download(self) -> bool:
        """As `RestoreJob.is_ready_download`."""
        return is_download(self.delivery_type) and self.status is RestoreStatus.COMPLETED

    @property
    def can_change(self) -> bool:
        """Whether to ask Atlas about the job. Otherwise only its message is pending."""
        return not self.is_foreign and (not self.has_ended or self.is_ready_download)

    def may_become(self, job: RestoreJob) -> bool:
        """Whether Atlas's answer may be a change. If not, the table need not be asked."""
        if self.status is None:
            return True
        if job.status is RestoreStatus.UNKNOWN and self.status is RestoreStatus.UNKNOWN:
            # Only the history says whether a further word is new.
            return job.terminal or job.atlas_status not in {self.atlas_status, self.answered_word}
        return self.status in job.may_replace

    def is_news(self, job: RestoreJob) -> bool:
        """Whether Atlas's answer needs action: a change, a new link, or a missing job found."""
        return self.missing_since is not None or self.has_newer_link(job) or self.may_become(job)

    def has_newer_link(self, job: RestoreJob) -> bool:
        """Whether a ready download was prepared again. A list may still show the older link."""
        if not (self.is_ready_download and job.is_ready_download) or job.expiration_date is None:
            return False
        return self.expiration_date is None or job.expiration_date > self.expiration_date

    def as_stored(self, job: RestoreJob, changes: int, published: int, at: datetime) -> "OpenJob":
        """Return the job after the table has shown this state, with so many changes."""
        return replace(
            self,
            kind=job.kind,
            status=job.status,
            atlas_status=job.atlas_status,
            delivery_type=job.delivery_type,
            expiration_date=job.expiration_date,
            scheduled_at=job.restore_scheduled_date,
            observed_at=at,
            sequence=changes,
            published=published,
        )


_Count = Annotated[StoredInteger, Field(ge=0, lt=CHANGES_LIMIT), if_unreadable(0)]
"""A number of changes; 0 for what cannot be one."""


class _IndexEntry(FromOutside):
    """The attributes of an entry. Nothing has to be right."""

    kind: IfReadable[StrictStr]
    status: IfReadable[StrictStr]
    atlas_status: IfReadable[StrictStr]
    delivery_type: IfReadable[StrictStr]
    expiration_date: IfReadable[UtcDate]
    restore_scheduled_date: IfReadable[UtcDate]
    first_observed_at: IfReadable[PastMoment]
    observed_at: IfReadable[PastMoment]
    sequence: _Count = 0
    published_sequence: _Count = 0
    missing_since: IfReadable[PastMoment]


def read_open_job(entry: Mapping[str, Any], now: datetime) -> OpenJob | None:
    """
    Read an entry of the index, in DynamoDB's types, of this or another version.

    An attribute that this version cannot read is None: then Atlas is asked, and the item decides.
    So is the moment of an observation that lies too far ahead to be true. Return None if the key
    does not name a job.
    """
    read = _IndexEntry.read(deserialized(entry), now)
    kind = _KINDS.get(read.kind)
    try:
        target = target_of(entry, kind)
    except ValueError:
        return None
    # More cannot be published than there is.
    published = read.published_sequence if read.published_sequence <= read.sequence else 0
    return OpenJob(
        target=target,
        kind=kind,
        is_foreign=read.kind is not None and kind is None,
        status=_STATUSES.get(read.status),
        atlas_status=read.atlas_status,
        delivery_type=read.delivery_type,
        expiration_date=read.expiration_date,
        scheduled_at=read.restore_scheduled_date,
        first_observed_at=read.first_observed_at,
        observed_at=read.observed_at,
        sequence=read.sequence,
        published=published,
        missing_since=read.missing_since,
        is_unanswered="unansweredSince" in entry,
    )
