"""The newest snapshot in a list of Atlas. Pure."""

from datetime import datetime

from foundation.json_text import as_map
from restore_watch.atlas.pages import Page
from restore_watch.errors import UnexpectedAtlasResponseError
from restore_watch.model.fields import date_or_null
from restore_watch.report.snapshot import Snapshot

_NO_DATE = "A completed snapshot in Atlas's list has no date that can be read"


def newest_snapshot(page: Page, latest: datetime) -> Snapshot:
    """
    Return the newest completed snapshot. Flex says other words than dedicated.

    A date after `latest` is wrong. Raises UnexpectedAtlasResponseError if a completed snapshot
    has no date, because it may be the newest.
    """
    newest = Snapshot(None)
    for value in page.entries:
        entry = as_map(value)
        if value is not None and str(entry.get("status")).upper() != "COMPLETED":
            continue
        taken_at = date_or_null(entry.get("createdAt") or entry.get("finishTime"))
        if taken_at is None:
            raise UnexpectedAtlasResponseError(_NO_DATE)
        is_newer = newest.taken_at is None or taken_at >= newest.taken_at
        if is_newer and taken_at <= latest:
            is_fallback = str(entry.get("snapshotType")).casefold() == "fallback"
            newest = Snapshot(taken_at, is_fallback)
    return newest
