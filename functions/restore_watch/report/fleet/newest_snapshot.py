"""The newest snapshot in a list of Atlas. Pure."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, ValidationError

from foundation.outside import FromOutside, IfReadable
from restore_watch.atlas.pages import Page
from restore_watch.errors import UnexpectedAtlasResponseError
from restore_watch.model.forms_of_fields import AtlasText, date_or_null
from restore_watch.report.snapshot import Snapshot

LARGEST = 10**18
"""Bytes: no snapshot has an exabyte."""

_UNREADABLE = "An entry in Atlas's list of snapshots cannot be read"
_NO_DATE = "A completed snapshot in Atlas's list has no date that can be read"

_Bytes = Annotated[int, Field(strict=True, ge=0, lt=LARGEST)]


class _ListedSnapshot(FromOutside):
    """What an entry says. Flex says other words than dedicated, and no size."""

    status: AtlasText
    created_at: Any = None
    finish_time: Any = None
    """Of a Flex cluster, in place of `created_at`."""
    snapshot_type: IfReadable[AtlasText]
    id: IfReadable[AtlasText]
    storage_size_bytes: IfReadable[_Bytes]

    @property
    def is_completed(self) -> bool:
        """Whether there is something to restore."""
        return self.status.upper() == "COMPLETED"

    @property
    def taken_at(self) -> datetime | None:
        """When it was taken. A creation that cannot be read is not replaced by an end."""
        return date_or_null(self.created_at or self.finish_time)

    @property
    def is_fallback(self) -> bool:
        """Whether Atlas took it as a last resort."""
        return (self.snapshot_type or "").casefold() == "fallback"


def newest_snapshot(page: Page, latest: datetime) -> Snapshot:
    """
    Return the newest completed snapshot.

    A date after `latest` is wrong. Raises UnexpectedAtlasResponseError for an entry that cannot be
    read, or a completed snapshot without a date, because it may be the newest.
    """
    newest = Snapshot(None)
    for entry in page.entries:
        listed = _read_entry(entry)
        if not listed.is_completed:
            continue
        taken_at = listed.taken_at
        if taken_at is None:
            raise UnexpectedAtlasResponseError(_NO_DATE)
        is_newer = newest.taken_at is None or taken_at >= newest.taken_at
        if is_newer and taken_at <= latest:
            newest = Snapshot(
                taken_at, listed.is_fallback, id=listed.id, size=listed.storage_size_bytes
            )
    return newest


def _read_entry(entry: object) -> _ListedSnapshot:
    try:
        return _ListedSnapshot.read(entry)
    except ValidationError:
        raise UnexpectedAtlasResponseError(_UNREADABLE) from None
