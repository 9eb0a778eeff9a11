"""The result of a sweep, counted from its log. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain

from foundation.errors import ApplicationError, TimeBudgetExceededError
from restore_watch.asking.asked import Asked, End, Subject
from restore_watch.errors import AtlasRateLimitError
from restore_watch.model.question import JOBS, LISTS
from restore_watch.model.results import Failure, SweepResult
from restore_watch.sweep.log import Acted, Fate, Record, Unread
from restore_watch.table.open_job import JobKey, OpenJob

type _Failed = tuple[str | None, str | None, str | None]
"""The ids of a job, a cluster's list, a project or the list of projects, as in `Failure`."""


def count(records: Iterable[Record], opened: Sequence[OpenJob]) -> SweepResult:
    """
    Return the result of a sweep that began with these open jobs.

    A failure counts until the same job is asked about with success, and nothing of it is pending.
    """
    counts = _Counts({job.key for job in opened if job.missing_since is not None})
    for record in records:
        match record:
            case Asked():
                counts.count_asked(record)
            case Unread(_, AtlasRateLimitError() | TimeBudgetExceededError()):
                pass  # no failure of the sweep
            case Unread(subject, error):
                counts.unread.setdefault(subject, error)
            case Acted():
                counts.count_acted(record)
    return counts.result(len(opened))


def failures_of_questions(records: Iterable[Record]) -> Sequence[Failure]:
    """Return the failures of questions to Atlas alone, whatever became of the jobs after them."""
    questions = [record for record in records if isinstance(record, (Asked, Unread))]
    return count(questions, opened=()).failures


class _Counts:
    def __init__(self, missing: set[JobKey]) -> None:
        self.failures: dict[_Failed, ApplicationError] = {}
        self._missing = missing
        self._asked: set[JobKey] = set()
        self._left: set[JobKey] = set()
        self.unread: dict[Subject, ApplicationError] = {}
        # How the last call for each list ended: another try may have succeeded.
        self._lists: dict[Subject, ApplicationError | None] = {}
        self._counts: Counter[Fate] = Counter()

    def count_asked(self, asked: Asked) -> None:
        subject, end, error = asked.subject, asked.end, asked.error
        if end.was_stopped:
            self._left.update(asked.jobs)
            return
        self._asked.update(asked.jobs)
        if subject.question in JOBS:
            if error is not None:
                self.failures.update(dict.fromkeys(asked.jobs, error))
        # What else becomes of the list of a cluster's jobs, its listing says in the end.
        elif subject.question not in LISTS or end is End.NO_CREDENTIALS:
            self._lists[subject] = error

    def count_acted(self, acted: Acted) -> None:
        if acted.job is not None:
            self._count_job(acted.job, acted)
        elif acted.error is not None:
            # Of a project, the first failure counts.
            self.failures.setdefault((acted.group_id, None, None), acted.error)

    def _count_job(self, job: JobKey, acted: Acted) -> None:
        match acted.fate:
            case Fate.FOUND | Fate.CHANGED:
                self._counts[acted.fate] += 1
            case Fate.PUBLISHED:
                self._counts[acted.fate] += acted.messages
                self.failures.pop(job, None)
            case Fate.SETTLED if not acted.messages:
                self.failures.pop(job, None)
            case Fate.LATE:
                self._asked.discard(job)
                self._left.add(job)
            case Fate.FAILED if acted.error is not None:
                # Of a job, the last failure counts.
                self.failures[job] = acted.error

    def result(self, opened: int) -> SweepResult:
        for subject, error in chain(self._lists.items(), self.unread.items()):
            if error is not None:
                failed = subject.bucket.group_id, subject.about or None, None
                self.failures.setdefault(failed, error)
        failures = [
            Failure(*failed, error, is_known=failed in self._missing)
            for failed, error in self.failures.items()
        ]
        return SweepResult(
            open=opened,
            found=self._counts[Fate.FOUND],
            checked=len(self._asked),
            changed=self._counts[Fate.FOUND] + self._counts[Fate.CHANGED],
            published=self._counts[Fate.PUBLISHED],
            not_reached=len(self._left - self._asked),
            failures=tuple(failures),
        )
