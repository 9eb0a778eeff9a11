"""
Reads the names of the watched projects in the list of projects, and stores them in their items.

The list of `all` projects is read anyway. For the projects that the operator named, it is read once
an hour, after everything else of a sweep, and only for the names: what fails there fails and
degrades nothing. An hour later it is read again.
"""

from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from foundation.deadline import Deadline
from foundation.errors import ApplicationError
from restore_watch.asking.list_pages import NOTHING_YET
from restore_watch.atlas.entries import ListEntry, project_entries
from restore_watch.atlas.session import AtlasSession
from restore_watch.model.forms_of_fields import name_or_null
from restore_watch.sweep.finding.memory_of_projects import ProjectMemory
from restore_watch.sweep.run import Run
from restore_watch.table.bookkeeping import Bookkeeping
from restore_watch.table.project_names import ProjectNames
from restore_watch.telemetry.isolation import isolated
from restore_watch.threads.workers import Workers

ANSWER_TIME = 3.0
"""Seconds that reading the list for names may take."""

STORING_TIME = 5.0
"""Seconds that storing the names may take. The next list stores the others."""

LEFT_TIME = 1.5
"""Seconds that are left for giving back the lease."""


@dataclass(frozen=True)
class NameReader:
    """
    Reads and stores the names of one sweep. Any thread may use it.

    `named`: the projects that the operator named, or "all". `shown`: the names in the list.
    """

    run: Run
    atlas: AtlasSession
    bookkeeping: Bookkeeping
    names: ProjectNames
    memory: ProjectMemory
    workers: Workers
    named: Collection[str]
    shown: dict[str, str] = field(default_factory=dict)

    def note_names(self, entries: Iterable[ListEntry]) -> None:
        """Remember the names that a page of the list shows."""
        for entry in entries:
            name = name_or_null(entry.content.get("name"))
            if name is not None and (self.named == "all" or entry.id in self.named):
                self.shown[entry.id] = name
                self.names.remember(entry.id, name)

    def look(self) -> None:
        """Read the list for the names if that is due, and store what is new."""
        ending = self.run.ending.earlier(LEFT_TIME)
        if self.named != "all" and self.memory.are_names_due():
            self.memory.note_names_asked()
            self._read_list(ending.within(ANSWER_TIME))
        self.workers.each(self._new_names(), self._store, ending.within(STORING_TIME))

    def _read_list(self, deadline: Deadline) -> None:
        """Read the list until it has shown all names."""
        pages = NOTHING_YET
        with suppress(ApplicationError), isolated(self.run.telemetry):
            while pages.stop is None and len(self.shown) < len(self.named):
                page = self.atlas.projects(pages.at.number, deadline)
                entries = project_entries(page).readable
                self.note_names(entries)
                pages = pages.after(page, [entry.id for entry in entries])

    def _new_names(self) -> list[str]:
        """Return the projects whose items have another name, or none yet."""
        new: list[str] = []
        for group_id, name in self.shown.copy().items():
            project = self.run.projects.get(group_id)
            if project is not None and project.marks is not None and project.name != name:
                new.append(group_id)
        return new

    def _store(self, group_id: str) -> None:
        name = self.shown[group_id]
        with suppress(ApplicationError), isolated(self.run.telemetry, group_id=group_id):
            self.bookkeeping.store_name(group_id, name, self.run.now(), self.run.ending)
