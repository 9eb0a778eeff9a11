"""
Which projects a sweep lists: what wakes them is an event, or that they were not listed for long.

Events name no job and no cluster, but they are one call for each project and sweep.
"""

from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from threading import Lock
from typing import Literal

from foundation.errors import TimeBudgetExceededError
from restore_watch.atlas.endpoints import CLUSTER_LISTS
from restore_watch.atlas.pages import Page
from restore_watch.errors import AtlasError, RestoreWatchError
from restore_watch.model.marks import Marks, Part
from restore_watch.model.restore_job import RestoreKind
from restore_watch.sweep.answers import PROJECT_GONE
from restore_watch.sweep.find.all_projects import AllProjects
from restore_watch.sweep.find.calls import FindCalls
from restore_watch.sweep.find.events import EVENTS_BEFORE_MARK, woken_kinds
from restore_watch.sweep.find.listing import LISTED_KINDS, ProjectListing
from restore_watch.sweep.find.steps import AskingStep, ProjectsPage, Wake
from restore_watch.sweep.run import Run
from restore_watch.table.project_item import Project
from restore_watch.table.projects import Bookkeeping

LISTED_EVERY = timedelta(minutes=15)
"""A project is listed this often without any event: a collection restore has none at its start."""

EARLY = timedelta(seconds=15)
"""A listing may come so much early, because sweeps do not begin to the second."""

LISTED_AT_ONCE = 100
"""So many projects, or a tenth of all if that is more, are listed in one sweep for their age."""

type ProjectIds = Collection[str] | Literal["all"]
"""The projects to watch, or all that the credentials can read."""


@dataclass
class WatchedProjects:
    """
    Wakes the projects of one sweep. Any thread may use it.

    `known` has what the table remembers of projects, and `woken` the projects that are watched.
    With `watches_all`, the list of `all_projects` decides which these are.
    """

    run: Run
    calls: FindCalls
    bookkeeping: Bookkeeping
    known: dict[str, Project]
    woken: set[str] = field(default_factory=set)
    watches_all: bool = False

    def __post_init__(self) -> None:
        self.all_projects = AllProjects(self.calls)
        self._lock = Lock()
        self._postponed: frozenset[str] = frozenset()

    def first_steps(self, watched: ProjectIds) -> list[AskingStep]:
        """
        Return a step for each project, and one for the list of projects if it is due.

        Of all projects, those are asked that the last complete list or the table has.
        """
        memory = self.calls.memory
        projects: Collection[str]
        if watched == "all":
            self.watches_all = True
            known = {one for one, project in self.known.items() if project.marks}
            removed = {one for one, project in self.known.items() if project.is_removed}
            # An environment that was idle may remember a list that is older than a removal.
            projects = known.union(memory.projects or ()) - removed
        else:
            projects = watched
        memory.keep_only(projects)
        self._postpone(projects)
        steps = self._wakes(projects)
        if self.watches_all and self.all_projects.is_due(self.known):
            return [ProjectsPage(), *steps]
        return steps

    @property
    def knows_projects(self) -> bool:
        """Whether it is known in this sweep which projects there are to watch."""
        return self.all_projects.is_read or not self.watches_all

    def shows(self, group_id: str) -> bool:
        """Whether the project is among those that the operator named, or that Atlas has listed."""
        return not self.watches_all or group_id in (self.calls.memory.projects or ())

    def removed_projects(self) -> list[Project]:
        """
        Return the projects to drop: those of which marks are left although nobody watches them.

        The operator has removed them; or, of all projects, the list that was read in this sweep
        does not show them, as none has for a day.
        """
        known = [one for one in list(self.known.values()) if one.marks is not None]
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
            self.bookkeeping.drop(project, now, self.run.ending)
            self.known[project.group_id] = replace(project, marks=None, removed_at=now)
            with self._lock:
                self.woken.discard(project.group_id)

    def new_projects(self) -> list[str]:
        """Return the woken projects that nobody has tried to list."""
        known = self.known
        return [one for one in self.woken if one not in known or not known[one].has_begun]

    def start(self, group_id: str) -> tuple[Project, Marks] | None:
        """
        Return a project and its marks. At the first attempt, or if they were lost, they are stored.

        This is before anything is asked, so that nothing is missed however long it takes until
        Atlas answers. None, and a failure, if the table cannot be used.
        """
        project = self.known.setdefault(group_id, Project(group_id))
        lost = project.marks
        if lost is not None and not lost.is_lost:
            return project, lost
        now = self.run.now()
        marks = Marks(lost.first, lost.whole, lost.behind) if lost else Marks.at_first(now)
        stored = lost.stored if lost else None
        try:
            self.bookkeeping.begin(group_id, marks, now, self.run.ending, lost=stored)
        except RestoreWatchError as error:
            self.run.tally.search_failed(group_id, None, error)
            return None
        project = self.known[group_id] = replace(project, marks=marks)
        return project, marks

    def list_projects(self, step: ProjectsPage) -> Iterable[AskingStep]:
        """Read a page of the list of projects. The last one wakes those that were not known."""
        more = self.all_projects.read(step)
        return more or self._wakes(self.all_projects.shown)

    def wake(self, step: Wake) -> tuple[list[AskingStep], ProjectListing | None]:
        """Ask for a project's events. Return the step if it is tried again, or what to list."""
        group_id, memory = step.group_id, self.calls.memory
        started = self.start(group_id)
        if started is None:
            return [], None
        project, marks = started
        memory.waking(group_id)
        left = memory.to_read_again(group_id)
        kinds = {*_troubled(project), *(part.kind for part in left if part.cluster_name is None)}
        if group_id not in self._postponed and self._is_due(project):
            memory.listing_was_due(group_id)
            kinds.update(LISTED_KINDS)
        asked_at = self.run.asking.clock()
        since = marks.whole - EVENTS_BEFORE_MARK
        said_at = None
        try:
            page = self.calls.read(step, partial(self.calls.projects.events, group_id, since))
        except TimeBudgetExceededError:
            memory.read_again(group_id, (*left, *map(Part, kinds)))
            return [], None
        except RestoreWatchError as error:
            again = self.calls.again(step, error, asked_at)
            if again or _is_gone(error):
                memory.read_again(group_id, (*left, *map(Part, kinds)))
                return again, None
            # Without events, it is listed in every sweep.
            kinds.update(LISTED_KINDS)
        else:
            said_at = page.date
            kinds |= self._woken_kinds(group_id, page)
        clusters = {part for part in left if part.cluster_name is not None}
        return [], self._listing(project, marks, kinds, clusters, said_at)

    def _postpone(self, group_ids: Collection[str]) -> None:
        """Spread the listings of many projects, which all began when the stack was deployed."""
        projects = [self.known[one] for one in group_ids if one in self.known]
        # They take turns: one that cannot be listed does not keep others from it.
        due = sorted(
            (self.calls.memory.last_tried(project.group_id), project.listed_at, project.group_id)
            for project in projects
            if project.listed_at and self._is_due(project)
        )
        at_once = max(LISTED_AT_ONCE, len(group_ids) // 10)
        self._postponed = frozenset(group_id for *_, group_id in due[at_once:])

    def _wakes(self, group_ids: Iterable[str]) -> list[AskingStep]:
        with self._lock:
            new = [one for one in dict.fromkeys(group_ids) if one not in self.woken]
            self.woken.update(new)
        # What a sweep has not reached comes first in the next one.
        return [Wake(group_id) for group_id in sorted(new, key=self.calls.memory.last_woken)]

    def _is_due(self, project: Project) -> bool:
        if project.listed_at is None:
            return True
        age = self.run.now() - project.listed_at
        # After the clock was set back, the last time may lie in the future.
        return not timedelta(0) <= age < LISTED_EVERY - EARLY

    def _woken_kinds(self, group_id: str, page: Page) -> frozenset[RestoreKind]:
        return woken_kinds(self.calls.memory, group_id, page)

    def _listing(
        self,
        project: Project,
        marks: Marks,
        kinds: set[RestoreKind],
        clusters: set[Part],
        said_at: datetime | None,
    ) -> ProjectListing | None:
        """These kinds and clusters are read, and what has stayed behind catches up."""
        memory = self.calls.memory
        aside = memory.aside(project.group_id)
        behind = [part for part in marks.behind if part not in aside]
        kinds |= {part.kind for part in behind if part.cluster_name is None}
        clusters = {part for part in (*behind, *clusters) if part.kind not in kinds}
        if not (kinds or clusters):
            return None
        return ProjectListing(
            project.group_id,
            marks,
            self.run.now(),
            kinds=kinds,
            clusters=clusters,
            known=memory.clusters_of(project.group_id),
            began=said_at,
        )


def _troubled(project: Project) -> list[RestoreKind]:
    """The kinds that could not be seen. They are listed in every sweep, to see when they can be."""
    troubles = project.watched.troubles
    return [kind for kind in LISTED_KINDS if kind in troubles or CLUSTER_LISTS[kind] in troubles]


def _is_gone(error: RestoreWatchError) -> bool:
    return isinstance(error, AtlasError) and error.error_code == PROJECT_GONE
