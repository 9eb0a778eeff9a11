"""
How the questions about a project ended in a sweep: which were answered, and which fail. Pure.

An answer to one question clears no other.
"""

from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from typing import NamedTuple

from foundation.errors import ApplicationError
from restore_watch.asking.asked import NO_ROLE_ERRORS, Asked, End, Subject
from restore_watch.atlas.families import family_of
from restore_watch.errors import AtlasBadRequestError, RestoreJobNotFoundError
from restore_watch.model.question import JOBS, LISTS, Question
from restore_watch.sweep.log import Record, Unread
from restore_watch.table.open_job import JobKey

_EXCUSED = (*NO_ROLE_ERRORS, AtlasBadRequestError, RestoreJobNotFoundError)
"""Of a family that could never be read, these are no failures."""


class Failed(NamedTuple):
    """
    Why a question failed.

    `lasts`: the failure counts even if the question was answered about another job or cluster.
    """

    error: ApplicationError
    lasts: bool


class Answers(NamedTuple):
    """
    How the questions about a project ended.

    `failed`: the failures, by question and by the job or cluster that was asked about. `answered`:
    the questions with at least one answer. `learnt`: the answered questions that were asked about
    everything; no list and no job was left to the next sweep without a call.
    """

    failed: Mapping[tuple[Question, str], Failed]
    answered: set[Question]
    learnt: set[Question]

    def failures(self, readable: Collection[str]) -> dict[str, ApplicationError]:
        """
        Return what fails, by question.

        `readable`: the names of the families that were read before. If another family is refused,
        the credentials have no role for it, which is no failure; unless the project refuses
        everything.
        """
        failures: dict[str, ApplicationError] = {}
        refuses_all = not self.answered and not readable
        for (question, _), (error, lasts) in self.failed.items():
            was_readable = refuses_all or family_of(question).name in readable
            is_excused = isinstance(error, _EXCUSED) and not was_readable
            counts = lasts or question not in self.answered
            if counts and not is_excused:
                failures.setdefault(question, error)
        return failures


def answers_of(records: Iterable[Record], lasting: Container[JobKey] = ()) -> Answers:
    """
    Return what the records of a project say.

    The failure of a call lasts unless it is a rate limit, or that of a job that is none of the
    `lasting`. A list that could not be read says in its record whether that lasts.
    """
    reading = _Reading(lasting)
    for record in records:
        match record:
            case Unread(subject=Subject(question=Question() as question, about=about)):
                reading.failed[question, about] = Failed(record.error, record.lasts)
            case Asked(subject=Subject(question=Question() as question, about=about)):
                reading.read_asked(record, question, about)
    answered = reading.answered
    return Answers(reading.failed, answered, answered - reading.never_asked())


class _Reading:
    """What is read of the records of a project so far. A later answer outweighs a failure."""

    def __init__(self, lasting: Container[JobKey]) -> None:
        self.failed: dict[tuple[Question, str], Failed] = {}
        self.answered: set[Question] = set()
        self._lasting = lasting
        self._asked_jobs: set[JobKey] = set()
        self._left: list[tuple[Question, Sequence[JobKey]]] = []

    def read_asked(self, asked: Asked, question: Question, about: str) -> None:
        if asked.end.was_never_asked:
            self._left.append((question, asked.jobs))
            return
        self._asked_jobs.update(asked.jobs)
        if asked.end.is_answer:
            self.answered.add(question)
            self.failed.pop((question, about), None)
        # What becomes of the list of a cluster's jobs, its listing says in the end.
        elif asked.error is not None and question not in LISTS:
            self.failed[question, about] = Failed(asked.error, _lasts(asked, self._lasting))

    def never_asked(self) -> set[Question]:
        """Return the questions that were left: all of a list, or of a job never asked about."""
        never: set[Question] = set()
        for question, jobs in self._left:
            if not jobs or any(job not in self._asked_jobs for job in jobs):
                never.add(question)
        return never


def _lasts(asked: Asked, lasting: Container[JobKey]) -> bool:
    if asked.end is End.LIMITED:
        return False
    if asked.subject.question not in JOBS:
        return True
    # A job that is not found and is a failure: Atlas does not know its project.
    is_project_gone = isinstance(asked.error, RestoreJobNotFoundError)
    return is_project_gone or any(key in lasting for key in asked.jobs)
