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
    AtlasBadRequestError,
    AtlasForbiddenError,
    AtlasUnauthorizedError,
    EndpointRetiredError,
    RestoreJobNotFoundError,
    RestoreWatchError,
)

_EXCUSED = (
    AtlasBadRequestError,
    AtlasForbiddenError,
    AtlasUnauthorizedError,
    EndpointRetiredError,
    RestoreJobNotFoundError,
)
"""Of a family that could never be read, these say that there is no role for it, or no endpoint."""

OF_A_CLUSTER = " jobs of a cluster"
"""How the names of troubles end that are not of a whole family."""

type _Failures = dict[Family, RestoreWatchError]
type _Lists = dict[str, RestoreWatchError | None]
"""Why lists of clusters' jobs failed, None for those that were read."""


def of_clusters(family: Family) -> str:
    """The name of the trouble that the jobs of some cluster cannot be read."""
    return f"{family}{OF_A_CLUSTER}"


class Sight:
    """A family that answers once in a sweep is seen. Any thread may use it."""

    def __init__(self) -> None:
        self._lock = Lock()
        # By project: thousands of them are looked up one by one.
        self._seen: defaultdict[str | None, set[Family]] = defaultdict(set)
        self._failed: defaultdict[str | None, _Failures] = defaultdict(dict)
        self._refused: defaultdict[str | None, defaultdict[Family, _Lists]] = defaultdict(
            lambda: defaultdict(dict)
        )
        # What fails although Atlas answers.
        self._blind: defaultdict[str | None, _Failures] = defaultdict(dict)
        self._clusters: defaultdict[str | None, defaultdict[Family, _Lists]] = defaultdict(
            lambda: defaultdict(dict)
        )

    def answered(self, bucket: Bucket) -> None:
        """Atlas answered, if only that it does not know a job or cluster."""
        with self._lock:
            self._seen[bucket.group_id].add(bucket.family)

    def failed(self, bucket: Bucket, error: RestoreWatchError) -> None:
        """Atlas refused, or did not answer."""
        with self._lock:
            self._failed[bucket.group_id][bucket.family] = error

    def blind(self, bucket: Bucket, error: RestoreWatchError) -> None:
        """
        Atlas answers, but little can be seen.

        It does not know the project, or other tools have used up its rate limit.
        """
        with self._lock:
            self._blind[bucket.group_id][bucket.family] = error

    def cluster(self, bucket: Bucket, name: str, error: RestoreWatchError | None = None) -> None:
        """The list of a cluster's jobs was read, or it failed although the family may be seen."""
        with self._lock:
            self._clusters[bucket.group_id][bucket.family][name] = error

    def cluster_refused(self, bucket: Bucket, name: str, error: RestoreWatchError) -> None:
        """The list of a cluster's jobs was refused, and that of the family nothing was seen yet."""
        with self._lock:
            self._failed[bucket.group_id][bucket.family] = error
            self._refused[bucket.group_id][bucket.family][name] = error

    def refuses(self, bucket: Bucket) -> bool:
        """Whether the list of a cluster's jobs was refused, and nothing of the family was seen."""
        with self._lock:
            is_refused = bucket.family in self._refused[bucket.group_id]
            return is_refused and bucket.family not in self._seen[bucket.group_id]

    def seen(self, group_id: str | None) -> frozenset[Family]:
        """The families that answered."""
        with self._lock:
            return frozenset(self._seen[group_id])

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
                str(family): error
                for family, error in self._failed[group_id].items()
                if family not in seen
            }
            blind = {str(family): error for family, error in self._blind[group_id].items()}
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

        One error stands for all clusters of a kind, None if none of them fails. A refusal is that
        of a cluster alone if the family was seen before it or after it.
        """
        with self._lock:
            known = dict(self._clusters[group_id])
            for family in self._seen[group_id] & self._refused[group_id].keys():
                known[family] = self._refused[group_id][family] | known.get(family, {})
            return {
                of_clusters(family): next(filter(None, lists.values()), None)
                for family, lists in known.items()
            }
