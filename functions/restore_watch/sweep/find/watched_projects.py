"""Which projects a sweep watches: those that the operator named, or all that Atlas lists."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Literal

from foundation.service import service
from restore_watch.atlas.entries import project_entries
from restore_watch.atlas.pages import NOTHING_NEW
from restore_watch.errors import RestoreWatchError, UnexpectedAtlasResponseError
from restore_watch.model.marks import Marks
from restore_watch.sweep.find.calls import FindCalls
from restore_watch.sweep.find.progress import Read
from restore_watch.sweep.find.steps import FindStep, ProjectsPage
from restore_watch.sweep.run import Run
from restore_watch.table.bookkeeping import Bookkeeping
from restore_watch.table.project_item import Project

type ProjectIds = Collection[str] | Literal["all"]
"""The projects to watch, or all that the credentials can read."""


@dataclass
class AllProjects:
    """
    Reads the list in one sweep, one page after the other.

    It `is_read` after its last page, or `failure` says why it could not be read. `shown` has the
    projects on the pages so far.
    """

    calls: FindCalls
    is_read: bool = False
    shown: Sequence[str] = ()
    failure: RestoreWatchError | None = None

    @property
    def listed(self) -> Collection[str]:
        """The projects of the last complete list."""
        return self.calls.memory.projects or ()

    def is_due(self, known: Mapping[str, Project]) -> bool:
        """
        Whether the list must be read in this sweep.

        One that leaves out a project that the table knows is read again at once: Atlas may have
        left it out.
        """
        return self.calls.memory.projects_are_due or any(
            project.marks is not None
            and project.watched.degraded is None
            and group_id not in self.listed
            for group_id, project in known.items()
        )

    def read(self, step: ProjectsPage) -> list[FindStep]:
        """Read a page. Return what is left to do: the next page, or the same one again."""
        begun = self.calls.run.asking.clock()
        try:
            page = self.calls.all_projects(step)
        except RestoreWatchError as error:
            again = self.calls.again(step, error, begun)
            if not again:
                self.failure = error
            return again
        entries = project_entries(page)
        if entries.unreadable:
            self.failure = UnexpectedAtlasResponseError(entries.unreadable[0].problem)
            self.calls.found_failing(None, None, self.failure)
        known = set(step.shown)
        new = [entry.id for entry in entries.readable if entry.id not in known]
        self.shown = [*step.shown, *new]
        if page.has_next and not new:
            # The same page may follow for ever.
            self.failure = UnexpectedAtlasResponseError(NOTHING_NEW)
            self.calls.found_failing(None, None, self.failure)
            return []
        if page.has_next:
            return [replace(step, number=step.number + 1, shown=tuple(self.shown), tries=0)]
        # A list that is not complete leaves the one before in force.
        if self.failure is None:
            self.calls.memory.list_of_projects(self.shown)
            self.is_read = True
        return []


@service
class WatchedProjects:
    """
    The projects of one sweep: those that the operator `named`, or the list of `all_projects`.

    Those that are watched are `woken`. Any thread may use it.
    """

    run: Run
    bookkeeping: Bookkeeping
    named: ProjectIds
    all_projects: AllProjects
    woken: set[str] = field(default_factory=set)
    lock: Lock = field(default_factory=Lock)

    @property
    def watches_all(self) -> bool:
        """Whether the list of all projects decides which are watched."""
        return self.named == "all"

    def at_first(self) -> Collection[str]:
        """Return the projects to begin with. Of all, those that the last list or the table has."""
        if self.named != "all":
            return self.named
        stored = self.run.projects.values()
        known = {one.group_id for one in stored if one.marks}
        removed = {one.group_id for one in stored if one.is_removed}
        # An environment that was idle may remember a list that is older than a removal.
        return known.union(self.all_projects.listed) - removed

    def watch(self, group_ids: Iterable[str]) -> list[str]:
        """Watch these projects. Return those that were not watched before in this sweep."""
        with self.lock:
            new = [one for one in dict.fromkeys(group_ids) if one not in self.woken]
            self.woken.update(new)
        return new

    @property
    def knows_projects(self) -> bool:
        """Whether it is known in this sweep which projects there are to watch."""
        return self.all_projects.is_read or not self.watches_all

    def shows(self, group_id: str) -> bool:
        """Whether the project is among those that the operator named, or that Atlas has listed."""
        return not self.watches_all or group_id in self.all_projects.listed

    def may_be_there(self, group_id: str) -> bool:
        """Whether Atlas did not leave the project out of a list of all projects in this sweep."""
        return not self.knows_projects or self.shows(group_id)

    def removed_projects(self) -> list[Project]:
        """
        Return the projects to drop: those of which marks are left although nobody watches them.

        The operator has removed them; or, of all projects, the list that was read in this sweep
        does not show them, as none has for a day.
        """
        known = [one for one in self.run.stored_projects() if one.marks is not None]
        if not self.watches_all:
            return [one for one in known if one.group_id not in self.woken]
        if not self.all_projects.is_read:
            return []
        now = self.run.now()
        return [one for one in known if not self.shows(one.group_id) and one.watched.is_gone(now)]

    def drop(self, project: Project) -> None:
        """Forget the marks of a project: if it is watched again, that begins anew."""
        now = self.run.now()
        with suppress(RestoreWatchError):  # the next sweep tries again
            self.bookkeeping.drop_marks(project, now, self.run.ending)
            self.run.projects[project.group_id] = replace(project, marks=None, removed_at=now)
            with self.lock:
                self.woken.discard(project.group_id)

    def new_projects(self) -> list[str]:
        """Return the woken projects that nobody has tried to list."""
        known = self.run.projects
        return [one for one in self.woken if one not in known or not known[one].has_begun]

    def start(self, group_id: str) -> tuple[Project, Marks] | None:
        """
        Return a project and its marks. At the first attempt, or if they were lost, they are stored.

        This is before anything is asked, so that nothing is missed however long it takes until
        Atlas answers. None, and a failure, if the table cannot be used.
        """
        project = self.run.projects.setdefault(group_id, Project(group_id))
        lost = project.marks
        if lost is not None and not lost.is_lost:
            return project, lost
        now = self.run.now()
        marks = Marks(lost.first, lost.whole, lost.behind) if lost else Marks.at_first(now)
        stored = lost.stored if lost else None
        try:
            self.bookkeeping.begin_marks(group_id, marks, now, self.run.ending, lost=stored)
        except RestoreWatchError as error:
            self.run.tally.search_failed(group_id, None, error)
            return None
        project = self.run.projects[group_id] = replace(project, marks=marks)
        return project, marks

    def store(self, group_id: str, marks: Marks, read: Read) -> None:
        """Move the marks, and remember what could be read. An idle sweep writes nothing."""
        moved = read.moves(marks)
        if not read.is_listing and moved == marks:
            return
        project, now = self.run.projects[group_id], self.run.now()
        seen = {str(one) for one in self.run.outcomes.families(group_id)}
        new = seen - project.readable
        try:
            self.bookkeeping.move_marks(
                project, moved, now, new, self.run.ending, is_full=read.is_listing
            )
        except RestoreWatchError as error:
            self.run.tally.search_failed(group_id, None, error)
            return
        self.run.projects[group_id] = replace(
            project,
            marks=moved,
            listed_at=now if read.is_listing else project.listed_at,
            readable=project.readable | seen,
        )
