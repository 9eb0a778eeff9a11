"""
The entries of a list, and the known facts about entries that cannot be read. Pure.

Each entry is read alone: an entry of an unknown shape hides no other. Of a restore job, only
the id is read here. `read_job` reads the rest, if anybody is interested in it.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from foundation.json_text import as_map
from restore_watch.atlas.families import Family
from restore_watch.atlas.pages import Page
from restore_watch.model.forms_of_fields import (
    date_or_null,
    id_made_at,
    is_object_id,
)
from restore_watch.model.restore_target import RestoreKind

_CREATED = ("createdAt", "restoreScheduledDate", "finishedAt")
"""
The fields that date a restore job without a usable id: the first readable one counts. Dedicated
jobs have no creation date, but a finished job was created before it finished.
"""


class ListEntry(NamedTuple):
    """An entry with a usable id."""

    id: str
    content: Mapping[str, Any]

    @property
    def created_at(self) -> datetime:
        """When a restore job was created: the first eight digits of an id are Unix seconds."""
        return id_made_at(self.id)


class Unreadable(NamedTuple):
    """An entry that cannot be read: the `problem`, and its id and date, None if unknown."""

    problem: str
    id: str | None = None
    created_at: datetime | None = None


class Entries(NamedTuple):
    """The entries of a page, in its order."""

    readable: list[ListEntry]
    unreadable: list[Unreadable]


def job_entries(page: Page, kind: RestoreKind) -> Entries:
    """Read the ids on a page of restore jobs."""
    problem = f"An entry in a list of {kind} restore jobs has no usable id"
    return _entries(page, "id", is_object_id, problem)


def cluster_entries(page: Page, which: Family) -> Entries:
    """Read the names on a page of clusters. A name of any form counts."""
    return _entries(page, "name", bool, f"An entry in the list of {which} has no usable name")


def project_entries(page: Page) -> Entries:
    """Read the ids on a page of projects."""
    return _entries(page, "id", is_object_id, "An entry in the list of projects has no usable id")


def _entries(page: Page, field: str, is_usable: Callable[[str], object], problem: str) -> Entries:
    entries = Entries([], [])
    for entry in page.entries:
        name = entry.get(field) if isinstance(entry, dict) else None
        if isinstance(name, str) and is_usable(name):
            entries.readable.append(ListEntry(name, entry))
        else:
            entries.unreadable.append(Unreadable(problem, created_at=_created_at(entry)))
    return entries


def _created_at(entry: Any) -> datetime | None:
    dates = (date_or_null(as_map(entry).get(name)) for name in _CREATED)
    return next(filter(None, dates), None)
