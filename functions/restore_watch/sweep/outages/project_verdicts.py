"""The verdict of a sweep on each project: its failures, and older ones that may go on. Pure."""

from collections import defaultdict
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass

from foundation.errors import TimeBudgetExceededError
from foundation.service import service
from restore_watch.errors import AtlasUnauthorizedError, RestoreWatchError
from restore_watch.model.outage import ABSENT, UNANSWERED, Trouble
from restore_watch.model.restore_job import RestoreKind
from restore_watch.sweep.find.listing_scope import LISTED_KINDS
from restore_watch.sweep.find.memory_of_projects import FindMemory
from restore_watch.sweep.find.watched_projects import WatchedProjects
from restore_watch.sweep.outcomes import of_clusters
from restore_watch.sweep.run import Run
from restore_watch.table.open_job import OpenJob
from restore_watch.table.project_item import Project

ITEMS = "items"
"""The name of the trouble that the item of some job cannot be read or written."""

_SWEEP = "sweep"
"""The name of the trouble that a sweep did not reach a project."""

_NOT_OF_A_LISTING = {ABSENT, *RestoreKind}
"""A listing asks for everything but known jobs, and whether the project is among all others."""

_NOT_REACHED = "The sweep did not reach this project in its time"

_NOT_LISTED = (
    "Atlas no longer shows this project in the list of projects: it was deleted, or the service "
    "account or API key has lost its role in it"
)


@dataclass(frozen=True)
class ProjectVerdict:
    """
    How a sweep saw a project that it looked at.

    `failures` are those of now, and `standing` the stored ones about which the sweep has learnt
    nothing, both by question. It `is_seen` if Atlas answered anything.
    """

    project: Project
    failures: Mapping[str, RestoreWatchError]
    standing: Mapping[str, Trouble]
    is_seen: bool
    open_jobs: int

    @property
    def fails(self) -> bool:
        """Whether anything of the project cannot be seen."""
        return bool(self.failures or self.standing)

    @property
    def unanswered(self) -> RestoreWatchError | None:
        """A failure of now for want of an answer, if there is one."""
        return next((one for one in self.failures.values() if isinstance(one, UNANSWERED)), None)


@service
class ProjectVerdicts:
    """How one sweep saw each project. `listed` has those of which everything was read."""

    run: Run
    watched: WatchedProjects
    memory: FindMemory
    listed: Container[str]

    def of_projects(self, jobs: Iterable[OpenJob], asked: Collection[str]) -> list[ProjectVerdict]:
        """
        Return how each project was seen: those that are watched, and those of `asked` jobs.

        Open jobs are all `jobs`. Those of a project that was removed say nothing about it.
        """
        by_project, odd_items = _by_project(jobs), self.run.tally.odd_items
        removed = {one.group_id for one in self.run.stored_projects() if one.is_removed}
        return [
            self._of(group_id, by_project.get(group_id, ()), odd_items.get(group_id))
            for group_id in sorted(self.watched.woken.union(set(asked) - removed))
        ]

    def left_alone(self, jobs: Iterable[OpenJob]) -> list[Project]:
        """Return the projects that fail, in which the last job that was named has ended."""
        with_open_jobs = _by_project(jobs)
        return [
            project
            for project in self.run.stored_projects()
            if project.watched.is_failing
            and not project.is_removed
            and project.group_id not in self.watched.woken
            and project.group_id not in with_open_jobs
        ]

    def _of(
        self, group_id: str, open_jobs: Sequence[OpenJob], odd_item: RestoreWatchError | None
    ) -> ProjectVerdict:
        project = self.run.projects.get(group_id, Project(group_id))
        is_watched = group_id in self.watched.woken
        # A job that the table knows could be read before.
        known = {str(job.kind) for job in open_jobs if job.kind}
        failures = self._failures(project, open_jobs, known)
        if odd_item is not None:
            failures[ITEMS] = odd_item
        learnt = {*failures, *self._learnt(project, known)}
        is_seen = bool(self.run.outcomes.families(group_id))
        if not is_seen and not failures:
            failures[_SWEEP] = TimeBudgetExceededError(_NOT_REACHED)
        if is_watched and not self.watched.may_be_there(group_id):
            failures[ABSENT] = AtlasUnauthorizedError(_NOT_LISTED)
        return ProjectVerdict(
            project=project,
            failures=failures,
            standing=self._standing(project, learnt) if is_watched else {},
            is_seen=is_seen,
            open_jobs=len(open_jobs),
        )

    def _failures(
        self, project: Project, open_jobs: Iterable[OpenJob], known: Collection[str]
    ) -> dict[str, RestoreWatchError]:
        """The failures of now, by question."""
        failures = self.run.outcomes.failures(project.group_id, project.readable.union(known))
        for job in open_jobs:
            error = self.run.memory.lasting_failure(job)
            if error is not None:
                failures.setdefault(str(job.kind or RestoreKind.FLEX), error)
        return failures

    def _learnt(self, project: Project, known: Collection[str]) -> set[str]:
        """The questions of which the sweep has learnt whether they fail."""
        # As long as clusters of a kind have stayed behind, one that failed may not have been tried.
        behind = project.marks.behind.keys() if project.marks else frozenset()
        are_behind = {part.kind for part in behind - self.memory.aside(project.group_id)}
        answered = self.run.outcomes.learnt(project.group_id)
        return {
            _SWEEP,
            ITEMS,
            *(answered - {of_clusters(kind) for kind in LISTED_KINDS}),
            *(of_clusters(kind) for kind in LISTED_KINDS if kind not in are_behind),
            # Where no job is open, no GET can fail.
            *(str(kind) for kind in RestoreKind if str(kind) not in known),
            *([ABSENT] if self.watched.knows_projects else ()),
        }

    def _standing(self, project: Project, learnt: Container[str]) -> dict[str, Trouble]:
        """
        Return the reported failures about which nothing was learnt.

        Without a report it does not count any more: a failure that nobody met again is no outage.
        """
        if project.watched.degraded is None:
            return {}
        is_listed = project.group_id in self.listed
        return {
            name: one
            for name, one in project.watched.troubles.items()
            if name not in learnt and (name in _NOT_OF_A_LISTING or not is_listed)
        }


def _by_project(jobs: Iterable[OpenJob]) -> Mapping[str, Sequence[OpenJob]]:
    by_project: defaultdict[str, list[OpenJob]] = defaultdict(list)
    for job in jobs:
        by_project[job.target.group_id].append(job)
    return by_project
