"""How a sweep asks Atlas about the open jobs of a cluster: by the cluster's list, or one by one."""

from collections.abc import Iterable, Sequence
from dataclasses import field, replace

from foundation.errors import TimeBudgetExceededError
from foundation.service import service
from restore_watch.atlas.session import AtlasSession
from restore_watch.check.outbox import QUESTION_TIME
from restore_watch.errors import (
    AtlasError,
    AtlasForbiddenError,
    AtlasRateLimitError,
    AtlasUnauthorizedError,
    AtlasUnavailableError,
    RestoreJobNotFoundError,
    RestoreWatchError,
)
from restore_watch.sweep.act_on_answer import Follower
from restore_watch.sweep.answers import Answers
from restore_watch.sweep.follow.lists import JobLists
from restore_watch.sweep.follow.question import JobList, Question, Search, Turns
from restore_watch.sweep.observe import Shown
from restore_watch.sweep.outcomes import Asked
from restore_watch.sweep.run import Run
from restore_watch.table.open_job import OpenJob
from restore_watch.threads.agenda import may_succeed_at_once

type Questions = list[Question]


@service
class Asker:
    """
    Asks the questions of one sweep. Any thread may use it. What fails is a failure of the sweep.

    Of the lists `asked_alone`, one job got a call of its own.
    """

    run: Run
    atlas: AtlasSession
    lists: JobLists
    follower: Follower
    answers: Answers
    asked_alone: set[JobList] = field(default_factory=set)

    def allows(self, question: Question) -> bool:
        """Whether the sweep may ask this question now."""
        return self.run.pace.allows(question.bucket)

    def skip(self, question: Question) -> None:
        """Leave a question to the next sweep."""
        self.run.tally.skipped(question.jobs)
        self.run.outcomes.left(Asked.job(question.bucket, ""))
        if question.is_alone:
            self.run.memory.left_out(question.jobs[0])

    def ask(self, question: Question) -> Questions:
        """Ask about the jobs of a question. Return those to ask after the others."""
        match question:
            case Search():
                self._look_for(question)
                return []
            case Turns():
                return self._ask_in_turn(question)
        jobs = question.jobs
        if question.is_alone or jobs[0].kind is None or not self.run.memory.list_helps(jobs):
            return self._ask_first(question)
        return self._ask_list(question)

    def _ask_list(self, question: Question) -> Questions:
        """Ask for the list of the jobs' cluster. Return the questions that it leaves open."""
        jobs, asked_at, shown = question.jobs, self.run.now(), Shown()
        try:
            self.lists.read(question, shown, wanted=len(jobs))
        except RestoreWatchError as error:
            # Earlier pages count all the same.
            if not shown.jobs:
                return self._list_failed(question, error)
        seen = [job for job in jobs if job.target.restore_id in shown.jobs]
        self.run.memory.list_was(jobs[0], useful=bool(seen))
        self._note_asked(seen)
        changed = self.lists.act(question, shown, asked_at)
        unchanged = [job for job in seen if job.target.restore_id not in changed]
        for job in unchanged:
            self.follower.answered(job, shown.jobs[job.target.restore_id], asked_at)
        unseen = [job for job in jobs if job.target.restore_id not in shown.jobs]
        return [*_alone(unseen), *self._in_turn(question, unchanged)]

    def _list_failed(self, question: Question, error: RestoreWatchError) -> Questions:
        """Note that a list shows nothing. Return the questions that are left."""
        jobs = question.jobs
        if isinstance(error, (AtlasRateLimitError, TimeBudgetExceededError)):
            self.answers.failed(Asked.job(question.bucket, ""), error)
            self.run.tally.skipped(jobs)
            return []
        if not isinstance(error, AtlasError):
            self.run.tally.failed(jobs[0], error, whole_list=True)
            return []
        more: Questions = [*_alone(jobs)]
        if self.allows(question):
            more = self._ask_first(question)
        # If nothing answers, it is not for the list that it does not.
        is_outage = isinstance(error, AtlasUnavailableError)
        if not is_outage or self.run.pace.answers(question.bucket.group_id):
            self.run.memory.list_was(jobs[0], useful=False)
        return more

    def _in_turn(self, question: Question, unchanged: Sequence[OpenJob]) -> list[Question]:
        """Once in a sweep, one job of a list gets a call of its own, because a list may lag."""
        if not unchanged or question.list in self.asked_alone:
            return []
        self.asked_alone.add(question.list)
        return [Turns(self.run.memory.turns(unchanged))]

    def _ask_in_turn(self, question: Turns) -> Questions:
        """After an outage all endpoints that have failed are asked, and meanwhile only one."""
        first, *others = question.jobs
        more = self._ask_first(Question((first,), tries=question.tries))
        if others and not self.run.memory.fails(first):
            more.append(Turns(tuple(others)))
        return more

    def _ask_first(self, question: Question) -> Questions:
        """Ask about the first job. The others get turns of their own."""
        first, *others = question.jobs
        begun = self.run.asking.clock()
        more: Questions = [*_alone(others)]
        asked = Asked.job(question.bucket, first.target.restore_id)
        try:
            self._ask_one(asked, first)
        except RestoreWatchError as error:
            more += self._failed(replace(question, jobs=(first,)), asked, error, begun)
        return more

    def _ask_one(self, asked: Asked, job: OpenJob) -> None:
        begun = self.run.now()
        answer = self.atlas.restore_job(
            job.target, self.run.asking.within(QUESTION_TIME), patient=False, likely=job.kind
        )
        self.answers.answered(asked)
        self.run.memory.answered_alone(job)
        self._note_asked([job], alone=True)
        self.follower.answered(job, answer, begun)

    def _failed(
        self, question: Question, asked: Asked, error: RestoreWatchError, begun: float
    ) -> Questions:
        """Note a failure for the job and the project. Return the questions that are left."""
        (job,) = question.jobs
        if isinstance(error, (AtlasRateLimitError, TimeBudgetExceededError)):
            self.answers.failed(asked, error)
            self.run.tally.skipped([job])
            return []
        self._note_asked([job], alone=True)
        self.run.tally.failed(job, error)
        if isinstance(error, RestoreJobNotFoundError):
            self.run.memory.answered_alone(job)
            self.answers.failed(asked, error)
            return self._missed(question, error)
        self.run.memory.failed(job, error)
        self.answers.failed(asked, error, lasts=self.run.memory.lasting_failure(job) is not None)
        is_refused = isinstance(error, (AtlasForbiddenError, AtlasUnauthorizedError))
        project = self.run.projects.get(job.target.group_id)
        if is_refused and project is not None and project.is_removed:
            self.follower.missed(job, is_refused=True)
        if may_succeed_at_once(error, self.run.asking.clock() - begun):
            return [replace(question, tries=question.tries + 1)]
        return []

    def _missed(self, question: Question, error: RestoreJobNotFoundError) -> Questions:
        """An endpoint that does not know a job proves little: its cluster's list may show it."""
        (job,) = question.jobs
        if error.transient:
            return []
        if error.knows_cluster and job.kind is not None:
            return [Search(question.jobs)]
        self.follower.missed(job)
        return []

    def _look_for(self, question: Search) -> None:
        """Look in the whole list of a cluster for a job that its own endpoint does not know."""
        (job,) = question.jobs
        whole = self.lists.whole(question)
        answer = whole.shown.jobs.get(job.target.restore_id)
        if answer is not None:
            self.follower.answered(job, answer, whole.asked_at)
        elif whole.lacks(job):
            self.follower.missed(job)

    def _note_asked(self, jobs: Sequence[OpenJob], *, alone: bool = False) -> None:
        for job in jobs:
            self.run.memory.asked(job, alone=alone)
        self.run.tally.asked(jobs)


def _alone(jobs: Iterable[OpenJob]) -> list[Question]:
    return [Question((job,)) for job in jobs]
