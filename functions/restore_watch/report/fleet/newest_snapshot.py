"""The newest snapshot in a list of Atlas. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from foundation.json_text import as_map
from restore_watch.atlas.pages import Page
from restore_watch.errors import UnexpectedAtlasResponseError
from restore_watch.model.fields import date_or_null, text_or_null
from restore_watch.report.snapshot import Snapshot

LARGEST = 10**18
"""Bytes: no snapshot has an exabyte."""

_UNREADABLE = "An entry in Atlas's list of snapshots cannot be read"
_NO_DATE = "A completed snapshot in Atlas's list has no date that can be read"


def newest_snapshot(page: Page, latest: datetime) -> Snapshot:
    """
    Return the newest completed snapshot. Flex says other words than dedicated.

    A date after `latest` is wrong. Raises UnexpectedAtlasResponseError for an entry that cannot be
    read, or a completed snapshot without a date, because it may be the newest.
    """
    newest = Snapshot(None)
    for value in page.entries:
        entry = as_map(value)
        status = entry.get("status")
        if not isinstance(status, str):
            raise UnexpectedAtlasResponseError(_UNREADABLE)
        if status.upper() != "COMPLETED":
            continue
        taken_at = date_or_null(entry.get("createdAt") or entry.get("finishTime"))
        if taken_at is None:
            raise UnexpectedAtlasResponseError(_NO_DATE)
        is_newer = newest.taken_at is None or taken_at >= newest.taken_at
        if is_newer and taken_at <= latest:
            is_fallback = str(entry.get("snapshotType")).casefold() == "fallback"
            newest = Snapshot(
                taken_at, is_fallback, id=text_or_null(entry.get("id")), size=_size(entry)
            )
    return newest


def _size(entry: Mapping[str, Any]) -> int | None:
    """Return the bytes of a dedicated cluster's snapshot. Flex does not say."""
    size = entry.get("storageSizeBytes")
    if not isinstance(size, int) or isinstance(size, bool):
        return None
    return size if 0 <= size < LARGEST else None
