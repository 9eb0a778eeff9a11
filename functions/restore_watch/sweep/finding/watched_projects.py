"""Which projects a sweep watches: those that the operator named, or all that Atlas lists."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

from foundation.errors import ApplicationError, TimeBudgetExceededError
from restore_watch.asking.asked import Subject
from restore_watch.asking.list_pages import NOTHING_NEW, NOTHING_YET, ListPages, Stop
from restore_watch.atlas.entries import project_entries
from restore_watch.atlas.families import PROJECTS
from restore_watch.atlas.rate_limits import Bucket
from restore_watch.atlas.session import AtlasSession
from restore_watch.errors import (
    UnexpectedAtlasResponseError,
    UnforeseenError,
)
from restore_watch.sweep.finding.event_reader import EventReader, Wake
from restore_watch.sweep.finding.finding_step import Step, StepCalls
from restore_watch.sweep.finding.memory_of_projects import ProjectMemory
from restore_watch.sweep.finding.name_reader import NameReader
from restore_watch.sweep.finding.when_to_list import is_listing_due, postponed
from restore_watch.sweep.log import AllListed, Planned, Unread
from restore_watch.sweep.run import Run
from restore_watch.table.project_item import Project

type ProjectIds = Collection[str] | Literal["all"]
"""The projects to watch, or all that the credentials can read."""

PROJECTS_READ_EVERY = 600.0
"""Seconds after which the list of all projects is read anew."""

ALL_PROJECTS = Subject.in_bucket(Bucket(None, PROJECTS))


@dataclass(frozen=True)
class ProjectsPage(Step):
    """
    Read a page of the list of projects.

    The `pages` before it have `shown` these projects, in this order, and were complete unless one
    `is_odd`.
    """

    watched: "WatchedProjects" = field(repr=False, compare=False)
    pages: ListPages = NOTHING_YET
    shown: tuple[str, ...] = ()
    is_odd: bool = False

    @property
    def subject(self) -> Subject:
        """The list of projects."""
        return ALL_PROJECTS

    def do(self) -> "Sequence[ProjectsPage | Wake]":
        """Ask for the page."""
        return self.watched.ask_for_projects_page(self)

    def postpone(self) -> None:
        """Leave the list to the next sweep."""
        self.watched.postpone_projects_page()

    def note_unforeseen(self, error: UnforeseenError) -> None:
        """Our own code failed about the list."""
        self.watched.note_unforeseen(error)


@dataclass(frozen=True)
class WatchedProjects:
    """
    The projects of one sweep: those that the operator `named`, or all. Any thread may use it.

    `group_ids`: those that are watched so far. `postponed`: of these, the ones that a later sweep
    lists for their age.
    """

    run: Run
    calls: StepCalls
    memory: ProjectMemory
    atlas: AtlasSession
    named: ProjectIds
    event_reader: EventReader
    name_reader: NameReader
    group_ids: set[str] = field(default_factory=set)
    postponed: set[str] = field(default_factory=set)

    def begin(self) -> None:
        """Watch the projects to begin with. The other methods need this."""
        if self.named != "all":
            self.run.log.append(AllListed(frozenset(self.named)))
        projects = self._projects_to_begin_with()
        self.memory.keep_only(projects)
        self.postponed.update(postponed(projects, self.run.projects, self.memory, self.run.now()))
        self._watch(projects)

    def first_steps(self) -> list[ProjectsPage | Wake]:
        """Return a step for each watched project, and one for the list of all if it is due."""
        steps: list[ProjectsPage | Wake] = []
        if self.named == "all" and self._is_list_due():
            steps.append(ProjectsPage(self))
        return [*steps, *self._wakes(self.group_ids)]

    def ask_for_projects_page(self, step: ProjectsPage) -> Sequence[ProjectsPage | Wake]:
        """Ask for a page of the list. The last one wakes the projects that were not watched."""
        begun = self.run.asking.clock()
        try:
            page = self.calls.ask(step, partial(self.atlas.projects, step.pages.at.number))
        except ApplicationError as error:
            again = self.calls.again(step, error, begun)
            if again:
                return again
            return self._watch_others(step.shown)
        entries = project_entries(page)
        self.name_reader.note_names(entries.readable)
        ids = [entry.id for entry in entries.readable]
        shown, pages = tuple(dict.fromkeys([*step.shown, *ids])), step.pages.after(page, ids)
        problem = entries.unreadable[0].problem if entries.unreadable else None
        if pages.stop is Stop.NOTHING_NEW:
            problem = NOTHING_NEW
        if problem:
            self.run.log.append(Unread(ALL_PROJECTS, UnexpectedAtlasResponseError(problem)))
        is_odd = step.is_odd or problem is not None
        if pages.stop is None:
            return [ProjectsPage(self, pages, shown, is_odd)]
        # A list that is not complete leaves the one before in force.
        if not is_odd:
            self.memory.store_projects(shown)
            self.run.log.append(AllListed(frozenset(shown)))
        return self._watch_others(shown)

    def note_unforeseen(self, error: UnforeseenError) -> None:
        """Our own code failed about the list."""
        self.run.log.append(Unread(ALL_PROJECTS, error))

    def postpone_projects_page(self) -> None:
        """Leave the list to the next sweep."""
        late = TimeBudgetExceededError("The sweep could not read the list of projects to its end")
        self.run.log.append(Unread(ALL_PROJECTS, late))

    def removed_projects(self) -> list[Project]:
        """
        Return the projects to drop: those of which marks are left although nobody watches them.

        The operator has removed them; or, of all projects, the list that was read in this sweep
        does not show them, as none has for a day.
        """
        marked = [project for project in self.run.stored_projects() if project.marks is not None]
        if self.named != "all":
            return [project for project in marked if project.group_id not in self.group_ids]
        now, listed = self.run.now(), self.run.log.all_listed()
        if listed is None:
            return []
        unlisted = [project for project in marked if project.group_id not in listed]
        return [project for project in unlisted if project.health.is_gone(now)]

    def new_projects(self) -> list[str]:
        """Return the watched projects that nobody has tried to list."""
        new: list[str] = []
        for group_id in self.group_ids:
            project = self.run.projects.get(group_id)
            if project is None or not project.has_begun:
                new.append(group_id)
        return new

    def _projects_to_begin_with(self) -> Collection[str]:
        """Return the named projects. Of all projects: those that the last list or the table has."""
        if self.named != "all":
            return self.named
        stored = self.run.projects.values()
        marked = {project.group_id for project in stored if project.marks}
        removed = {project.group_id for project in stored if project.is_removed}
        # An environment that was idle may remember a list that is older than a removal.
        return (marked | self.memory.projects) - removed

    def _is_list_due(self) -> bool:
        """
        Whether the list of all projects must be read in this sweep.

        A list without a project that the table knows is read again at once: Atlas may have left the
        project out.
        """
        listed = self.memory.projects
        return not self.memory.were_projects_listed_within(PROJECTS_READ_EVERY) or any(
            project.marks is not None and project.health.degraded is None and group_id not in listed
            for group_id, project in self.run.projects.items()
        )

    def _watch_others(self, shown: Iterable[str]) -> list[Wake]:
        """Watch the projects of these that are not watched yet. Return a step for each."""
        others = [group_id for group_id in shown if group_id not in self.group_ids]
        self._watch(others)
        return self._wakes(others)

    def _watch(self, group_ids: Collection[str]) -> None:
        self.group_ids.update(group_ids)
        for group_id in group_ids:
            aside = self.memory.aside(group_id)
            self.run.log.append(Planned(group_id, is_watched=True, aside=aside))

    def _wakes(self, group_ids: Iterable[str]) -> list[Wake]:
        """Return a step for each of these projects."""
        now, stored = self.run.now(), self.run.projects
        wakes: list[Wake] = []
        # Projects that a sweep has not reached come first in the next one.
        for group_id in sorted(group_ids, key=self.memory.last_turn):
            lists = group_id not in self.postponed and is_listing_due(stored.get(group_id), now)
            wakes.append(Wake(self.event_reader, group_id, lists))
        return wakes
