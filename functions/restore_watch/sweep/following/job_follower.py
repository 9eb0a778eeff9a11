"""How a sweep asks Atlas about the open jobs: about each one by its own endpoint."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from random import shuffle

from foundation.errors import ApplicationError
from restore_watch.asking.asked import Asked, End, Subject
from restore_watch.asking.questions import Questions
from restore_watch.atlas.families import jobs_of
from restore_watch.atlas.rate_limits import Bucket
from restore_watch.atlas.session import AtlasSession
from restore_watch.errors import (
    AtlasForbiddenError,
    AtlasUnauthorizedError,
    RestoreJobNotFoundError,
    UnforeseenError,
)
from restore_watch.model.restore_target import RestoreKind
from restore_watch.sweep.acting.job_actions import JobActions
from restore_watch.sweep.memory_of_jobs import JobMemory
from restore_watch.sweep.run import Run
from restore_watch.sweep.sweep_task import SweepTask
from restore_watch.table.open_job import JobKey, OpenJob


def longest_unasked_first(jobs: Iterable[OpenJob], memory: JobMemory) -> list[OpenJob]:
    """
    Sort the jobs by when Atlas was last asked about them, the one asked longest ago first.

    Jobs that Atlas was never asked about come before all, in any order. So an environment that dies
    while it asks about some job does not always begin with it.
    """
    ordered = list(jobs)
    shuffle(ordered)
    return sorted(ordered, key=lambda job: memory.remembered(job.key).asked)


@dataclass(frozen=True)
class JobFollower:
    """Follows the open jobs in one sweep. Any thread may use it."""

    run: Run
    questions: Questions
    atlas: AtlasSession
    job_actions: JobActions

    def tasks(self, jobs: Iterable[OpenJob]) -> "list[FollowTask]":
        """Return the tasks that ask about these jobs, in the order to do them."""
        return [FollowTask(job, self) for job in longest_unasked_first(jobs, self.run.memory)]

    def follow(self, task: "FollowTask") -> "Sequence[FollowTask]":
        """Ask about the job. Return the task to do after the others, if it is asked once more."""
        job, asked_at, begun = task.job, self.run.now(), self.run.asking.clock()
        read = partial(self.atlas.restore_job, job.target, patient=False, likely=job.kind)
        subject = Subject.in_bucket(task.bucket, job.target.restore_id)
        try:
            answer = self.questions.ask(subject, read, task.keys)
        except ApplicationError as error:
            self._act_on_failure(job, error)
            tries = task.tries + 1
            asks_again = self.questions.may_ask_once_more(error, begun, tries)
            return [replace(task, tries=tries)] if asks_again else []
        self.job_actions.act_on_known(job, answer, asked_at)
        return []

    def _act_on_failure(self, job: OpenJob, error: ApplicationError) -> None:
        match error:
            case RestoreJobNotFoundError(transient=False):
                self.job_actions.act_on_missing(job)
            case AtlasForbiddenError() | AtlasUnauthorizedError():
                project = self.run.projects.get(job.target.group_id)
                if project is not None and project.is_removed:
                    self.job_actions.act_on_missing(job, is_refused=True)


@dataclass(frozen=True)
class FollowTask(SweepTask):
    """Ask about an open job. `tries` counts earlier attempts of this round."""

    job: OpenJob
    follower: JobFollower = field(repr=False, compare=False)
    tries: int = 0

    @property
    def finds(self) -> bool:
        """It is about a known job."""
        return False

    @property
    def bucket(self) -> Bucket:
        """The bucket of the kind whose endpoint is asked first."""
        return Bucket(self.job.target.group_id, jobs_of(self.job.kind or RestoreKind.FLEX))

    @property
    def keys(self) -> tuple[JobKey]:
        """The job: it is asked about once at a time."""
        return (self.job.key,)

    def do(self) -> "Sequence[FollowTask]":
        """Ask about the job."""
        return self.follower.follow(self)

    def postpone(self) -> None:
        """Leave the job to the next sweep."""
        record = Asked(Subject.in_bucket(self.bucket), End.LATE, jobs=self.keys)
        self.follower.run.log.append(record)

    def note_unforeseen(self, error: UnforeseenError) -> None:
        """Our own code failed about the job."""
        self.follower.job_actions.note_failure(self.job, error)
