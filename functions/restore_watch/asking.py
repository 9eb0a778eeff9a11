"""How a sweep asks Atlas about the open jobs of a cluster: by the cluster's list, or one by one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from threading import Lock

from restore_watch.atlas.credentials import Credentials
from restore_watch.atlas.pages import Page, PageAt, page_for
from restore_watch.check import TIME_SHARE
from restore_watch.deadline import Deadline
from restore_watch.errors import (
    AtlasError,
    AtlasForbiddenError,
    AtlasRateLimitError,
    AtlasUnauthorizedError,
    AtlasUnavailableError,
    RestoreJobNotFoundError,
    RestoreWatchError,
    TimeBudgetExceededError,
)
from restore_watch.find_steps import Observed
from restore_watch.following import Follower
from restore_watch.memory import SweepMemory
from restore_watch.observing import Observer, Shown
from restore_watch.open_job import OpenJob
from restore_watch.question import JobList, Question
from restore_watch.reception import Reception, has_nothing_to_read
from restore_watch.restore_job import RestoreJob
from restore_watch.sight import Asked

FAST = 2.0
"""A question that fails within these seconds, such as over a dead connection, is asked again."""

NEWER_JOBS = 20
"""A list is asked for this many more jobs than are wanted: newer ones come first."""

_OF_A_LIST = (AtlasForbiddenError, AtlasUnauthorizedError, AtlasUnavailableError)

type Tasks = list[Question | Observed]


@dataclass(frozen=True)
class Asker:
    """
    Asks the questions of one sweep. Any thread may use it. What fails becomes a finding.

    `deadline` is when the last question must have ended. Of the lists `asked_alone`, one job got a
    call of its own. `whole` has the lists that were read to their ends for missing jobs, and when
    they were asked for: one thread at a time is `looking`.
    """

    follower: Follower
    observer: Observer
    reception: Reception
    memory: SweepMemory
    deadline: Deadline
    asked_alone: set[JobList] = field(default_factory=set)
    whole: dict[JobList, tuple[datetime, Shown]] = field(default_factory=dict)
    looking: dict[JobList, Lock] = field(default_factory=dict)

    def allows(self, question: Question) -> bool:
        """Whether the sweep may ask this question now."""
        return self.reception.pace.allows(question.bucket)

    def skip(self, question: Question) -> None:
        """Leave to the next sweep what is not asked."""
        self.follower.findings.skipped(question.jobs)
        self.reception.sight.left(Asked.job(question.bucket, ""))
        if question.is_alone:
            self.memory.left_out(question.jobs)

    def ask(self, question: Question) -> Iterable[Question | Observed]:
        """Ask about the jobs of a question. Return what is left to do after the others."""
        jobs = question.jobs
        if question.is_missing:
            return self._look_for(question)
        if len(jobs) == 1 or jobs[0].kind is None or not self.memory.list_helps(jobs):
            return self._ask_first(question)
        asked_at, shown = self.follower.checker.now(), Shown()
        try:
            self._read_list(question, shown, wanted=len(jobs))
        except RestoreWatchError as error:
            # What earlier pages have shown counts all the same.
            if not shown.jobs:
                return self._list_failed(question, error)
        seen = [job for job in jobs if job.target.restore_id in shown.jobs]
        self.memory.list_was(jobs[0], useful=bool(seen))
        self._note_asked(seen)
        news = self.observer.news(shown, question.bucket.group_id or "", question.part, asked_at)
        changed = {one.key for one in news}
        unchanged = [job for job in seen if job.key not in changed]
        for job in unchanged:
            self.follower.answered(job, shown.jobs[job.target.restore_id], asked_at)
        unseen = [job for job in jobs if job.target.restore_id not in shown.jobs]
        return [*news, *_alone(unseen), *self._in_turn(question, unchanged)]

    def _list_failed(self, question: Question, error: RestoreWatchError) -> Tasks:
        """Note that a list shows nothing. Return what is left to do."""
        jobs = question.jobs
        if isinstance(error, (AtlasRateLimitError, TimeBudgetExceededError)):
            self.reception.failed(Asked.job(question.bucket, ""), error)
            self.follower.findings.skipped(jobs)
            return []
        if not isinstance(error, AtlasError):
            self.follower.findings.failed(jobs[0], error, whole_list=True)
            return []
        more: Tasks = [*_alone(jobs)]
        if self.allows(question):
            more = self._ask_first(question)
        # If nothing answers, it is not for the list that it does not.
        is_outage = isinstance(error, AtlasUnavailableError)
        if not is_outage or self.reception.pace.answers(question.bucket.group_id):
            self.memory.list_was(jobs[0], useful=False)
        return more

    def _in_turn(self, question: Question, unchanged: Sequence[OpenJob]) -> list[Question]:
        """Once in a sweep, one job of a list gets a call of its own, because a list may lag."""
        if not unchanged or question.list in self.asked_alone:
            return []
        self.asked_alone.add(question.list)
        return [Question((self.memory.whose_turn(unchanged),))]

    def _ask_first(self, question: Question) -> Tasks:
        """Ask about the first job. The others get turns of their own."""
        first, *others = question.jobs
        begun = self.deadline.clock()
        more: Tasks = [*_alone(others)]
        asked = Asked.job(question.bucket, first.target.restore_id)
        try:
            self._ask_one(asked, first)
        except RestoreWatchError as error:
            alone = replace(question, jobs=(first,), is_alone=bool(others) or question.is_alone)
            more += self._failed(alone, asked, error, begun)
        return more

    def _read_list(self, question: Question, shown: Shown, wanted: int | None = None) -> bool:
        """
        Read the list of a cluster's jobs, to its end unless a number of jobs is wanted.

        True if it was read to its end. Otherwise pages are read as long as they show more of what
        is wanted. A last job is asked about by its id, which never takes more than one call.
        """
        ids = {job.target.restore_id for job in question.jobs}
        at = page_for(wanted + NEWER_JOBS) if wanted else PageAt()
        known: set[str] = set()
        is_whole = is_enough = False
        while not (is_whole or is_enough):
            page = self._read_page(question, at)
            self.observer.read(page, question.bucket.group_id or "", question.part, shown)
            is_whole = not (page.has_next and page.entries)
            left = ids - shown.jobs.keys()
            new = {entry.id for entry in shown.entries} - known
            known |= new
            is_enough = not left if wanted is None else len(left) <= 1 or not new & ids
            # A page that shows nothing new may be followed by the same one for ever.
            is_enough = is_enough or not new or not (is_whole or self.allows(question))
            at = page.at.next
        problems = {one.id: one.problem for one in shown.unreadable if one.id in ids}
        if problems:
            self.follower.telemetry.unreadable_entries(question.jobs[0].target, problems)
        return is_whole

    def _read_page(self, question: Question, at: PageAt) -> Page:
        deadline, checker = self.deadline.within(TIME_SHARE), self.follower.checker
        cluster = question.jobs[0].target.cluster

        def ask(credentials: Credentials) -> Page:
            return checker.atlas.page_of_jobs(cluster, question.kind, at, credentials, deadline)

        asked = Asked.part(question.bucket, question.part)
        try:
            page = checker.secret.ask(ask, deadline)
        except AtlasError as error:
            # These say nothing about the endpoints of its jobs, which are asked next.
            if not isinstance(error, _OF_A_LIST):
                self.reception.note(asked, error)
            raise
        self.reception.note_answer(asked)
        return page

    def _ask_one(self, asked: Asked, job: OpenJob) -> None:
        deadline, checker = self.deadline.within(TIME_SHARE), self.follower.checker
        begun = checker.now()

        def ask(credentials: Credentials) -> RestoreJob:
            return checker.atlas.get_restore_job(
                job.target, credentials, deadline, patient=False, likely=job.kind
            )

        answer = checker.secret.ask(ask, deadline)
        self.reception.answered(asked)
        self._note_asked([job], alone=True)
        self.follower.answered(job, answer, begun)

    def _failed(
        self, question: Question, asked: Asked, error: RestoreWatchError, begun: float
    ) -> Tasks:
        """Note what a failure means for the job and the project. Return what is left to do."""
        (job,) = question.jobs
        if isinstance(error, (AtlasRateLimitError, TimeBudgetExceededError)):
            self.reception.failed(asked, error)
            self.follower.findings.skipped([job])
            return []
        self._note_asked([job], alone=True)
        self.follower.findings.failed(job, error)
        if isinstance(error, RestoreJobNotFoundError):
            self.reception.failed(asked, error)
            return self._missed(question, error)
        self.reception.failed(asked, error, lasts=self.memory.fails_long(job))
        may_answer = isinstance(error, AtlasUnavailableError) and error.transient
        if may_answer and self.deadline.clock() - begun < FAST:
            return [replace(question, tries=question.tries + 1)]
        return []

    def _missed(self, question: Question, error: RestoreJobNotFoundError) -> Tasks:
        """An endpoint that does not know a job proves little: its cluster's list may show it."""
        (job,) = question.jobs
        if error.transient:
            return []
        if error.knows_cluster and job.kind is not None:
            return [replace(question, is_missing=True, is_alone=False, tries=0)]
        self.follower.missed(job)
        return []

    def _look_for(self, question: Question) -> Tasks:
        """Look in the whole list of a cluster for a job that its own endpoint does not know."""
        (job,) = question.jobs
        news: list[Observed] = []
        with self.looking.setdefault(question.list, Lock()):
            is_whole = question.list in self.whole
            begun = self.follower.checker.now(), Shown()
            asked_at, shown = self.whole.get(question.list, begun)
            if not is_whole:
                try:
                    is_whole = self._read_list(question, shown)
                except RestoreWatchError as error:
                    if has_nothing_to_read(error):
                        self.follower.missed(job)
                news = self.observer.news(shown, job.target.group_id, question.part, asked_at)
            if is_whole:
                shown.entries = ()
                self.whole[question.list] = asked_at, shown
        answer = shown.jobs.get(job.target.restore_id)
        if answer is not None:
            self.follower.answered(job, answer, asked_at)
        elif is_whole and not {None, job.target.restore_id} & {one.id for one in shown.unreadable}:
            self.follower.missed(job)
        return [one for one in news if one.key != job.key]

    def _note_asked(self, jobs: Sequence[OpenJob], *, alone: bool = False) -> None:
        for job in jobs:
            self.memory.asked(job, alone=alone)
        self.follower.findings.asked(jobs)


def _alone(jobs: Iterable[OpenJob]) -> list[Question]:
    return [Question((job,), is_alone=True) for job in jobs]
