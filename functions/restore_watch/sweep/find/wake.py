"""
A project is listed when an event wakes it, or when it was not listed for long.

Events name no job and no cluster, but they are one call for each project and sweep.
"""

from collections.abc import Collection, Iterable
from dataclasses import field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from foundation.errors import TimeBudgetExceededError
from foundation.service import service
from restore_watch.atlas.endpoints import CLUSTER_LISTS
from restore_watch.atlas.pages import Page
from restore_watch.atlas.projects import EVENTS_ON_PAGE
from restore_watch.errors import AtlasError, RestoreWatchError
from restore_watch.model.marks import Marks, Part
from restore_watch.model.restore_job import RestoreKind
from restore_watch.sweep.answers import PROJECT_GONE
from restore_watch.sweep.find.calls import FindCalls
from restore_watch.sweep.find.listing import ProjectListing
from restore_watch.sweep.find.listing_scope import LISTED_KINDS, Wanted
from restore_watch.sweep.find.steps import FindStep, ProjectsPage, Wake
from restore_watch.sweep.find.watched_projects import WatchedProjects
from restore_watch.sweep.run import Run
from restore_watch.table.project_item import Project

LISTED_EVERY = timedelta(minutes=15)
"""A project is listed this often without any event: a collection restore has none at its start."""

EARLY = timedelta(seconds=15)
"""A listing may come so much early, because sweeps do not begin to the second."""

LISTED_AT_ONCE = 100
"""So many projects, or a fourteenth of all if that is more, are listed in a sweep for their age."""

EVENTS_BEFORE_MARK = timedelta(minutes=2)
"""Events are asked for since so long before a project's mark, because they may come late."""

_WOKEN = {
    "TENANT": (RestoreKind.FLEX,),
    "CPS": (RestoreKind.DEDICATED, RestoreKind.COLLECTION),
}
"""The kinds of job by the first word of an event's type."""


@service
class Waking:
    """
    Wakes the projects of one sweep. Any thread may use it.

    Projects that are `postponed` are listed for their age by a later sweep.
    """

    run: Run
    calls: FindCalls
    watched: WatchedProjects
    postponed: set[str] = field(default_factory=set)

    def first_steps(self) -> list[FindStep]:
        """Return a step for each project, and one for the list of projects if it is due."""
        projects = self.watched.at_first()
        self.calls.memory.keep_only(projects)
        self._postpone(projects)
        steps = self._wakes(projects)
        all_projects = self.watched.all_projects
        is_due = self.watched.watches_all and all_projects.is_due(self.run.projects)
        return [ProjectsPage(), *steps] if is_due else steps

    def list_projects(self, step: ProjectsPage) -> Iterable[FindStep]:
        """Read a page of the list of projects. The last one wakes those that were not known."""
        all_projects = self.watched.all_projects
        more = all_projects.read(step)
        return more or self._wakes(all_projects.shown)

    def wake(self, step: Wake) -> tuple[list[FindStep], ProjectListing | None]:
        """Ask for a project's events. Return the step if it is tried again, or what to list."""
        group_id, memory = step.group_id, self.calls.memory
        started = self.watched.start(group_id)
        if started is None:
            return [], None
        project, marks = started
        left = memory.to_read_again(group_id)
        kinds = {*_troubled(project), *(part.kind for part in left if part.cluster_name is None)}
        if group_id not in self.postponed and self._is_due(project):
            memory.asking(group_id, "listing")
            kinds.update(LISTED_KINDS)
        begun = self.run.asking.clock()
        said_at = None
        try:
            page = self.calls.events(step, marks.whole - EVENTS_BEFORE_MARK)
        except RestoreWatchError as error:
            again = self.calls.again(step, error, begun)
            if again or _ends_the_search(error):
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
        known = self.run.projects
        due = [one for one in group_ids if one in known and known[one].listed_at]
        due = [one for one in due if self._is_due(known[one])]
        # They take turns: one that cannot be listed does not keep others from it.
        due.sort(key=lambda one: self.calls.memory.last_asked(one, "listing"))
        self.postponed.update(due[max(LISTED_AT_ONCE, len(group_ids) // 14) :])

    def _wakes(self, group_ids: Iterable[str]) -> list[FindStep]:
        # Projects that a sweep has not reached come first in the next one.
        new = sorted(self.watched.watch(group_ids), key=self.calls.memory.last_asked)
        return [Wake(group_id) for group_id in new]

    def _is_due(self, project: Project) -> bool:
        if project.listed_at is None:
            return True
        age = self.run.now() - project.listed_at
        # After the clock was set back, the last time may lie in the future.
        return not timedelta(0) <= age < LISTED_EVERY - EARLY

    def _woken_kinds(self, group_id: str, page: Page) -> frozenset[RestoreKind]:
        """The kinds to list now, and in the next sweep, for events not seen before."""
        types, memory = dict(map(_event, page.entries)), self.calls.memory
        unseen = memory.unseen_events(group_id, types.keys())
        woken = frozenset(kind for one in unseen for kind in kinds_woken_by(types[one]))
        if len(page.entries) >= EVENTS_ON_PAGE:
            woken = frozenset(LISTED_KINDS)
        if woken:
            # A new cluster may have been restored, and an event may precede its job.
            memory.forget_clusters(group_id, woken)
            memory.read_again(group_id, map(Part, woken))
        return woken

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
        behind = marks.behind.keys() - memory.aside(project.group_id)
        kinds |= {part.kind for part in behind if part.cluster_name is None}
        clusters = {part for part in behind | clusters if part.kind not in kinds}
        if not (kinds or clusters):
            return None
        wanted = Wanted(
            project.group_id,
            marks,
            self.run.now(),
            partial(memory.last_asked, project.group_id),
            kinds=frozenset(kinds),
            clusters=frozenset(clusters),
            known=memory.clusters_of(project.group_id),
        )
        return ProjectListing(wanted, said_at)


def _troubled(project: Project) -> list[RestoreKind]:
    """The kinds that could not be seen. They are listed in every sweep, to see when they can be."""
    troubles = project.watched.troubles
    return [kind for kind in LISTED_KINDS if kind in troubles or CLUSTER_LISTS[kind] in troubles]


def _ends_the_search(error: RestoreWatchError) -> bool:
    """Whether no time is left, or Atlas does not know the project."""
    is_gone = isinstance(error, AtlasError) and error.error_code == PROJECT_GONE
    return is_gone or isinstance(error, TimeBudgetExceededError)


def kinds_woken_by(event_type: str) -> tuple[RestoreKind, ...]:
    """Return the kinds of job that an event of this type may be of; of an unknown type, all."""
    return _WOKEN.get(event_type.partition("_")[0], LISTED_KINDS)


def _event(entry: Any) -> tuple[str, str]:
    """The id and the type of an event. One of an unknown shape is known by its text."""
    read: dict[str, Any] = entry if isinstance(entry, dict) else {}
    names = (read.get("id"), read.get("eventTypeName"))
    key, kind = (name if isinstance(name, str) else "" for name in names)
    return key or repr(entry), kind
