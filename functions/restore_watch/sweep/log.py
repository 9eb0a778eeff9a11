"""
The log of a sweep: what was asked and how that ended, and what became of jobs.

`finding`, `following` and `acting` append to it. Before the sweep ends, `finding` reads from it
which endpoints of a project have answered, and whether the list of projects is known. In the end,
`judging` decides what all records together mean. The pace of the questions, and the memory of open
jobs, which outlasts a sweep, read each record when it is appended.
"""

from collections import defaultdict
from collections.abc import Callable
from enum import Enum, auto
from threading import Lock
from typing import NamedTuple

from foundation.errors import ApplicationError
from restore_watch.asking.asked import Asked, Subject
from restore_watch.model.marks import Part
from restore_watch.table.open_job import JobKey


class Unread(NamedTuple):
    """
    A list that could not be read as a whole, although Atlas may have answered.

    A failure that does not `last` counts only if no other question of its name is answered.
    """

    subject: Subject
    error: ApplicationError
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

    FOUND: the first change of a job that nobody named is recorded. CHANGED: another change is
    recorded. PUBLISHED: all pending messages about the job were published; `messages` counts them.
    SETTLED: Atlas's answer was acted on: it is recorded, or it says nothing new; `messages` counts
    those that are still pending. MISSED: Atlas does not know the job, or refuses it in a project
    that is no longer watched. RECORDED: the table has the job, and no list takes it in again. LATE:
    too little time was left to act. FAILED: the table or the topic refused.
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
    """What became of a job of the project. Without a job: the project's item was not written."""

    group_id: str
    job: JobKey | None
    fate: Fate
    messages: int = 0
    error: ApplicationError | None = None


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
        lists = [
            record.group_ids for record in self.records_of(None) if isinstance(record, AllListed)
        ]
        return lists[-1] if lists else None


def _project_of(record: Record) -> str | None:
    match record:
        case Asked(subject) | Unread(subject):
            return subject.bucket.group_id
        case Planned(group_id) | Listed(group_id) | Acted(group_id):
            return group_id
        case AllListed():
            return None
