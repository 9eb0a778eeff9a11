"""How a sweep asks Atlas about the open jobs of a cluster: by the cluster's list, or one by one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from restore_watch.atlas.credentials import Credentials
from restore_watch.atlas.lists import Listing
from restore_watch.check import TIME_SHARE
from restore_watch.deadline import Deadline
from restore_watch.errors import (
    AtlasBadRequestError,
    AtlasRateLimitError,
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
from restore_watch.question import Answered, Question
from restore_watch.reception import Reception
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


@dataclass(frozen=True)
class Asker:
    """
    Asks the questions of one sweep. Any thread may use it. What fails becomes a finding.

    `deadline` is when the last question must have ended.
    """

    follower: Follower
    reception: Reception
    memory: SweepMemory
    deadline: Deadline

    def allows(self, question: Question) -> bool:
        """Whether the sweep may ask this question now."""
        return self.reception.pace.allows(question.bucket)

    def skip(self, question: Question) -> None:
        """Leave to the next sweep what is not asked, or what a list has shown."""
        if question.answered is not None:
            self.follower.findings.not_settled(question.jobs[0])
            return
        self.follower.findings.skipped(question.jobs)
        if question.is_alone:
            self.memory.left_out(question.jobs)

    def ask(self, question: Question) -> Iterable[Question]:
        """Ask about the jobs of a question. Return what is left to do after the others."""
        jobs = question.jobs
        if question.answered is not None:
            answered = question.answered
            self.follower.answered(jobs[0], answered.job, answered.begun)
            return ()
        if len(jobs) == 1 or jobs[0].kind is None or not self.memory.list_helps(jobs):
            return self._ask_first(question)
        begun = self.deadline.clock()
        try:
            listing, asked_at = self._ask_list(question)
        except (AtlasUnavailableError, *_ASK_ONE_BY_ONE) as error:
            more = self._ask_first(question) if self.allows(question) else _alone(jobs)
            # If nothing answers, it is not for the list that it does not.
            is_outage = isinstance(error, AtlasUnavailableError)
            if not is_outage or self.reception.pace.answers(question.bucket.group_id):
                self.memory.list_was(jobs[0], useful=False)
            return more
        except RestoreWatchError as error:
            self._failed(question, error, begun)
            return ()
        shown = [job for job in jobs if job.target.restore_id in listing.jobs]
        self.memory.list_was(jobs[0], useful=bool(shown))
        self._note_asked(shown)
        changed: list[Question] = []
        for job in shown:
            answer = listing.jobs[job.target.restore_id]
            if job.may_become(answer):
                # Each change takes three calls to AWS: that is work for other threads as well.
                changed.append(Question((job,), answered=Answered(answer, asked_at)))
            else:
                self.follower.answered(job, answer, asked_at)
        return [*changed, *_alone(job for job in jobs if job.target.restore_id not in listing.jobs)]

    def _ask_first(self, question: Question) -> list[Question]:
        """Ask about the first job. The others get turns of their own."""
        first, *others = question.jobs
        begun = self.deadline.clock()
        more = _alone(others)
        try:
            self._ask_one(question, first)
        except RestoreWatchError as error:
            asked = replace(question, jobs=(first,), is_alone=bool(others) or question.is_alone)
            if self._failed(asked, error, begun):
                more.append(replace(asked, tries=question.tries + 1))
        return more

    def _ask_list(self, question: Question) -> tuple[Listing, datetime]:
        """Ask for the list of a cluster's jobs. Return it, and when it was asked for."""
        targets = [job.target for job in question.jobs]
        deadline = self.deadline.within(TIME_SHARE)
        checker = self.follower.checker
        begun = checker.now()

        def ask(credentials: Credentials) -> Listing:
            return checker.atlas.list_restore_jobs(targets, question.kind, credentials, deadline)

        listing = checker.secret.ask(ask, deadline)
        self.reception.answered(question.bucket)
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
        self.reception.answered(question.bucket)
        self._note_asked([job])
        self.follower.answered(job, answer, begun)

    def _failed(self, question: Question, error: RestoreWatchError, begun: float) -> bool:
        """Note what a failure means for the jobs and the project. True if it may not last."""
        jobs = question.jobs
        self.reception.failed(question.bucket, error)
        if isinstance(error, (AtlasRateLimitError, TimeBudgetExceededError)):
            self.follower.findings.skipped(jobs)
            return False
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

    def _note_asked(self, jobs: Sequence[OpenJob]) -> None:
        for job in jobs:
            self.memory.asked(job)
        self.follower.findings.asked(jobs)


def _alone(jobs: Iterable[OpenJob]) -> list[Question]:
    return [Question((job,), is_alone=True) for job in jobs]
