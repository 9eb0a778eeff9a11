"""
The status of a restore job. Pure.

The words are those of Atlas's Flex and tenant restore jobs. The other kinds are translated into
them (`restore_watch.atlas.read_restore_job`).
"""

from enum import StrEnum


class RestoreStatus(StrEnum):
    """UNKNOWN stands for any word that we do not know; `RestoreJob.atlas_status` keeps the word."""

    PENDING = "PENDING"
    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    UNKNOWN = "UNKNOWN"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"

    @classmethod
    def _missing_(cls, value: object) -> "RestoreStatus | None":
        if value == "CANCELED":
            return RestoreStatus.CANCELLED
        return RestoreStatus.UNKNOWN if isinstance(value, str) else None

    @property
    def rank(self) -> int:
        """A status only moves to a higher rank (`RestoreJob.may_replace` has the one exception)."""
        return _RANK[self]

    @property
    def ends(self) -> bool:
        """The status alone says that Atlas is done with the job."""
        return self.rank >= _RANK[RestoreStatus.COMPLETED]


# In the order of the statuses above.
_RANK = dict(zip(RestoreStatus, (0, 1, 2, 3, 4, 4, 4, 5), strict=True))
