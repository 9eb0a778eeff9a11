"""
How the questions of one sweep ended, by project. No I/O.

An answer to one question clears no other: the GETs of known jobs, the list of each cluster's jobs,
the lists of clusters and the events are troubles of their own. A job or a cluster that Atlas does
not know is no failure of the project.
"""

from collections import defaultdict
from collections.abc import Collection
from threading import Lock
from typing import NamedTuple

from restore_watch.atlas.endpoints import Family
from restore_watch.atlas.rate_limits import Bucket
from restore_watch.errors import (
    AtlasBadRequestError,
    AtlasForbiddenError,
    AtlasUnauthorizedError,
    EndpointRetiredError,
    RestoreJobNotFoundError,
    RestoreWatchError,
)
from restore_watch.model.marks import Part
from restore_watch.model.restore_job import RestoreKind

REFUSALS_OF_A_FAMILY = (AtlasForbiddenError, AtlasUnauthorizedError, EndpointRetiredError)
"""Of a family that could never be read, these say that there is no role for it, or no endpoint."""

_EXCUSED = (*REFUSALS_OF_A_FAMILY, AtlasBadRequestError, RestoreJobNotFoundError)

OF_A_CLUSTER = " jobs of a cluster"
"""How the names of troubles end that are not of a whole family."""


def of_clusters(kind: RestoreKind) -> str:
    """The name of the trouble that the jobs of some cluster cannot be read."""
    return f"{kind}{OF_A_CLUSTER}"


class Asked(NamedTuple):
    """
    A question: `name` is that of its trouble, `detail` the job or cluster that it is about.

    The GETs of all jobs of a kind have one name, and so have the lists of its clusters' jobs.
    """

    bucket: Bucket
    name: str
    detail: str = ""

    @classmethod
    def job(cls, bucket: Bucket, restore_id: str) -> "Asked":
        """The GET of a known job."""
        return cls(bucket, str(bucket.family), restore_id)

    @classmethod
    def part(cls, bucket: Bucket, part: Part) -> "Asked":
        """The list of a cluster's jobs."""
        return cls(bucket, of_clusters(part.kind), str(part))

    @classmethod
    def list(cls, bucket: Bucket) -> "Asked":
        """A list of a project, or the list of projects."""
        return cls(bucket, str(bucket.family))


class _Failure(NamedTuple):
    error: RestoreWatchError
    lasts: bool


class Outcomes:
    """Any thread may use it."""

    def __init__(self) -> None:
        self._lock = Lock()
        # By project: thousands of them are looked up one by one.
        self._answered: defaultdict[str | None, set[str]] = defaultdict(set)
        self._families: defaultdict[str | None, set[Family]] = defaultdict(set)
        self._left: defaultdict[str | None, set[str]] = defaultdict(set)
        self._failed: defaultdict[str | None, dict[tuple[str, str], _Failure]] = defaultdict(dict)

    def answered(self, asked: Asked) -> None:
        """Atlas answered, if only that it does not know a job or cluster."""
        group_id = asked.bucket.group_id
        with self._lock:
            self._answered[group_id].add(asked.name)
            self._families[group_id].add(asked.bucket.family)
            if self._failed[group_id]:
                self._failed[group_id].pop((asked.name, asked.detail), None)

    def failed(self, asked: Asked, error: RestoreWatchError, *, lasts: bool = True) -> None:
        """
        Atlas refused, or did not answer, or what it answered cannot be read.

        One that does not `last` counts only if nothing else of this name is answered.
        """
        with self._lock:
            failures = self._failed[asked.bucket.group_id]
            failures[asked.name, asked.detail] = _Failure(error, lasts)

    def left(self, asked: Asked) -> None:
        """This was to be asked, and was left to the next sweep."""
        with self._lock:
            self._left[asked.bucket.group_id].add(asked.name)

    def families(self, group_id: str | None) -> frozenset[Family]:
        """The families of endpoints that answered."""
        with self._lock:
            return frozenset(self._families[group_id])

    def learnt(self, group_id: str) -> frozenset[str]:
        """The names of what was answered, and nothing of it left to the next sweep."""
        with self._lock:
            return frozenset(self._answered[group_id] - self._left[group_id])

    def failures(
        self, group_id: str | None, readable: Collection[str]
    ) -> dict[str, RestoreWatchError]:
        """
        Return what fails in a project, by name.

        `readable` has the families that were read before. If another one is refused, there is no
        role for it, unless the project refuses everything.
        """
        with self._lock:
            answered = set(self._answered[group_id])
            failed = dict(self._failed[group_id])
        failures: dict[str, RestoreWatchError] = {}
        for (name, _), failure in failed.items():
            if failure.lasts or name not in answered:
                failures.setdefault(name, failure.error)
        if not answered and not readable:
            return failures
        return {
            name: error
            for name, error in failures.items()
            if name.removesuffix(OF_A_CLUSTER) in readable or not isinstance(error, _EXCUSED)
        }
