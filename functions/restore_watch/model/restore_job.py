"""
A restore job, as Atlas last described it. Pure: no I/O, no clock.

Its fields have the names of Atlas's Flex and tenant restore jobs. The other kinds are translated
into them (`restore_watch.atlas.read_restore_job`).
"""

from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, StrictStr

from foundation.outside import FromOutside, UtcDate
from restore_watch.model.forms_of_fields import AtlasText
from restore_watch.model.restore_status import RestoreStatus
from restore_watch.model.restore_target import RestoreKind

LONGEST_RESTORE = timedelta(days=30)
"""No restore takes longer: a later date of its end is wrong, and would count for ever."""


def is_download(delivery_type: str | None) -> bool:
    """Flex says DOWNLOAD, dedicated says download."""
    return (delivery_type or "").casefold() == "download"


class RestoreJob(FromOutside):
    """
    One restore job as Atlas last described it. Dates are UTC, durations whole seconds.

    Download URLs have no field here, because a URL is enough to read the whole database. They are
    dropped at parsing; only `download_available` remains.
    """

    group_id: StrictStr
    cluster_name: StrictStr
    restore_id: StrictStr
    kind: RestoreKind
    delivery_type: AtlasText | None = None
    status: RestoreStatus
    atlas_status: AtlasText | None = None
    snapshot_id: AtlasText | None = None
    snapshot_finished_date: UtcDate | None = None
    restore_scheduled_date: UtcDate | None = None
    restore_finished_date: UtcDate | None = None
    expiration_date: UtcDate | None = None
    target_project_id: AtlasText | None = None
    target_deployment_item_name: AtlasText | None = None
    download_available: Annotated[bool, BeforeValidator(lambda value: value is True)] = False

    def as_json(self) -> dict[str, Any]:
        """Also what follows from the fields."""
        return {
            **super().as_json(),
            "terminal": self.terminal,
            "succeeded": self.succeeded,
            "durationSeconds": self.duration_seconds,
            "snapshotAgeSeconds": self.snapshot_age_seconds,
        }

    @property
    def terminal(self) -> bool:
        """Atlas is done with the job. With an unknown status, the finish date says so."""
        return self.status.ends or (
            self.status is RestoreStatus.UNKNOWN and self.restore_finished_date is not None
        )

    @property
    def succeeded(self) -> bool | None:
        """None before the job has ended, and if it ended with an unknown status."""
        if not self.status.ends:
            return None
        return self.status is RestoreStatus.COMPLETED

    @property
    def duration_seconds(self) -> int | None:
        """From scheduled to finished; None without a date, or with one that cannot be true."""
        began = self.restore_scheduled_date
        return self.seconds_since(began) if began is not None else None

    def seconds_since(self, began: datetime) -> int | None:
        """
        Return how long after this beginning it finished, with the same exceptions.

        No restore ends before it begins, or takes months.
        """
        if self.restore_finished_date is None:
            return None
        took = self.restore_finished_date - began
        return round(took.total_seconds()) if timedelta() <= took <= LONGEST_RESTORE else None

    @property
    def snapshot_age_seconds(self) -> int | None:
        """
        Age of the snapshot at the start. `is_point_in_time` data are newer than it.

        Never negative: clocks that disagree do not make a snapshot younger than the start.
        """
        taken, began = self.snapshot_finished_date, self.restore_scheduled_date
        if taken is None or began is None:
            return None
        return max(0, round((began - taken).total_seconds()))

    @property
    def is_download(self) -> bool:
        """Whether the snapshot is fetched by a link."""
        return is_download(self.delivery_type)

    @property
    def is_point_in_time(self) -> bool:
        """Whether Atlas replays the oplog onto the snapshot."""
        return (self.delivery_type or "").casefold() == "pointintime"

    @property
    def is_ready_download(self) -> bool:
        """COMPLETED means "ready" for a download: it can still expire, be cancelled or fail."""
        return self.is_download and self.status is RestoreStatus.COMPLETED

    @property
    def may_replace(self) -> frozenset[RestoreStatus]:
        """
        The stored statuses that this job's status may replace: of lower rank, and not an end.

        For a download, another end also replaces COMPLETED, which only says that it was ready.
        """
        lower = {status for status in RestoreStatus if status.rank < self.status.rank}
        replaceable = {status for status in lower if not status.ends}
        if self.is_download and self.status.ends and not self.is_ready_download:
            replaceable.add(RestoreStatus.COMPLETED)
        return frozenset(replaceable)
