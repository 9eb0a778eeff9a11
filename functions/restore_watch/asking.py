"""How a sweep asks Atlas about the open jobs of a cluster: by the cluster's list, or one by one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

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
from restore_watch.question import Question
from restore_watch.reception import Reception, has_nothing_to_read
from restore_watch.restore_job import RestoreJob
from restore_watch.sight import Asked

FAST = 2.0
"""A question that fails within these seconds, such as over a dead connection, is asked again."""

NEWER_JOBS = 20
"""A list is asked for this many more jobs than are wanted: newer ones come first."""

ALL_JOBS = PageAt(size=250)
"""The first page of a list that is read to its end because of one job."""

type Tasks = list[Question | Observed]


@dataclass(frozen=True)
class Asker:
    """
    Asks the questions of one sweep. Any thread may use it. What fails becomes a finding.

    `deadline` is when the last question must have ended. `asked_alone` are the clusters of which
    one job got a call of its own although the list had shown it.
    """

    follower: Follower
    observer: Observer
    reception: Reception
    memory: SweepMemory
    deadline: Deadline
    asked_alone: set[tuple[str, str]] = field(default_factory=set)

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
            self._read_list(question, shown, len(jobs))
        except (AtlasRateLimitError, TimeBudgetExceededError) as error:
            self.reception.failed(Asked.job(question.bucket, ""), error)
            self.follower.findings.skipped(jobs)
            return ()
        except AtlasError as error:
            more = self._ask_first(question) if self.allows(question) else _alone(jobs)
            # If nothing answers, it is not for the list that it does not.
            is_outage = isinstance(error, AtlasUnavailableError)
            if not is_outage or self.reception.pace.answers(question.bucket.group_id):
                self.memory.list_was(jobs[0], useful=False)
            return more
        except RestoreWatchError as error:
            self.follower.findings.failed(jobs[0], error, whole_list=True)
            return ()
        seen = [job for job in jobs if job.target.restore_id in shown.jobs]
        self.memory.list_was(jobs[0], useful=bool(seen))
        self._note_asked(seen)
        news = self.observer.news(shown, question.bucket.group_id or "", question.part, asked_at)
        changed = {one.key for one in news}
        for job in seen:
            if job.key not in changed:
                self.follower.answered(job, shown.jobs[job.target.restore_id], asked_at)
        unseen = [job for job in jobs if job.target.restore_id not in shown.jobs]
        return [*news, *_alone([*unseen, *self._in_turn(seen, changed)])]

    def _in_turn(self, seen: Sequence[OpenJob], changed: Iterable[object]) -> list[OpenJob]:
        """Once in a sweep, one job of a list gets a call of its own, because a list may lag."""
        unchanged = [job for job in seen if job.key not in set(changed)]
        if not unchanged or unchanged[0].target.cluster in self.asked_alone:
            return []
        self.asked_alone.add(unchanged[0].target.cluster)
        return [self.memory.whose_turn(unchanged)]

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

    def _read_list(self, question: Question, shown: Shown, wanted: int | None = None) -> None:
        """
        Read the list of a cluster's jobs, to its end unless a number of jobs is wanted.

        Then it reads pages as long as they show what is wanted. A last job is asked about by its
        id, which never takes more than one call.
        """
        ids = {job.target.restore_id for job in question.jobs}
        at = page_for(wanted + NEWER_JOBS) if wanted else ALL_JOBS
        while True:
            page = self._read_page(question, at)
            self.observer.read(page, question.bucket.group_id or "", question.part, shown)
            left = ids - shown.jobs.keys()
            shows_any = any(entry.id in ids for entry in shown.entries)
            is_enough = not left if wanted is None else len(left) <= 1 or not shows_any
            if is_enough or not (page.has_next and page.entries):
                break
            at = page.at.next

    def _read_page(self, question: Question, at: PageAt) -> Page:
        deadline = self.deadline.within(TIME_SHARE)
        checker = self.follower.checker
        cluster = question.jobs[0].target.cluster

        def ask(credentials: Credentials) -> Page:
            return checker.atlas.page_of_jobs(cluster, question.kind, at, credentials, deadline)

        asked = Asked.part(question.bucket, question.part)
        try:
            page = checker.secret.ask(ask, deadline)
        except RestoreWatchError as error:
            self.reception.note(asked, error)
            raise
        self.reception.note_answer(asked)
        return page

    def _ask_one(self, asked: Asked, job: OpenJob) -> None:
        deadline = self.deadline.within(TIME_SHARE)
        checker = self.follower.checker
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
        is_refused = isinstance(error, (AtlasForbiddenError, AtlasUnauthorizedError))
        if is_refused and self.observer.is_removed(job.target.group_id):
            self.follower.missed(job, is_refused=True)
        is_transient = isinstance(error, AtlasUnavailableError) and error.transient
        if is_transient and self.deadline.clock() - begun < FAST:
            return [replace(question, tries=question.tries + 1)]
        return []

    def _missed(self, question: Question, error: RestoreJobNotFoundError) -> Tasks:
        """An endpoint that does not know a job proves little: its cluster's list may show it."""
        (job,) = question.jobs
        if error.transient:
            return []
        if error.knows_cluster and job.kind is not None:
            return [replace(question, is_missing=True, tries=0)]
        self.follower.missed(job)
        return []

    def _look_for(self, question: Question) -> Tasks:
        """Read the list of a cluster to its end, for a job that its own endpoint does not know."""
        (job,) = question.jobs
        asked_at, shown = self.follower.checker.now(), Shown()
        try:
            self._read_list(question, shown)
        except RestoreWatchError as error:
            if has_nothing_to_read(error):
                self.follower.missed(job)
            return []
        answer = shown.jobs.get(job.target.restore_id)
        if answer is not None:
            self.follower.answered(job, answer, asked_at)
        elif not any(one.id in {None, job.target.restore_id} for one in shown.unreadable):
            self.follower.missed(job)
        group_id = question.bucket.group_id or ""
        news = self.observer.news(shown, group_id, question.part, asked_at)
        return [one for one in news if one.key != job.key]

    def _note_asked(self, jobs: Sequence[OpenJob], *, alone: bool = False) -> None:
        for job in jobs:
            self.memory.asked(job, alone=alone)
        self.follower.findings.asked(jobs)


def _alone(jobs: Iterable[OpenJob]) -> list[Question]:
    return [Question((job,), is_alone=True) for job in jobs]
