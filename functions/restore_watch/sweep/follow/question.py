"""The questions of a sweep about open jobs: those of one cluster and kind together. Pure."""

from collections.abc import Container, Hashable, Iterable
from dataclasses import dataclass, replace
from typing import Self

from restore_watch.atlas.rate_limits import Bucket
from restore_watch.model.marks import Part
from restore_watch.model.restore_job import RestoreKind
from restore_watch.table.open_job import JobKey, OpenJob

type JobList = tuple[str | None, Part]
"""A list of restore jobs: the project, and the kind and cluster."""


@dataclass(frozen=True)
class Question:
    """
    Open jobs of one cluster and kind, asked about together: one of them by its own endpoint.

    `tries` counts earlier attempts.
    """

    jobs: tuple[OpenJob, ...]
    tries: int = 0

    @property
    def kind(self) -> RestoreKind:
        """The kind whose endpoint is asked first."""
        return self.jobs[0].kind or RestoreKind.FLEX

    @property
    def part(self) -> Part:
        """The list that shows the jobs."""
        return Part(self.kind, self.jobs[0].target.cluster_name)

    @property
    def list(self) -> JobList:
        """Which list that is among those of all projects."""
        return self.jobs[0].target.group_id, self.part

    @property
    def bucket(self) -> Bucket:
        """The bucket that the first call is taken from."""
        return Bucket(self.jobs[0].target.group_id, self.kind)

    @property
    def is_alone(self) -> bool:
        """Whether it is about a single job."""
        return len(self.jobs) == 1

    @property
    def keys(self) -> tuple[JobKey, ...]:
        """The jobs. A job is asked about once at a time."""
        return tuple(job.key for job in self.jobs)

    def without(self, busy: Container[Hashable]) -> Self | None:
        """A question about the other jobs."""
        jobs = tuple(job for job in self.jobs if job.key not in busy)
        return replace(self, jobs=jobs) if jobs else None


@dataclass(frozen=True)
class Turns(Question):
    """The jobs' own endpoints are asked one after the other, until one of them fails."""

    is_alone = False


@dataclass(frozen=True)
class Search(Question):
    """The job's own endpoint does not know it: the list of its cluster decides if it is there."""

    is_alone = False

    @property
    def kind(self) -> RestoreKind:
        """The lists of tenant jobs are those of Flex."""
        kind = super().kind
        return RestoreKind.FLEX if kind is RestoreKind.TENANT else kind


def questions(jobs: Iterable[OpenJob]) -> list[Question]:
    """Group the jobs by cluster and kind, in the order of the first of each."""
    groups: dict[tuple[str, str, RestoreKind | None], list[OpenJob]] = {}
    for job in jobs:
        groups.setdefault((*job.target.cluster, job.kind), []).append(job)
    return [Question(tuple(group)) for group in groups.values()]
