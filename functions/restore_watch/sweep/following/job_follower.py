"""
How a sweep asks Atlas about the open jobs of a cluster: by the cluster's list, or one by one.

One call for the list may answer for many jobs. But a list may lag, and may show open jobs late or
not at all, so each job is also asked about by its own endpoint, in turn.
"""

from collections.abc import Container, Hashable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from random import shuffle
from threading import Lock
from typing import Self

from foundation.errors import TimeBudgetExceededError
from foundation.plain_class import plain_class
from restore_watch.asking.asked import Asked, End, Subject
from restore_watch.asking.nothing_to_read import has_nothing_to_read
from restore_watch.asking.once_more import may_ask_once_more
from restore_watch.asking.questions import Questions
from restore_watch.atlas.families import jobs_of
from restore_watch.atlas.pages import PageAt, page_for
from restore_watch.atlas.rate_limits import Bucket
from restore_watch.atlas.session import AtlasSession
from restore_watch.errors import (
    AtlasError,
    AtlasForbiddenError,
    AtlasRateLimitError,
    AtlasUnauthorizedError,
    AtlasUnavailableError,
    RestoreJobNotFoundError,
    RestoreWatchError,
)
from restore_watch.model.marks import Part
from restore_watch.model.restore_job import RestoreKind
from restore_watch.sweep.acting.act_on_answer import JobActions
from restore_watch.sweep.acting.act_on_list import Observer, Shown
from restore_watch.sweep.memory_of_jobs import JobMemory
from restore_watch.sweep.run import Run
from restore_watch.table.open_job import JobKey, OpenJob

NEWER_JOBS = 20
"""A list is asked for this many more jobs than are wanted: newer ones come first."""

ALL_JOBS = PageAt(size=250)
"""The first page of a list that is read to its end because of one job."""

type JobList = tuple[str, Part]
"""A list of restore jobs: the project, and the kind and cluster."""


@dataclass(frozen=True)
class FollowTask:
    """
    Ask about open jobs of one cluster and kind: about a single job by its own endpoint.

    `tries` counts earlier attempts. `is_unseen`: the list of the cluster did not show the job.
    """

    jobs: tuple[OpenJob, ...]
    tries: int = 0
    is_unseen: bool = False

    @property
    def kind(self) -> RestoreKind:
        """The kind whose endpoint is asked first."""
        return self.jobs[0].kind or RestoreKind.FLEX

    @property
    def list(self) -> JobList:
        """The list that shows the jobs."""
        return self.jobs[0].target.group_id, Part(self.kind, self.jobs[0].target.cluster_name)

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


@dataclass(frozen=True)
class AskInTurn(FollowTask):
    """Ask the jobs' own endpoints one after the other, until one of them fails."""


@dataclass(frozen=True)
class Search(FollowTask):
    """Look for a job that its own endpoint does not know in the list of its cluster."""

    @property
    def kind(self) -> RestoreKind:
        """The lists of tenant jobs are those of Flex."""
        kind = super().kind
        return RestoreKind.FLEX if kind is RestoreKind.TENANT else kind


def follow_tasks(jobs: Iterable[OpenJob], memory: JobMemory) -> list[FollowTask]:
    """
    Group the jobs by cluster and kind: the group whose first job was asked longest ago comes first.

    Jobs that Atlas was never asked about come before all, in any order. So an environment that dies
    while it asks about some job does not always begin with it.
    """
    ordered = list(jobs)
    shuffle(ordered)
    ordered.sort(key=lambda job: memory.moments(job).asked)
    groups: dict[tuple[str, str, RestoreKind | None], list[OpenJob]] = {}
    for job in ordered:
        groups.setdefault((*job.target.cluster, job.kind), []).append(job)
    return [FollowTask(tuple(group)) for group in groups.values()]


@plain_class
class JobFollower:
    """
    Follows the open jobs in one sweep. Any thread may use it. What fails is a failure of the sweep.

    `asked_alone`: the lists of which one job got a call of its own. `wholes`: those that were read
    to their ends for jobs whose own endpoints do not know them: all such jobs of a cluster cost one
    list. `reading` has a lock for each.
    """

    run: Run
    questions: Questions
    atlas: AtlasSession
    observer: Observer
    actions: JobActions
    asked_alone: set[JobList] = field(default_factory=set)
    wholes: dict[JobList, Shown] = field(default_factory=dict)
    reading: dict[JobList, Lock] = field(default_factory=dict)

    def leave_out(self, task: FollowTask) -> None:
        """Leave a task to the next sweep."""
        self.run.log.append(Asked(Subject.in_bucket(task.bucket), End.LATE, jobs=task.keys))
        if task.is_unseen:
            self.run.memory.note_left_out(task.jobs[0])

    def follow(self, task: FollowTask) -> list[FollowTask]:
        """Ask about the jobs of a task. Return the tasks to do after the others."""
        match task:
            case Search():
                self._look_for(task)
                return []
            case AskInTurn():
                return self._ask_in_turn(task)
        is_list = len(task.jobs) > 1 and task.jobs[0].kind is not None
        if is_list and self.run.memory.does_list_help(task.jobs):
            return self._ask_list(task)
        return self._ask_first(task)

    def _ask_list(self, task: FollowTask) -> list[FollowTask]:
        """Ask for the list of the jobs' cluster. Return the tasks that are left."""
        jobs, shown = task.jobs, Shown(*task.list, self.run.now())
        try:
            self._read_pages(task, shown, wanted=len(jobs))
        except RestoreWatchError as error:
            # Earlier pages count all the same.
            if not shown.jobs:
                return self._ask_without_list(task, error)
        seen = [job for job in jobs if job.target.restore_id in shown.jobs]
        self.run.memory.note_list(jobs[0], is_useful=bool(seen))
        of_list = Subject(task.bucket, None)
        self.run.log.append(Asked(of_list, End.ANSWERED, jobs=tuple(job.key for job in seen)))
        self.observer.act_on_news(shown)
        unchanged = [job for job in seen if job.target.restore_id not in shown.news]
        for job in unchanged:
            self.actions.act_on_known(job, shown.jobs[job.target.restore_id], shown.asked_at)
        unseen = [job for job in jobs if job.target.restore_id not in shown.jobs]
        return [*_alone(unseen, is_unseen=True), *self._ask_alone(task, unchanged)]

    def _ask_without_list(self, task: FollowTask, error: RestoreWatchError) -> list[FollowTask]:
        """Go on although the list shows nothing. Return the tasks that are left."""
        jobs = task.jobs
        if isinstance(error, (AtlasRateLimitError, TimeBudgetExceededError)):
            self.run.log.append(Asked.failed(Subject.in_bucket(task.bucket), error, task.keys))
            return []
        if not isinstance(error, AtlasError):
            return []
        more: list[FollowTask] = [*_alone(jobs)]
        if self.questions.take_call(task.bucket):
            more = self._ask_first(task)
        # If nothing answers, the list is not to blame.
        is_outage = isinstance(error, AtlasUnavailableError)
        if not is_outage or self.questions.pace.is_answered_by(task.bucket.group_id):
            self.run.memory.note_list(jobs[0], is_useful=False)
        return more

    def _ask_alone(self, task: FollowTask, unchanged: Sequence[OpenJob]) -> list[FollowTask]:
        """Once in a sweep, one job of a list gets a call of its own, because a list may lag."""
        if not unchanged or task.list in self.asked_alone:
            return []
        self.asked_alone.add(task.list)
        return [AskInTurn(self.run.memory.jobs_to_ask_alone(unchanged))]

    def _ask_in_turn(self, task: AskInTurn) -> list[FollowTask]:
        """After an outage all endpoints that have failed are asked, and meanwhile only one."""
        first, *others = task.jobs
        more = self._ask_first(FollowTask((first,), tries=task.tries))
        if others and self.run.memory.moments(first).failure is None:
            more.append(AskInTurn(tuple(others)))
        return more

    def _ask_first(self, task: FollowTask) -> list[FollowTask]:
        """Ask about the first job. The others get turns of their own."""
        job, *others = task.jobs
        asked_at, begun = self.run.now(), self.run.asking.clock()
        more: list[FollowTask] = [*_alone(others)]
        read = partial(self.atlas.restore_job, job.target, patient=False, likely=job.kind)
        subject = Subject.in_bucket(task.bucket, job.target.restore_id)
        try:
            answer = self.questions.ask(subject, read, (job.key,))
        except RestoreWatchError as error:
            seconds = self.run.asking.clock() - begun
            more += self._go_on_after(error, replace(task, jobs=(job,)), seconds)
        else:
            self.actions.act_on_known(job, answer, asked_at)
        return more

    def _go_on_after(
        self, error: RestoreWatchError, task: FollowTask, seconds: float
    ) -> list[FollowTask]:
        """Return the tasks that are left after a job's own endpoint has failed."""
        (job,) = task.jobs
        project = self.run.projects.get(job.target.group_id)
        match error:
            case RestoreJobNotFoundError(transient=True):
                return []
            case RestoreJobNotFoundError(knows_cluster=True) if job.kind is not None:
                # That proves little: the list of its cluster may show the job.
                return [Search(task.jobs)]
            case RestoreJobNotFoundError():
                self.actions.act_on_missing(job)
            case AtlasForbiddenError() | AtlasUnauthorizedError():
                if project is not None and project.is_removed:
                    self.actions.act_on_missing(job, is_refused=True)
        tries = task.tries + 1
        return [replace(task, tries=tries)] if may_ask_once_more(error, seconds, tries) else []

    def _look_for(self, task: Search) -> None:
        """Look in the whole list of a cluster for a job that its own endpoint does not know."""
        (job,) = task.jobs
        whole = self._whole(task)
        answer = whole.jobs.get(job.target.restore_id)
        if answer is not None:
            self.actions.act_on_known(job, answer, whole.asked_at)
        elif whole.lacks(job):
            self.actions.act_on_missing(job)

    def _whole(self, task: Search) -> Shown:
        """Read a list to its end unless that was done, and act on its news."""
        with self.reading.setdefault(task.list, Lock()):
            known = self.wholes.get(task.list)
            if known is not None:
                return known
            whole = Shown(*task.list, self.run.now())
            try:
                whole.is_whole = self._read_pages(task, whole)
            except RestoreWatchError as error:
                if isinstance(error, RestoreJobNotFoundError) or has_nothing_to_read(error):
                    whole.is_whole, whole.unreadable = True, []
            if whole.is_whole:
                # The entries of thousands of lists would take much memory.
                whole.entries = ()
                self.wholes[task.list] = whole
        self.observer.act_on_news(whole)
        return whole

    def _read_pages(self, task: FollowTask, shown: Shown, wanted: int | None = None) -> bool:
        """
        Read the list of a cluster's jobs, to its end unless a number of jobs is wanted.

        True if it was read to its end. Otherwise pages are read as long as they show more of what
        is wanted. A last job is asked about by its id, which never takes more than one call.
        """
        ids = {job.target.restore_id for job in task.jobs}
        cluster, known = task.jobs[0].target.cluster, set[str]()
        of_list = Subject(task.bucket, None, cluster[1])
        at = page_for(wanted + NEWER_JOBS) if wanted else ALL_JOBS
        while True:
            page = self.questions.ask(
                of_list, partial(self.atlas.page_of_jobs, cluster, task.kind, at)
            )
            self.observer.read_page(page, shown)
            if not page.has_next:
                return True
            left = ids - shown.jobs.keys()
            new = {entry.id for entry in shown.entries} - known
            known |= new
            is_enough = not left if wanted is None else len(left) <= 1 or not new & ids
            # A page that shows nothing new may be followed by the same one for ever.
            if is_enough or not new or not self.questions.take_call(task.bucket):
                return False
            at = page.at.next


def _alone(jobs: Iterable[OpenJob], *, is_unseen: bool = False) -> list[FollowTask]:
    return [FollowTask((job,), is_unseen=is_unseen) for job in jobs]
