"""
What one sweep saw of each project, by family of endpoints. Pure.

A job or a cluster that Atlas does not know is no failure of the project.
"""

from collections.abc import Collection
from threading import Lock

from restore_watch.atlas.families import Family
from restore_watch.atlas.rate_limits import Bucket
from restore_watch.errors import AtlasForbiddenError, AtlasUnauthorizedError, RestoreWatchError

_REFUSALS = (AtlasUnauthorizedError, AtlasForbiddenError)


class Sight:
    """A family that answers once in a sweep is seen. Any thread may use it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._seen: set[Bucket] = set()
        self._failed: dict[Bucket, RestoreWatchError] = {}
        # What fails although Atlas answers.
        self._blind: dict[Bucket, RestoreWatchError] = {}

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

    def seen(self, group_id: str | None) -> frozenset[Family]:
        """The families that answered."""
        with self._lock:
            return frozenset(one.family for one in self._seen if one.group_id == group_id)

    def failures(
        self, group_id: str | None, readable: Collection[str]
    ) -> dict[Family, RestoreWatchError]:
        """
        Return what fails in a project, by family.

        `readable` has the families that were read before. A refusal of another one says that there
        is no role for it, unless the project refuses everything.
        """
        seen = self.seen(group_id)
        with self._lock:
            failed = {
                bucket.family: error
                for bucket, error in self._failed.items()
                if bucket.group_id == group_id and bucket.family not in seen
            }
            blind = {
                bucket.family: error
                for bucket, error in self._blind.items()
                if bucket.group_id == group_id
            }
        if seen or readable:
            failed = {
                family: error
                for family, error in failed.items()
                if family in readable or not isinstance(error, _REFUSALS)
            }
        return failed | blind
