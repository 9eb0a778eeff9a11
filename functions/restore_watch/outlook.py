"""How a sweep saw its projects in the end: what failed, and about what nothing was learnt. Pure."""

from collections import defaultdict
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass

from restore_watch.errors import (
    AtlasUnauthorizedError,
    RestoreWatchError,
    TimeBudgetExceededError,
)
from restore_watch.listing import LISTED_KINDS
from restore_watch.open_job import OpenJob
from restore_watch.project_item import Project
from restore_watch.restore_job import RestoreKind
from restore_watch.sight import OF_A_CLUSTER, of_clusters
from restore_watch.waking import Waker
from restore_watch.watch_change import ABSENT, Trouble

_SWEEP = "sweep"
"""The name of the trouble that a sweep did not reach a project."""

_NOT_REACHED = "The sweep did not reach this project in its time"

_NOT_LISTED = (
    "Atlas no longer shows this project in the list of projects: it was deleted, or the service "
    "account or API key has lost its role in it"
)


@dataclass(frozen=True)
class Seen:
    """
    How a sweep saw a project: what failed, and which `families` of endpoints it learnt about.

    It `is_seen` if any of them answered. A project that is not watched has open jobs that were
    named, or had. If it `is_listed`, nothing is there beyond what was asked.
    """

    project: Project
    failures: Mapping[str, RestoreWatchError]
    families: frozenset[str]
    is_watched: bool
    is_seen: bool = False
    is_listed: bool = False
    open_jobs: int = 0

    @property
    def standing(self) -> dict[str, Trouble]:
        """
        What was reported to fail, and about which nothing was learnt.

        Without a report it does not count any more: a failure that nobody met again is no outage.
        """
        watched = self.project.watched
        is_asked = self.is_watched or not self.families
        if watched.degraded is None or not is_asked or self.is_over:
            return {}
        troubles = {
            name: one for name, one in watched.troubles.items() if name not in self.families
        }
        # A listing asks for everything but whether the project is among all others.
        return {name: one for name, one in troubles.items() if name == ABSENT or not self.is_listed}

    @property
    def is_over(self) -> bool:
        """Whether nobody looks at the project any more."""
        return not (self.is_watched or self.families)

    @property
    def fails(self) -> bool:
        """Whether the project cannot be seen."""
        return bool(self.failures or self.standing)

    @property
    def fails_whole(self) -> bool:
        """Whether more fails than the jobs of single clusters."""
        names = {*self.failures, *self.standing}
        return any(not name.endswith(OF_A_CLUSTER) for name in names)


@dataclass(frozen=True)
class Outlook:
    """How one sweep saw each project. `listed` has those of which everything was read."""

    waker: Waker
    listed: Container[str]

    def of_projects(self, jobs: Iterable[OpenJob], asked: Collection[str]) -> list[Seen]:
        """
        Return how each project was seen: those that are watched, and those of `asked` jobs.

        Open jobs are all `jobs`.
        """
        by_project: defaultdict[str, list[OpenJob]] = defaultdict(list)
        for job in jobs:
            by_project[job.target.group_id].append(job)
        seen = [
            self._of(group_id, by_project.get(group_id, ()))
            for group_id in sorted(self.waker.woken.union(asked))
        ]
        return [*seen, *self._left_alone(by_project)]

    def _of(self, group_id: str, open_jobs: Sequence[OpenJob]) -> Seen:
        project = self.waker.known.get(group_id, Project(group_id))
        is_watched = group_id in self.waker.woken
        sight = self.waker.calls.reception.sight
        # A job that the table knows could be read before.
        known = {str(job.kind) for job in open_jobs if job.kind}
        failures = sight.failures(group_id, project.readable | known)
        learnt = sight.learnt(group_id)
        # As long as clusters of a kind have stayed behind, one that failed may not have been tried.
        aside = self.waker.calls.memory.aside(group_id)
        behind = set(project.marks.behind) - aside if project.marks else set()
        are_behind = {part.kind for part in behind}
        families = {
            *failures,
            *(learnt - {of_clusters(kind) for kind in LISTED_KINDS}),
            *(of_clusters(kind) for kind in LISTED_KINDS if kind not in are_behind),
            # Where no job is open, no GET can fail.
            *(str(kind) for kind in RestoreKind if str(kind) not in known),
        }
        is_seen = bool(sight.families(group_id))
        if not is_seen and not failures:
            failures[_SWEEP] = TimeBudgetExceededError(_NOT_REACHED)
        if self.waker.knows_projects:
            families.add(ABSENT)
            if is_watched and not self.waker.shows(group_id):
                failures[ABSENT] = AtlasUnauthorizedError(_NOT_LISTED)
        return Seen(
            project=project,
            failures=failures,
            families=frozenset({_SWEEP, *families}),
            is_seen=is_seen,
            is_watched=is_watched,
            is_listed=group_id in self.listed,
            open_jobs=len(open_jobs),
        )

    def _left_alone(self, with_open_jobs: Container[str]) -> list[Seen]:
        """
        Return what failed and is not watched any more, as seen: nothing fails where nobody looks.

        The operator has removed the project, or the last job that was named in it has ended.
        """
        return [
            Seen(project, failures={}, families=frozenset(), is_watched=False)
            for group_id, project in list(self.waker.known.items())
            if project.watched.troubles
            and group_id not in self.waker.woken
            and group_id not in with_open_jobs
        ]
