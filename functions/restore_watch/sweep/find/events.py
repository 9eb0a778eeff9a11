"""What the events of a project wake: the kinds of restore job that are to be listed."""

from datetime import timedelta
from typing import Any

from restore_watch.atlas.pages import Page
from restore_watch.atlas.projects import EVENTS_ON_PAGE
from restore_watch.model.marks import Part
from restore_watch.model.restore_job import RestoreKind
from restore_watch.sweep.find.listing import LISTED_KINDS
from restore_watch.sweep.find.memory import FindMemory

EVENTS_BEFORE_MARK = timedelta(minutes=2)
"""Events are asked for since so long before a project's mark, because they may come late."""


def woken_kinds(memory: FindMemory, group_id: str, page: Page) -> frozenset[RestoreKind]:
    """
    Return the kinds to list for events that this environment has not seen before.

    They are listed in the next sweep as well.
    """
    woken = memory.events_seen(group_id, dict(map(_event, page.entries)))
    if len(page.entries) >= EVENTS_ON_PAGE:
        woken = frozenset(LISTED_KINDS)
    if woken:
        # A new cluster may have been restored, and an event may precede its job.
        memory.forget_clusters(group_id, woken)
        memory.read_again(group_id, map(Part, woken))
    return woken


def _event(entry: Any) -> tuple[str, str]:
    """The id and the type of an event. One of an unknown shape is known by its text."""
    read: dict[str, Any] = entry if isinstance(entry, dict) else {}
    names = (read.get("id"), read.get("eventTypeName"))
    key, kind = (name if isinstance(name, str) else "" for name in names)
    return key or repr(entry), kind
