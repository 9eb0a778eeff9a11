"""The kinds of restore job to list because of a project's events."""

from datetime import timedelta
from typing import Any

from restore_watch.atlas.pages import Page
from restore_watch.atlas.projects import EVENTS_ON_PAGE
from restore_watch.model.marks import Part
from restore_watch.model.restore_job import RestoreKind
from restore_watch.sweep.find.listing_scope import LISTED_KINDS
from restore_watch.sweep.find.memory_of_projects import FindMemory

EVENTS_BEFORE_MARK = timedelta(minutes=2)
"""Events are asked for since so long before a project's mark, because they may come late."""

_WOKEN = {
    "TENANT": (RestoreKind.FLEX,),
    "CPS": (RestoreKind.DEDICATED, RestoreKind.COLLECTION),
}
"""The kinds of job by the first word of an event's type."""


def woken_kinds(memory: FindMemory, group_id: str, page: Page) -> frozenset[RestoreKind]:
    """
    Return the kinds to list for events that this environment has not seen before.

    They are listed in the next sweep as well.
    """
    types = dict(map(_event, page.entries))
    unseen = memory.unseen_events(group_id, types.keys())
    woken = frozenset(kind for one in unseen for kind in kinds_woken_by(types[one]))
    if len(page.entries) >= EVENTS_ON_PAGE:
        woken = frozenset(LISTED_KINDS)
    if woken:
        # A new cluster may have been restored, and an event may precede its job.
        memory.forget_clusters(group_id, woken)
        memory.read_again(group_id, map(Part, woken))
    return woken


def kinds_woken_by(event_type: str) -> tuple[RestoreKind, ...]:
    """Return the kinds of job that an event of this type may be of; of an unknown type, all."""
    return _WOKEN.get(event_type.partition("_")[0], LISTED_KINDS)


def _event(entry: Any) -> tuple[str, str]:
    """The id and the type of an event. One of an unknown shape is known by its text."""
    read: dict[str, Any] = entry if isinstance(entry, dict) else {}
    names = (read.get("id"), read.get("eventTypeName"))
    key, kind = (name if isinstance(name, str) else "" for name in names)
    return key or repr(entry), kind
