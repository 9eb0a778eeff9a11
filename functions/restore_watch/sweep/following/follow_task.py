"""The tasks by which a sweep follows known jobs."""

from collections.abc import Container, Hashable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, Protocol, Self

from restore_watch.atlas.families import jobs_of
from restore_watch.atlas.rate_limits import Bucket
from restore_watch.errors import UnforeseenError
from restore_watch.model.marks import Part
from restore_watch.model.restore_target import RestoreKind
from restore_watch.sweep.sweep_task import SweepTask
from restore_watch.table.open_job import JobKey, OpenJob


class JobList(NamedTuple):
    """A list of restore jobs: that of a project's cluster, of one kind."""

    group_id: str
    part: Part


class Follower(Protocol):
    """Whoever does these tasks."""

    def follow(self, task: "FollowTask") -> "Sequence[FollowTask]":
        """Ask about the jobs. Return the tasks to do after the others."""

    def ask_in_turn(self, task: "AskInTurn") -> "Sequence[FollowTask]":
        """Ask the jobs' own endpoints one after the other. Return the tasks that are left."""

    def search(self, task: "Search") -> None:
        """Look for the job in the list of its cluster."""

    def postpone(self, task: "FollowTask") -> None:
        """Leave the task to the next sweep."""

    def note_unforeseen(self, task: "FollowTask", error: UnforeseenError) -> None:
        """Our own code failed about the jobs of the task."""


@dataclass(frozen=True)
class FollowTask(SweepTask):
    """
    Ask about open jobs of one cluster and kind: about a single job by its own endpoint.

    `tries` counts earlier attempts. `is_unseen`: the list of the cluster did not show the job.
    """

    jobs: tuple[OpenJob, ...]
    follower: Follower = field(repr=False, compare=False)
    tries: int = 0
    is_unseen: bool = False

    @property
    def finds(self) -> bool:
        """It is about known jobs."""
        return False

    @property
    def kind(self) -> RestoreKind:
        """The kind whose endpoint is asked first."""
        return self.jobs[0].kind or RestoreKind.FLEX

    @property
    def list(self) -> JobList:
        """The list that shows the jobs."""
        target = self.jobs[0].target
        return JobList(target.group_id, Part(self.kind, target.cluster_name))

    @property
    def bucket(self) -> Bucket:
        """The bucket that the first call is taken from."""
        return Bucket(self.jobs[0].target.group_id, jobs_of(self.kind))

    @property
    def keys(self) -> tuple[JobKey, ...]:
        """The jobs. A job is asked about once at a time."""
        return tuple(job.key for job in self.jobs)

    def without(self, busy: Container[Hashable]) -> Self | None:
        """A task about the other jobs."""
        jobs = tuple(job for job in self.jobs if job.key not in busy)
        return replace(self, jobs=jobs) if jobs else None

    def do(self) -> "Sequence[FollowTask]":
        """Ask for the list of the cluster, or about the first job."""
        return self.follower.follow(self)

    def postpone(self) -> None:
        """Leave the jobs to the next sweep."""
        self.follower.postpone(self)

    def note_unforeseen(self, error: UnforeseenError) -> None:
        """Our own code failed about the jobs."""
        self.follower.note_unforeseen(self, error)


@dataclass(frozen=True)
class AskInTurn(FollowTask):
    """Ask the jobs' own endpoints one after the other, until one of them fails."""

    def do(self) -> Sequence[FollowTask]:
        """Ask about the first job, and then about the others."""
        return self.follower.ask_in_turn(self)


@dataclass(frozen=True)
class Search(FollowTask):
    """Look for a job that its own endpoint does not know in the list of its cluster."""

    @property
    def kind(self) -> RestoreKind:
        """The lists of tenant jobs are those of Flex."""
        kind = super().kind
        return RestoreKind.FLEX if kind is RestoreKind.TENANT else kind

    def do(self) -> Sequence[FollowTask]:
        """Read the list. Nothing follows."""
        self.follower.search(self)
        return ()
