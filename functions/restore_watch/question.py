"""What a sweep asks about open jobs: those of one cluster and kind together. Pure."""

from collections.abc import Container, Hashable, Iterable
from dataclasses import dataclass
from datetime import datetime

from restore_watch.atlas.rate_limits import Bucket
from restore_watch.open_job import JobKey, OpenJob
from restore_watch.restore_job import RestoreJob, RestoreKind


@dataclass(frozen=True)
class Answered:
    """What a list said about a job, in answer to a question that was asked at `begun`."""

    job: RestoreJob
    begun: datetime


@dataclass(frozen=True)
class Question:
    """
    Open jobs of one cluster and kind, asked about together. `tries` counts earlier attempts.

    With `is_alone`, the cluster's list was of no use for the one job. With `answered`, the list has
    shown a change of it, and only that is left to act on.
    """

    jobs: tuple[OpenJob, ...]
    tries: int = 0
    is_alone: bool = False
    answered: Answered | None = None

    @property
    def kind(self) -> RestoreKind:
        """The kind whose endpoint is asked first."""
        return self.jobs[0].kind or RestoreKind.FLEX

    @property
    def bucket(self) -> Bucket:
        """The bucket that the first call is taken from."""
        return Bucket(self.jobs[0].target.group_id, self.kind)

    @property
    def keys(self) -> tuple[JobKey, ...]:
        """The jobs. A job is asked about once at a time."""
        return tuple(job.key for job in self.jobs)

    @property
    def is_free(self) -> bool:
        """Atlas has answered already."""
        return self.answered is not None

    def without(self, busy: Container[Hashable]) -> "Question | None":
        """A question about the other jobs."""
        jobs = tuple(job for job in self.jobs if job.key not in busy)
        return Question(jobs) if jobs else None


def questions(jobs: Iterable[OpenJob]) -> list[Question]:
    """Group the jobs by cluster and kind, in the order of the first of each."""
    groups: dict[tuple[str, str, RestoreKind | None], list[OpenJob]] = {}
    for job in jobs:
        groups.setdefault((*job.target.cluster, job.kind), []).append(job)
    return [Question(tuple(group)) for group in groups.values()]
