"""
What a sweep still has to do, handed out to its threads fairly.

Every project gets an equal share of the threads and never all of them, so that one that is slow or
hangs cannot hold up the others.
"""

import math
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from threading import Condition, Lock

from restore_watch.atlas.rate_limits import Bucket
from restore_watch.open_job import JobKey, OpenJob
from restore_watch.restore_job import RestoreJob, RestoreKind

TRIES = 2
"""A question without a usable answer is asked this many times in one round."""

LARGEST_SHARE = 0.75
"""The share of the threads that one of several projects may use."""


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
    def bucket(self) -> Bucket:
        """The bucket that the first call is taken from. Without a kind, Flex is asked first."""
        first = self.jobs[0]
        return Bucket(first.target.group_id, first.kind or RestoreKind.FLEX)


def questions(jobs: Iterable[OpenJob]) -> list[Question]:
    """Group the jobs by cluster and kind, in the order of the first of each."""
    groups: dict[tuple[str, str, RestoreKind | None], list[OpenJob]] = {}
    for job in jobs:
        groups.setdefault((*job.target.cluster, job.kind), []).append(job)
    return [Question(tuple(group)) for group in groups.values()]


class _Project:
    def __init__(self) -> None:
        self.waiting: deque[Question] = deque()
        self.under_way = 0


class Agenda:
    """
    The questions of one sweep. Its methods may be called from any thread.

    `allows` decides, when a question's turn comes, whether it may be asked. What is not asked is
    given to `skip`. When `is_over`, nothing is handed out any more.
    """

    def __init__(
        self,
        threads: int,
        *,
        allows: Callable[[Question], bool],
        skip: Callable[[Question], None],
        is_over: Callable[[], bool],
    ) -> None:
        self._threads = threads
        self._allows = allows
        self._skip = skip
        self._is_over = is_over
        lock = Lock()
        self._changed = Condition(lock)
        self._became_idle = Condition(lock)
        self._is_closed = False
        self._under_way = 0
        self._busy: set[JobKey] = set()
        self._projects: dict[str, _Project] = {}
        # The projects that have waiting questions, the next one first.
        self._turns: deque[_Project] = deque()

    def add(self, asked: Iterable[Question]) -> None:
        """Add questions, except about jobs that are on the agenda already."""
        with self._changed:
            for question in asked:
                jobs = tuple(job for job in question.jobs if job.key not in self._busy)
                if jobs:
                    self._add(Question(jobs))
            self._changed.notify_all()

    def close(self) -> None:
        """Nothing is added any more: threads that find nothing to do end."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def wait_until_done(self, seconds: float) -> None:
        """Return when nothing is waiting or under way, after these seconds at the latest."""
        with self._became_idle:
            self._became_idle.wait_for(self._is_idle, seconds)

    def take(self) -> Question | None:
        """Return the next question, or None if there will be none any more. May wait."""
        with self._changed:
            while True:
                if self._is_over():
                    self._skip_all()
                question = self._next()
                if question is not None:
                    self._under_way += 1
                    return question
                if not self._turns and self._is_closed:
                    return None
                self._report_if_idle()
                self._changed.wait()

    def done(self, question: Question, more: Iterable[Question] = ()) -> None:
        """The question was asked. `more` is to be done after the others."""
        with self._changed:
            self._under_way -= 1
            self._projects[question.bucket.group_id].under_way -= 1
            self._busy.difference_update(job.key for job in question.jobs)
            added = [another for another in more if another.tries < TRIES]
            for another in added:
                self._add(another)
            # This thread takes the next question itself. To wake all others after every question
            # would take a tenth of a sweep's processor time.
            self._changed.notify(1 + len(added))
            self._report_if_idle()

    def _report_if_idle(self) -> None:
        if self._is_idle():
            self._became_idle.notify()

    def _is_idle(self) -> bool:
        return not self._turns and not self._under_way

    def _add(self, question: Question) -> None:
        project = self._projects.setdefault(question.bucket.group_id, _Project())
        if not project.waiting:
            self._turns.append(project)
        project.waiting.append(question)
        self._busy.update(job.key for job in question.jobs)

    def _next(self) -> Question | None:
        # Rounded up, so that no thread is idle as long as questions are left.
        share = math.ceil(self._threads / max(1, len(self._turns)))
        if len(self._projects) > 1:
            share = min(share, math.ceil(self._threads * LARGEST_SHARE))
        for _ in range(len(self._turns)):
            project = self._turns.popleft()
            question = self._next_of(project) if project.under_way < share else None
            if project.waiting:
                self._turns.append(project)
            if question is not None:
                project.under_way += 1
                return question
        return None

    def _next_of(self, project: _Project) -> Question | None:
        while project.waiting:
            question = project.waiting.popleft()
            if question.answered or self._allows(question):
                return question
            self._drop(question)
        return None

    def _skip_all(self) -> None:
        while self._turns:
            project = self._turns.popleft()
            while project.waiting:
                self._drop(project.waiting.popleft())

    def _drop(self, question: Question) -> None:
        self._busy.difference_update(job.key for job in question.jobs)
        self._skip(question)
