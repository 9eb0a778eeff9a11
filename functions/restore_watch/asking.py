"""How a sweep asks Atlas about the open jobs of a cluster: by the cluster's list, or one by one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from restore_watch.agenda import Answered, Question
from restore_watch.atlas.credentials import Credentials
from restore_watch.atlas.lists import Listing
from restore_watch.check import TIME_SHARE
from restore_watch.deadline import Deadline
from restore_watch.errors import (
    AtlasBadRequestError,
    AtlasError,
    AtlasForbiddenError,
    AtlasRateLimitError,
    AtlasUnauthorizedError,
    AtlasUnavailableError,
    EndpointRetiredError,
    RestoreJobNotFoundError,
    RestoreWatchError,
    TimeBudgetExceededError,
    UnexpectedAtlasResponseError,
)
from restore_watch.following import Follower
from restore_watch.memory import SweepMemory
from restore_watch.open_job import OpenJob
from restore_watch.pace import Pace
from restore_watch.restore_job import RestoreJob

FAST = 2.0
"""A question that fails within these seconds, such as over a dead connection, is asked again."""

_ASK_ONE_BY_ONE = (
    AtlasBadRequestError,
    EndpointRetiredError,
    RestoreJobNotFoundError,
    UnexpectedAtlasResponseError,
)
"""After these refusals of a list, each job's own endpoint decides."""

_GONE = {"CLUSTER_NOT_FOUND", "GROUP_NOT_FOUND"}
"""With these codes of Atlas, no other job of the cluster is there either."""


@dataclass(frozen=True)
class Asker:
    """
    Asks the questions of one sweep. Any thread may use it. What fails becomes a finding.

    `deadline` is when the last question must have ended.
    """

    follower: Follower
    pace: Pace
    memory: SweepMemory
    deadline: Deadline

    def allows(self, question: Question) -> bool:
        """Whether the sweep may ask this question now."""
        return self.pace.allows(question.bucket)

    def skip(self, question: Question) -> None:
        """Leave to the next sweep what is not asked, or what a list has shown."""
        if question.answered is None:
            self.follower.findings.skipped(question.jobs)
        else:
            self.follower.findings.not_settled(question.jobs[0])

    def ask(self, question: Question) -> Iterable[Question]:
        """Ask about the jobs of a question. Return what is left to do after the others."""
        jobs = question.jobs
        if question.answered is not None:
            answered = question.answered
            self.follower.answered(jobs[0], answered.job, answered.begun)
            return ()
        if len(jobs) == 1 or jobs[0].kind is None or not self.memory.list_helps(jobs):
            return self._ask_one_by_one(question, jobs)
        begun = self.deadline.clock()
        try:
            listing, asked_at = self._ask_list(question)
        except _ASK_ONE_BY_ONE:
            self.memory.list_was(jobs[0], useful=False)
            return self._ask_rest(question, jobs)
        except RestoreWatchError as error:
            is_worth_it = self._failed(question, jobs, error, begun)
            return [Question(jobs, question.tries + 1)] if is_worth_it else ()
        shown = [job for job in jobs if job.target.restore_id in listing.jobs]
        rest = [job for job in jobs if job.target.restore_id not in listing.jobs]
        self.memory.list_was(jobs[0], useful=bool(shown))
        self._note_asked(shown)
        more: list[Question] = []
        for job in shown:
            answer = listing.jobs[job.target.restore_id]
            if job.may_become(answer):
                # Each change takes three calls to AWS: that is work for other threads as well.
                more.append(Question((job,), answered=Answered(answer, asked_at)))
            else:
                self.follower.answered(job, answer, asked_at)
        return [*more, *(self._ask_rest(question, rest) if rest else ())]

    def _ask_rest(self, question: Question, jobs: Sequence[OpenJob]) -> Iterable[Question]:
        if self.allows(question):
            return self._ask_one_by_one(question, jobs)
        self.follower.findings.skipped(jobs)
        self.memory.left_out(jobs)
        return ()

    def _ask_one_by_one(self, question: Question, jobs: Sequence[OpenJob]) -> Iterable[Question]:
        """Ask about each job until Atlas does not answer, or no call is left."""
        again: list[OpenJob] = []
        for place, job in enumerate(jobs):
            rest = jobs[place + 1 :]
            if place and not self.allows(question):
                self.follower.findings.skipped([job, *rest])
                break
            begun = self.deadline.clock()
            try:
                self._ask_one(question, job)
            except RestoreWatchError as error:
                is_silent = isinstance(error, AtlasUnavailableError) and error.reason is None
                if self._failed(question, [job], error, begun):
                    again += [job, *rest] if is_silent else [job]
                if is_silent:
                    self.follower.findings.skipped(rest)
                    break
                if isinstance(error, RestoreJobNotFoundError) and error.error_code in _GONE:
                    for other in rest:
                        self._missed(other, error)
                    break
        return [Question(tuple(again), question.tries + 1)] if again else ()

    def _ask_list(self, question: Question) -> tuple[Listing, datetime]:
        """Ask for the list of a cluster's jobs. Return it, and when it was asked for."""
        targets = [job.target for job in question.jobs]
        deadline = self.deadline.within(TIME_SHARE)
        checker = self.follower.checker
        begun = checker.now()

        def ask(credentials: Credentials) -> Listing:
            return checker.atlas.list_restore_jobs(
                targets, question.bucket.kind, credentials, deadline
            )

        listing = checker.secret.ask(ask, deadline)
        self._note_answered(question)
        if listing.unreadable:
            self.follower.telemetry.unreadable_entries(targets[0], listing.unreadable)
        return listing, begun

    def _ask_one(self, question: Question, job: OpenJob) -> None:
        deadline = self.deadline.within(TIME_SHARE)
        checker = self.follower.checker
        begun = checker.now()

        def ask(credentials: Credentials) -> RestoreJob:
            return checker.atlas.get_restore_job(
                job.target, credentials, deadline, patient=False, likely=job.kind
            )

        answer = checker.secret.ask(ask, deadline)
        self._note_answered(question)
        self._note_asked([job])
        self.follower.answered(job, answer, begun)

    def _failed(
        self, question: Question, jobs: Sequence[OpenJob], error: RestoreWatchError, begun: float
    ) -> bool:
        """Note what a failure means for the jobs and the project. True if it may not last."""
        if isinstance(error, (AtlasRateLimitError, TimeBudgetExceededError)):
            self.follower.findings.skipped(jobs)
            return False
        match error:
            case AtlasUnavailableError():
                self.pace.silent(question.bucket)
            case AtlasUnauthorizedError() | AtlasForbiddenError():
                self.pace.refused(question.bucket)
            case AtlasError():
                self._note_answered(question)
        if isinstance(error, RestoreJobNotFoundError):
            self._missed(jobs[0], error)
            return False
        self._note_asked(jobs)
        self.follower.findings.failed(jobs[0], error, whole_list=len(jobs) > 1)
        is_transient = isinstance(error, AtlasUnavailableError) and error.transient
        return is_transient and self.deadline.clock() - begun < FAST

    def _missed(self, job: OpenJob, error: RestoreJobNotFoundError) -> None:
        self._note_asked([job])
        self.follower.findings.failed(job, error)
        if not error.transient:
            self.follower.missed(job)

    def _note_answered(self, question: Question) -> None:
        self.pace.answered(question.bucket)
        self.follower.findings.answered()

    def _note_asked(self, jobs: Sequence[OpenJob]) -> None:
        for job in jobs:
            self.memory.asked(job)
        self.follower.findings.asked(jobs)
