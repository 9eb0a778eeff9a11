"""
How a sweep asks Atlas about the open jobs of a cluster: by the cluster's list, or one by one.

One call for the list may answer for many jobs. But a list may lag, and may show open jobs late or
not at all, so each job is also asked about by its own endpoint, in turn.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from foundation.errors import ApplicationError, TimeBudgetExceededError
from restore_watch.asking.asked import Asked, End, Subject
from restore_watch.asking.once_more import may_ask_once_more
from restore_watch.asking.questions import Questions
from restore_watch.atlas.session import AtlasSession
from restore_watch.errors import (
    AtlasError,
    AtlasForbiddenError,
    AtlasRateLimitError,
    AtlasUnauthorizedError,
    AtlasUnavailableError,
    RestoreJobNotFoundError,
    UnforeseenError,
)
from restore_watch.sweep.acting.job_actions import JobActions
from restore_watch.sweep.acting.list_actions import ListActions, ShownJobs
from restore_watch.sweep.following.follow_task import (
    AskInTurn,
    FollowTask,
    JobList,
    Search,
)
from restore_watch.sweep.following.job_lists import JobLists
from restore_watch.sweep.following.order_of_jobs import grouped_jobs
from restore_watch.sweep.run import Run
from restore_watch.table.open_job import OpenJob


@dataclass(frozen=True)
class JobFollower:
    """
    Follows the open jobs in one sweep. Any thread may use it. What fails is a failure of the sweep.

    `asked_alone`: the lists of which one job got a call of its own.
    """

    run: Run
    questions: Questions
    atlas: AtlasSession
    lists: JobLists
    list_actions: ListActions
    job_actions: JobActions
    asked_alone: set[JobList] = field(default_factory=set)

    def tasks(self, jobs: Iterable[OpenJob]) -> list[FollowTask]:
        """Return the tasks that ask about these jobs, the longest unasked first."""
        return [FollowTask(group, self) for group in grouped_jobs(jobs, self.run.memory)]

    def postpone(self, task: FollowTask) -> None:
        """Leave a task to the next sweep."""
        self.run.log.append(Asked(Subject.in_bucket(task.bucket), End.LATE, jobs=task.keys))
        if task.is_unseen:
            self.run.memory.note_left_out(task.jobs[0])

    def note_unforeseen(self, task: FollowTask, error: UnforeseenError) -> None:
        """Our own code failed about the jobs of a task."""
        for job in task.jobs:
            self.job_actions.note_failure(job, error)

    def follow(self, task: FollowTask) -> Sequence[FollowTask]:
        """Ask for the list of the cluster if that helps, or about the first job."""
        is_list = len(task.jobs) > 1 and task.jobs[0].kind is not None
        if is_list and self.run.memory.does_list_help(task.jobs):
            return self._ask_list(task)
        return self._ask_first(task)

    def ask_in_turn(self, task: AskInTurn) -> Sequence[FollowTask]:
        """
        Ask about the first job. If its endpoint answers, another task asks about the others.

        So an outage costs one call in a sweep, and after it all endpoints that failed are asked.
        """
        first, *others = task.jobs
        more = self._ask_first(FollowTask((first,), self))
        # The memory has read how this call ended. If it was stopped, the one before it counts.
        if others and not self.run.memory.remembered(first.key).is_failing:
            more.append(AskInTurn(tuple(others), self))
        return more

    def search(self, task: Search) -> None:
        """Look in the whole list of a cluster for a job that its own endpoint does not know."""
        (job,) = task.jobs
        shown = self.lists.search(task)
        answer = shown.jobs.get(job.target.restore_id)
        if answer is not None:
            self.job_actions.act_on_known(job, answer, shown.asked_at)
        elif shown.lacks(job):
            self.job_actions.act_on_missing(job)

    def _ask_list(self, task: FollowTask) -> list[FollowTask]:
        """Ask for the list of the jobs' cluster. Return the tasks that are left."""
        shown = ShownJobs(task.list.group_id, task.list.part, asked_at=self.run.now())
        try:
            self.lists.read_for(task, shown)
        except ApplicationError as error:
            # Earlier pages count all the same.
            if not shown.jobs:
                return self._ask_without_list(task, error)
        seen = [job for job in task.jobs if job.target.restore_id in shown.jobs]
        unseen = [job for job in task.jobs if job.target.restore_id not in shown.jobs]
        self.run.memory.note_list(task.jobs[0], is_useful=bool(seen))
        self._log_shown(task, seen)
        self.list_actions.act_on_news(shown)
        unchanged = [job for job in seen if job.target.restore_id not in shown.news]
        for job in unchanged:
            # An answer without news settles a job, too: it was asked about, and is as it was.
            self.job_actions.act_on_known(job, shown.jobs[job.target.restore_id], shown.asked_at)
        return [
            *self._each_alone(unseen, is_unseen=True),
            *self._ask_some_alone(task, unchanged),
        ]

    def _log_shown(self, task: FollowTask, seen: Sequence[OpenJob]) -> None:
        """
        Log which jobs the list has answered for.

        This is no further question: those for the pages are in the log without a job, because only
        the pages say which jobs they show.
        """
        keys = tuple(job.key for job in seen)
        self.run.log.append(Asked(Subject.of_shortcut(task.bucket), End.ANSWERED, jobs=keys))

    def _ask_without_list(self, task: FollowTask, error: ApplicationError) -> list[FollowTask]:
        """Go on although the list shows nothing. Return the tasks that are left."""
        match error:
            case AtlasRateLimitError() | TimeBudgetExceededError():
                # The record of the list names no jobs. This one says which of them are left:
                # a call for a job alone would meet the same limit, or the same end of the time.
                subject = Subject.in_bucket(task.bucket)
                self.run.log.append(Asked.failed(subject, error, task.keys))
                return []
            case AtlasError():
                return self._ask_each_instead(task, error)
        # There are no credentials, as the record of the list says: no other call can be made.
        return []

    def _ask_each_instead(self, task: FollowTask, error: AtlasError) -> list[FollowTask]:
        """Ask about each job alone, because the list failed. Return the tasks that are left."""
        if self.questions.take_call(task.bucket):
            more = self._ask_first(task)
        else:
            more = self._each_alone(task.jobs)
        # If nothing answers, the list is not to blame. The call for the first job may have shown
        # that the project does answer, so this comes after it.
        is_outage = isinstance(error, AtlasUnavailableError)
        if not is_outage or self.questions.pace.is_answered_by(task.bucket.group_id):
            self.run.memory.note_list(task.jobs[0], is_useful=False)
        return more

    def _ask_some_alone(self, task: FollowTask, unchanged: Sequence[OpenJob]) -> list[FollowTask]:
        """
        Return a task that asks about jobs of a list by their own endpoints: a list may lag.

        Once in a sweep for each list. `unchanged`: the jobs that the list showed without news. The
        jobs whose endpoints failed are asked about, or else the job that was not asked for longest.
        """
        if not unchanged or task.list in self.asked_alone:
            return []
        self.asked_alone.add(task.list)
        return [AskInTurn(self.run.memory.jobs_to_ask_alone(unchanged), self)]

    def _ask_first(self, task: FollowTask) -> list[FollowTask]:
        """Ask about the first job. The others get turns of their own."""
        job, *others = task.jobs
        asked_at, begun = self.run.now(), self.run.asking.clock()
        more: list[FollowTask] = [*self._each_alone(others)]
        read = partial(self.atlas.restore_job, job.target, patient=False, likely=job.kind)
        subject = Subject.in_bucket(task.bucket, job.target.restore_id)
        try:
            answer = self.questions.ask(subject, read, (job.key,))
        except ApplicationError as error:
            seconds = self.run.asking.clock() - begun
            more += self._go_on_after(error, replace(task, jobs=(job,)), seconds)
        else:
            self.job_actions.act_on_known(job, answer, asked_at)
        return more

    def _go_on_after(
        self, error: ApplicationError, task: FollowTask, seconds: float
    ) -> list[FollowTask]:
        """Return the tasks that are left after a job's own endpoint has failed."""
        (job,) = task.jobs
        project = self.run.projects.get(job.target.group_id)
        match error:
            case RestoreJobNotFoundError(transient=True):
                return []
            case RestoreJobNotFoundError(knows_cluster=True) if job.kind is not None:
                # That proves little: the list of its cluster may show the job.
                return [Search(task.jobs, self)]
            case RestoreJobNotFoundError():
                self.job_actions.act_on_missing(job)
            case AtlasForbiddenError() | AtlasUnauthorizedError():
                if project is not None and project.is_removed:
                    self.job_actions.act_on_missing(job, is_refused=True)
        tries = task.tries + 1
        return [replace(task, tries=tries)] if may_ask_once_more(error, seconds, tries) else []

    def _each_alone(self, jobs: Iterable[OpenJob], *, is_unseen: bool = False) -> list[FollowTask]:
        return [FollowTask((job,), self, is_unseen=is_unseen) for job in jobs]
