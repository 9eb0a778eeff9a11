"""
What one sweep saw of each project, by family of endpoints. Pure.

A job or a cluster that Atlas does not know is no failure of the project.
"""

from collections import defaultdict
from collections.abc import Collection
from threading import Lock

from restore_watch.atlas.families import Family
from restore_watch.atlas.rate_limits import Bucket
from restore_watch.errors import (
    AtlasForbiddenError,
    AtlasUnauthorizedError,
    EndpointRetiredError,
    RestoreWatchError,
)

_EXCUSED = (AtlasUnauthorizedError, AtlasForbiddenError, EndpointRetiredError)
"""Of a family that could never be read, these say that there is no role for it, or no endpoint."""

OF_A_CLUSTER = " jobs of a cluster"
"""How the names of troubles end that are not of a whole family."""


class Sight:
    """A family that answers once in a sweep is seen. Any thread may use it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._seen: set[Bucket] = set()
        self._failed: dict[Bucket, RestoreWatchError] = {}
        # What fails although Atlas answers.
        self._blind: dict[Bucket, RestoreWatchError] = {}
        self._clusters: dict[Bucket, dict[str, RestoreWatchError | None]] = defaultdict(dict)

    def answered(self, bucket: Bucket) -> None:
        """Atlas answered, if only that it does not know a job or cluster."""
        with self._lock:
            self._seen.add(bucket)

    def failed(self, bucket: Bucket, error: RestoreWatchError) -> None:
        """Atlas refused, or did not answer."""
        with self._lock:
            self._failed[bucket] = error

    def blind(self, bucket: Bucket, error: RestoreWatchError) -> None:
        """
        Atlas answers, but little can be seen.

        It does not know the project, or other tools have used up its rate limit.
        """
        with self._lock:
            self._blind[bucket] = error

    def cluster(self, bucket: Bucket, name: str, error: RestoreWatchError | None = None) -> None:
        """The list of a cluster's jobs was read, or it failed although the family may be seen."""
        with self._lock:
            self._clusters[bucket][name] = error

    def seen(self, group_id: str | None) -> frozenset[Family]:
        """The families that answered."""
        with self._lock:
            return frozenset(one.family for one in self._seen if one.group_id == group_id)

    def failures(
        self, group_id: str | None, readable: Collection[str]
    ) -> dict[str, RestoreWatchError]:
        """
        Return what fails in a project, by family.

        `readable` has the families that were read before. If another one is refused, there is no
        role for it, unless the project refuses everything.
        """
        seen = self.seen(group_id)
        with self._lock:
            failed = {
                str(bucket.family): error
                for bucket, error in self._failed.items()
                if bucket.group_id == group_id and bucket.family not in seen
            }
            blind = {
                str(bucket.family): error
                for bucket, error in self._blind.items()
                if bucket.group_id == group_id
            }
        if seen or readable:
            failed = {
                family: error
                for family, error in failed.items()
                if family in readable or not isinstance(error, _EXCUSED)
            }
        return failed | blind

    def clusters(self, group_id: str) -> dict[str, RestoreWatchError | None]:
        """
        Return whether lists of clusters' jobs fail in a project, for each kind that was listed.

        One error stands for all clusters of a kind, None if none of them fails.
        """
        with self._lock:
            return {
                f"{bucket.family}{OF_A_CLUSTER}": next(filter(None, lists.values()), None)
                for bucket, lists in self._clusters.items()
                if bucket.group_id == group_id
            }
