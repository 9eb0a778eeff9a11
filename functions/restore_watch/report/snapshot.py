"""The newest snapshot of a cluster. Pure."""

from datetime import datetime
from typing import NamedTuple

from restore_watch.report.why_unread import WhyUnread


class Snapshot(NamedTuple):
    """
    The newest completed snapshot of a cluster; or why it is not known.

    `taken_at`: None if there is none. `is_fallback`: Atlas took it as a last resort, and says that
    it may contain inconsistent data. `id`, and `size` in bytes: None if Atlas does not say.
    """

    taken_at: datetime | None
    is_fallback: bool = False
    unread: WhyUnread | None = None
    id: str | None = None
    size: int | None = None
