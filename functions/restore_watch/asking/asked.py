"""
What was asked of Atlas, and how that ended.

Every question leaves a record: of a sweep, in its log.
"""

from collections.abc import Iterable
from enum import Enum, auto
from typing import NamedTuple

from foundation.errors import ApplicationError, TimeBudgetExceededError
from restore_watch.atlas.families import Family, jobs_of
from restore_watch.atlas.rate_limits import Bucket
from restore_watch.errors import (
    AtlasBadRequestError,
    AtlasError,
    AtlasForbiddenError,
    AtlasRateLimitError,
    AtlasUnauthorizedError,
    AtlasUnavailableError,
    EndpointRetiredError,
    RestoreJobNotFoundError,
)
from restore_watch.model.marks import Part
from restore_watch.model.question import JOBS, Question
from restore_watch.table.open_job import JobKey

PROJECT_GONE = "GROUP_NOT_FOUND"
"""Atlas's code for a project that it does not know."""

NO_ROLE_ERRORS = (AtlasForbiddenError, AtlasUnauthorizedError, EndpointRetiredError)
"""Of a family that could never be read, these say that there is no role for it, or no endpoint."""


class End(Enum):
    """
    How a question ended.

    NOTHING_THERE: Atlas does not know the job, or refuses the filter of the events. The sweep
    counts that as a failure, but the project is not degraded by it.

    ODD: Atlas accepted the credentials, but its answer is of no use. REFUSED: 401 or 403. SILENT:
    no answer, or a 5xx. LIMITED: 429. LATE: there was no time for a call, or the pace allowed none.
    """

    ANSWERED = auto()
    NOTHING_THERE = auto()
    ODD = auto()
    REFUSED = auto()
    SILENT = auto()
    LIMITED = auto()
    LATE = auto()
    NO_CREDENTIALS = auto()

    @property
    def accepts(self) -> bool:
        """Whether Atlas accepted the credentials."""
        return self in {End.ANSWERED, End.NOTHING_THERE, End.ODD}

    @property
    def is_answer(self) -> bool:
        """Whether the question is answered."""
        return self in {End.ANSWERED, End.NOTHING_THERE}

    @property
    def was_stopped(self) -> bool:
        """Whether a rate limit, or the end of the time, stopped the question."""
        return self in {End.LATE, End.LIMITED}

    @property
    def was_never_asked(self) -> bool:
        """Whether Atlas was never asked."""
        return self in {End.LATE, End.NO_CREDENTIALS}


class Subject(NamedTuple):
    """
    The subject of a question: a bucket of calls and, of jobs and clusters, `about` which.

    `question`: its name, None if no sweep asks it.
    """

    bucket: Bucket
    question: Question | None
    about: str = ""

    @classmethod
    def in_bucket(cls, bucket: Bucket, about: str = "") -> "Subject":
        """A known job or several of a kind, a list of a project, or the list of projects."""
        return cls(bucket, bucket.family.question, about)

    @classmethod
    def jobs_of_cluster(cls, group_id: str, part: Part) -> "Subject":
        """The list of a cluster's jobs, or with a part without a name all such lists of a kind."""
        family = jobs_of(part.kind)
        return cls(Bucket(group_id, family), family.list_question, part.cluster_name or "")


class Asked(NamedTuple):
    """A question to Atlas that has ended, with an `error` unless it was answered, about `jobs`."""

    subject: Subject
    end: End
    error: ApplicationError | None = None
    jobs: tuple[JobKey, ...] = ()

    @classmethod
    def failed(
        cls, subject: Subject, error: ApplicationError, jobs: tuple[JobKey, ...] = ()
    ) -> "Asked":
        """Return the record of a question that ended with this error."""
        end = _end_with(subject, error)
        # That no kind knows the job is an answer to the question about the expected kind.
        if end.is_answer:
            return cls(subject, end, error, jobs)
        return cls(_subject_that_failed(subject, error), end, error, jobs)


def answering_families(records: Iterable[object]) -> frozenset[Family]:
    """Return the families of endpoints that answered a question of these records."""
    return frozenset(
        record.subject.bucket.family
        for record in records
        if isinstance(record, Asked) and record.end.is_answer
    )


def _subject_that_failed(subject: Subject, error: ApplicationError) -> Subject:
    """
    Return the subject of the endpoint that failed.

    If a job may be of another kind, the endpoint of that kind was asked too. The error names the
    family of the endpoint that it came from, and the failure is recorded about that family.
    """
    if not isinstance(error, AtlasError):
        return subject
    family = error.family
    if not isinstance(family, Family) or family is subject.bucket.family:
        return subject
    question = subject.question
    if question in JOBS:
        question = family.question
    return Subject(subject.bucket._replace(family=family), question, subject.about)


def _end_with(subject: Subject, error: ApplicationError) -> End:
    match error:
        case AtlasRateLimitError():
            return End.LIMITED
        case AtlasUnavailableError():
            return End.SILENT
        case AtlasUnauthorizedError() | AtlasForbiddenError():
            return End.REFUSED
        case AtlasError():
            return End.NOTHING_THERE if _says_there_is_none(subject, error) else End.ODD
        case TimeBudgetExceededError():
            return End.LATE
    return End.NO_CREDENTIALS


def _says_there_is_none(subject: Subject, error: AtlasError) -> bool:
    """Whether there is no such job, or no such events. A project's list is always there."""
    if subject.question is Question.EVENTS:
        # The filter is ours, the same for every project: a 400 to it says that Atlas has no events
        # by this filter, and nothing about the project.
        return isinstance(error, AtlasBadRequestError)
    is_not_found = isinstance(error, RestoreJobNotFoundError) and error.error_code != PROJECT_GONE
    return is_not_found and subject.question in JOBS
