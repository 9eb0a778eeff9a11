"""How a sweep reads the list of a cluster's restore jobs to follow those that it knows."""

from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock

from foundation.service import service
from restore_watch.atlas.pages import Page, PageAt, page_for
from restore_watch.atlas.session import AtlasSession
from restore_watch.check.outbox import QUESTION_TIME
from restore_watch.errors import (
    AtlasError,
    AtlasForbiddenError,
    AtlasUnauthorizedError,
    AtlasUnavailableError,
    RestoreJobNotFoundError,
    RestoreWatchError,
)
from restore_watch.sweep.answers import Answers, has_nothing_to_read
from restore_watch.sweep.follow.question import JobList, Question
from restore_watch.sweep.observe import Observer, Shown
from restore_watch.sweep.outcomes import Asked
from restore_watch.sweep.run import Run
from restore_watch.table.open_job import OpenJob

NEWER_JOBS = 20
"""A list is asked for this many more jobs than are wanted: newer ones come first."""

ALL_JOBS = PageAt(size=250)
"""The first page of a list that is read to its end because of one job."""

_OF_A_LIST = (AtlasForbiddenError, AtlasUnauthorizedError, AtlasUnavailableError)


@dataclass
class Whole:
    """
    A list that was to be read to its end, as it was at `asked_at`.

    It `is_read` if it was. Without `has_jobs`, Atlas says that the cluster has none.
    """

    asked_at: datetime
    shown: Shown = field(default_factory=Shown)
    is_read: bool = False
    has_jobs: bool = True

    def lacks(self, job: OpenJob) -> bool:
        """Whether the job is not there. An entry without an id may be any job."""
        odd = {None, job.target.restore_id} & {one.id for one in self.shown.unreadable}
        return not self.has_jobs or (self.is_read and not odd)


@service
class JobLists:
    """
    Reads lists for one sweep. Any thread may use it.

    `wholes` has the lists that were read to their ends for jobs whose own endpoints do not know
    them: all such jobs of a cluster cost one list. `reading` has a lock for each list.
    """

    run: Run
    atlas: AtlasSession
    observer: Observer
    answers: Answers
    wholes: dict[JobList, Whole] = field(default_factory=dict)
    reading: dict[JobList, Lock] = field(default_factory=dict)

    def whole(self, question: Question) -> Whole:
        """Read a list to its end unless that was done, and act on its news."""
        with self.reading.setdefault(question.list, Lock()):
            known = self.wholes.get(question.list)
            if known is not None:
                return known
            whole = Whole(self.run.now())
            try:
                whole.is_read = self.read(question, whole.shown)
            except RestoreWatchError as error:
                is_not_found = isinstance(error, RestoreJobNotFoundError)
                whole.has_jobs = not (is_not_found or has_nothing_to_read(error))
            if whole.is_read or not whole.has_jobs:
                # The entries of thousands of lists would take much memory.
                whole.shown.entries = ()
                self.wholes[question.list] = whole
        self.act(question, whole.shown, whole.asked_at)
        return whole

    def act(self, question: Question, shown: Shown, asked_at: datetime) -> set[str]:
        """Act on the news of a list that was asked for then. Return the ids of their jobs."""
        group_id = question.bucket.group_id or ""
        news = self.observer.news(shown, group_id, question.part, asked_at)
        self.observer.take(news)
        return {one.target.restore_id for one in news}

    def read(self, question: Question, shown: Shown, wanted: int | None = None) -> bool:
        """
        Read the list of a cluster's jobs, to its end unless a number of jobs is wanted.

        True if it was read to its end. Otherwise pages are read as long as they show more of what
        is wanted. A last job is asked about by its id, which never takes more than one call.
        """
        ids = {job.target.restore_id for job in question.jobs}
        at = page_for(wanted + NEWER_JOBS) if wanted else ALL_JOBS
        known: set[str] = set()
        while True:
            page = self._read_page(question, at)
            self.observer.read(page, question.bucket.group_id or "", question.part, shown)
            if not page.has_next:
                return True
            left = ids - shown.jobs.keys()
            new = {entry.id for entry in shown.entries} - known
            known |= new
            is_enough = not left if wanted is None else len(left) <= 1 or not new & ids
            # A page that shows nothing new may be followed by the same one for ever.
            if is_enough or not new or not self.run.pace.allows(question.bucket):
                return False
            at = page.at.next

    def _read_page(self, question: Question, at: PageAt) -> Page:
        cluster, deadline = question.jobs[0].target.cluster, self.run.asking.within(QUESTION_TIME)
        asked = Asked.part(question.bucket, question.part)
        try:
            page = self.atlas.page_of_jobs(cluster, question.kind, at, deadline)
        except AtlasError as error:
            # These say nothing about the endpoints of its jobs, which are asked next.
            if not isinstance(error, _OF_A_LIST):
                self.answers.note(asked, error)
            raise
        self.answers.accepted(asked.bucket)
        return page
