"""
The log of a sweep: what was asked and how that ended, and what became of jobs.

`asking` and `acting` append to it, and `judging` reads it in the end: neither imports the other.
What the records mean together is a function of them, in `judging`. The memory of open jobs, which
outlasts a sweep, reads them too.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from enum import Enum, auto
from threading import Lock
from typing import NamedTuple

from foundation.errors import TimeBudgetExceededError
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
    RestoreWatchError,
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

    NOTHING_THERE: Atlas does not know the job, or the filter of events: a failure of the sweep, but
    none of the project. ODD: Atlas accepted the credentials, but its answer is of no use. REFUSED:
    401 or 403. SILENT: no answer, or a 5xx. LIMITED: 429. LATE: there was no time for a call, or
    the pace allowed none.
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
    def is_left(self) -> bool:
        """Whether Atlas was never asked."""
        return self in {End.LATE, End.NO_CREDENTIALS}


class Subject(NamedTuple):
    """
    The subject of a question: a bucket of calls and, of jobs and clusters, `about` which.

    A list that is read only to follow known jobs has no `question`: where it fails, the jobs' own
    endpoints are asked.
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

    def in_family(self, family: Family) -> "Subject":
        """The same subject, but of this family, whose endpoint has answered."""
        if family is self.bucket.family:
            return self
        question = family.question if self.question in JOBS else self.question
        return Subject(self.bucket._replace(family=family), question, self.about)


class Asked(NamedTuple):
    """A question to Atlas that has ended, with an `error` unless it was answered, about `jobs`."""

    subject: Subject
    end: End
    error: RestoreWatchError | None = None
    jobs: tuple[JobKey, ...] = ()

    @classmethod
    def failed(
        cls, subject: Subject, error: RestoreWatchError, jobs: tuple[JobKey, ...] = ()
    ) -> "Asked":
        """
        A question that ended with this error. The endpoint of another kind may have refused.

        That no kind knows the job is an answer to the question about the kind that was expected.
        """
        end = _end_with(subject, error)
        if isinstance(error, AtlasError) and isinstance(error.family, Family) and not end.is_answer:
            subject = subject.in_family(error.family)
        return cls(subject, end, error, jobs)


class Unread(NamedTuple):
    """
    A list that could not be read as a whole, although Atlas may have answered.

    A failure that does not `last` counts only if no other question of its name is answered.
    """

    subject: Subject
    error: RestoreWatchError
    lasts: bool = True


class Planned(NamedTuple):
    """
    A project about which the sweep is to ask, because it is watched or has jobs that are due.

    `aside`: the parts of it that nobody could ever read. The last record of a project counts: a
    project that was removed is no longer watched.
    """

    group_id: str
    is_watched: bool
    aside: frozenset[Part] = frozenset()


class Listed(NamedTuple):
    """A project whose listing has ended. `is_whole`: all of it was read, except what is `aside`."""

    group_id: str
    aside: frozenset[Part]
    is_whole: bool


class AllListed(NamedTuple):
    """All projects to watch: those that the operator named, or the list that was just read."""

    group_ids: frozenset[str]


class Fate(Enum):
    """
    What became of a job.

    FOUND: the first change of a job that nobody named is recorded. CHANGED: another change is.
    PUBLISHED: everything that was pending is, so many messages. SETTLED: Atlas's answer is
    recorded, and so many messages are pending. MISSED: Atlas does not know the job, or refuses it
    in a project that is no longer watched. RECORDED: the table has the job, and no list takes it in
    again. LATE: too little time was left to act. FAILED: the table or the topic refused.
    """

    FOUND = auto()
    CHANGED = auto()
    PUBLISHED = auto()
    SETTLED = auto()
    MISSED = auto()
    RECORDED = auto()
    LATE = auto()
    FAILED = auto()


class Acted(NamedTuple):
    """What became of a job. A project whose item could not be written has no job."""

    key: tuple[str, str | None, str | None]
    fate: Fate
    messages: int = 0
    error: RestoreWatchError | None = None


type Record = Asked | Unread | Planned | Listed | AllListed | Acted


class Log:
    """
    The records of one sweep, in their order. Any thread may append and read.

    The `readers` decide while the sweep runs, so they read each record when it is appended.
    """

    def __init__(self, *readers: Callable[[Record], None]) -> None:
        self._readers = readers
        self._lock = Lock()
        # By project, because thousands of them are looked up one by one.
        self._records: defaultdict[str | None, list[Record]] = defaultdict(list)

    def append(self, record: Record) -> None:
        """Append a record."""
        with self._lock:
            self._records[_project_of(record)].append(record)
        for read in self._readers:
            read(record)

    def records_of(self, group_id: str | None) -> tuple[Record, ...]:
        """Return the records of a project. Without an id: of the list of projects."""
        with self._lock:
            return tuple(self._records.get(group_id, ()))

    def by_project(self) -> dict[str | None, tuple[Record, ...]]:
        """Return all records so far, by project."""
        with self._lock:
            return {group_id: tuple(records) for group_id, records in self._records.items()}

    def all_listed(self) -> frozenset[str] | None:
        """Return the projects to watch, None unless it is known in this sweep which they are."""
        lists = [one.group_ids for one in self.records_of(None) if isinstance(one, AllListed)]
        return lists[-1] if lists else None


def families_of(records: Iterable[Record]) -> frozenset[Family]:
    """Return the families of endpoints that answered a question of these records."""
    return frozenset(
        one.subject.bucket.family
        for one in records
        if isinstance(one, Asked) and one.end.is_answer and one.subject.question
    )


def _project_of(record: Record) -> str | None:
    match record:
        case Asked(subject) | Unread(subject):
            return subject.bucket.group_id
        case Planned(group_id) | Listed(group_id) | Acted((group_id, _, _)):
            return group_id
        case AllListed():
            return None


def _end_with(subject: Subject, error: RestoreWatchError) -> End:
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
    """A job may be gone, a project's list may not. Events are asked by a filter."""
    if subject.question is Question.EVENTS:
        return isinstance(error, AtlasBadRequestError)
    is_not_found = isinstance(error, RestoreJobNotFoundError) and error.error_code != PROJECT_GONE
    return is_not_found and subject.question in JOBS
