"""
What a restore job is, and what counts as a change. Pure: no I/O, no clock.

The vocabulary is that of Atlas's Flex and tenant restore jobs; dedicated ones are translated into
it (`restore_watch.atlas.responses`).
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    StrictBool,
    StringConstraints,
    computed_field,
)
from pydantic.alias_generators import to_camel

# Atlas's own patterns of the path parameters. The specification bounds no cluster name; Atlas's
# console does at 64, and a bound keeps what follows (SNS subject, partition key) bounded too.
ObjectId = Annotated[str, StringConstraints(strict=True, pattern=r"^[a-f0-9]{24}$")]
ClusterName = Annotated[
    str, StringConstraints(strict=True, pattern=r"^[a-zA-Z0-9][a-zA-Z0-9-]*$", max_length=64)
]

TEXT_LIMIT = 256
"""Characters kept of a text from Atlas, so that no odd answer can outgrow an item or a message."""


def _written_as_date(value: object) -> object:
    # pydantic reads a number as a Unix time, in a text as well; Atlas writes none.
    if value is None or isinstance(value, datetime):
        return value
    if isinstance(value, str) and re.match(r"\d{4}-\d{2}-\d{2}", value):
        return value
    msg = "a date must be text in ISO 8601"
    raise ValueError(msg)


def _kept_of(text: str) -> str:
    # JSON can spell half a character, which nothing that is sent on could hold.
    return text[:TEXT_LIMIT].encode(errors="replace").decode()


def _in_utc(value: datetime) -> datetime:
    try:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError:
        msg = "a date must lie within the years 1 to 9999, in UTC too"
        raise ValueError(msg) from None


Text = Annotated[str, StringConstraints(strict=True), AfterValidator(_kept_of)]
UtcDate = Annotated[datetime, BeforeValidator(_written_as_date), AfterValidator(_in_utc)]


class RestoreKind(StrEnum):
    """Which family of Atlas endpoints answers for a job."""

    FLEX = "flex"
    DEDICATED = "dedicated"
    TENANT = "tenant"


class RestoreStatus(StrEnum):
    """
    PENDING < QUEUED < RUNNING < UNKNOWN < COMPLETED | FAILED | CANCELLED < EXPIRED.

    UNKNOWN stands for any word that Atlas may add; `RestoreJob.atlas_status` keeps the word.
    """

    PENDING = "PENDING"
    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    UNKNOWN = "UNKNOWN"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        return cls.UNKNOWN if isinstance(value, str) else None

    @property
    def rank(self) -> int:
        """A status is only ever followed by one of higher rank."""
        return _RANK[self]

    @property
    def ends(self) -> bool:
        """Whether the word alone says that Atlas is done with the job."""
        return self.rank >= _RANK[RestoreStatus.COMPLETED]


_RANK = {
    RestoreStatus.PENDING: 0,
    RestoreStatus.QUEUED: 1,
    RestoreStatus.RUNNING: 2,
    RestoreStatus.UNKNOWN: 3,
    RestoreStatus.COMPLETED: 4,
    RestoreStatus.FAILED: 4,
    RestoreStatus.CANCELLED: 4,
    RestoreStatus.EXPIRED: 5,
}


class RestoreTarget(BaseModel):
    """
    Which restore job to look up. `cluster_name` is the cluster whose snapshot is restored.

    `kind` None lets Atlas tell the kind. `envelope` and `pretty` are passed on to Atlas when given.
    """

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, hide_input_in_errors=True)

    group_id: ObjectId
    cluster_name: ClusterName
    restore_id: ObjectId
    kind: RestoreKind | None = None
    envelope: StrictBool | None = None
    pretty: StrictBool | None = None

    @property
    def created_at(self) -> datetime:
        """When Atlas made the job: the first eight digits of an ObjectId are Unix seconds."""
        return datetime.fromtimestamp(int(self.restore_id[:8], 16), UTC)

    def as_json(self) -> dict[str, Any]:
        """The target in the words of the invocation contract."""
        return {
            "groupId": self.group_id,
            "clusterName": self.cluster_name,
            "restoreId": self.restore_id,
            "kind": self.kind or "auto",
        }


class RestoreJob(BaseModel):
    """
    One restore job as Atlas last described it. Dates are UTC, durations whole seconds.

    Download URLs have no field here: whoever holds one can read the whole database, so they end
    at parsing, and only `download_available` remains.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        alias_generator=to_camel,
        validate_by_name=True,
        hide_input_in_errors=True,
    )

    group_id: str
    cluster_name: str
    restore_id: str
    kind: RestoreKind
    delivery_type: Text | None = None
    status: RestoreStatus
    atlas_status: Text | None = None
    snapshot_id: Text | None = None
    snapshot_finished_date: UtcDate | None = None
    restore_scheduled_date: UtcDate | None = None
    restore_finished_date: UtcDate | None = None
    expiration_date: UtcDate | None = None
    target_project_id: Text | None = None
    target_deployment_item_name: Text | None = None
    download_available: bool = False

    @computed_field
    @property
    def terminal(self) -> bool:
        """Whether Atlas is done. An unknown status is, once it comes with a finish date."""
        return self.status.ends or (
            self.status is RestoreStatus.UNKNOWN and self.restore_finished_date is not None
        )

    @computed_field
    @property
    def succeeded(self) -> bool | None:
        """None while that is open, and for an unknown end."""
        if not self.status.ends:
            return None
        return self.status is RestoreStatus.COMPLETED

    @computed_field
    @property
    def duration_seconds(self) -> int | None:
        """From scheduled to finished."""
        return _whole_seconds(self.restore_scheduled_date, self.restore_finished_date)

    @computed_field
    @property
    def snapshot_age_seconds(self) -> int | None:
        """Age of the snapshot when the restore was scheduled: the RPO this restore achieved."""
        return _whole_seconds(self.snapshot_finished_date, self.restore_scheduled_date)

    @property
    def is_download(self) -> bool:
        """Flex says DOWNLOAD, dedicated says download."""
        return (self.delivery_type or "").casefold() == "download"

    @property
    def follows(self) -> tuple[RestoreStatus, ...]:
        """
        The statuses that this job's status may replace; none of equal or higher rank.

        EXPIRED replaces an end only where a ready download lapsed: a job that failed or was
        cancelled stays so, and an automated restore has nothing left that could expire.
        """
        lower = (status for status in RestoreStatus if status.rank < self.status.rank)
        if self.status is not RestoreStatus.EXPIRED:
            return tuple(lower)
        lapsed = {RestoreStatus.COMPLETED} if self.is_download else set()
        return tuple(status for status in lower if not status.ends or status in lapsed)

    def contradicts(self, stored: RestoreStatus) -> bool:
        """Whether Atlas first said one end and now another, as no real job does."""
        silent = self.status is RestoreStatus.EXPIRED and stored is RestoreStatus.COMPLETED
        return (
            self.status.ends
            and stored.ends
            and self.status is not stored
            and stored is not RestoreStatus.EXPIRED
            and not silent
        )

    def as_json(self) -> dict[str, Any]:
        """Every field by its public name, plain JSON values, absent ones as None."""
        return self.model_dump(mode="json", by_alias=True)


@dataclass(frozen=True)
class StatusChange:
    """
    One recorded change of a job's status.

    `sequence` counts the recorded changes of the job from 1; `previous_status` is None at first
    sight; `observed_at` is UTC, the moment Atlas's answer was in hand.
    """

    job: RestoreJob
    previous_status: RestoreStatus | None
    sequence: int
    observed_at: datetime

    @property
    def event_id(self) -> str:
        """The same on every publication of this change, so that consumers can deduplicate."""
        word = f":{self.job.atlas_status}" if self.job.status is RestoreStatus.UNKNOWN else ""
        return f"{self.job.restore_id}:{self.job.status}{word}"

    @property
    def detection_latency_seconds(self) -> float | None:
        """From Atlas's own finish date to `observed_at`; None where Atlas gives no finish date."""
        finished = self.job.restore_finished_date
        if finished is None:
            return None
        return max(0.0, round((self.observed_at - finished).total_seconds(), 3))


def utc_text(moment: datetime) -> str:
    """A UTC moment as ISO 8601 with microseconds, so that two observations hardly ever agree."""
    return moment.isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def _whole_seconds(start: datetime | None, end: datetime | None) -> int | None:
    """Never negative: clocks that disagree do not make a restore end before it began."""
    if start is None or end is None:
        return None
    return max(0, round((end - start).total_seconds()))
