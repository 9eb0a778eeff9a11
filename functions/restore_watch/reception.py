"""How Atlas receives the questions of one sweep, noted for everything that depends on it."""

from dataclasses import dataclass

from restore_watch.atlas.families import AtlasList, Family, named
from restore_watch.atlas.rate_limits import Bucket
from restore_watch.errors import (
    AtlasBadRequestError,
    AtlasError,
    AtlasForbiddenError,
    AtlasRateLimitError,
    AtlasUnauthorizedError,
    AtlasUnavailableError,
    EndpointRetiredError,
    RestoreWatchError,
    UnexpectedAtlasResponseError,
)
from restore_watch.findings import Findings
from restore_watch.memory import SweepMemory
from restore_watch.pace import Pace
from restore_watch.restore_job import RestoreKind
from restore_watch.sight import Sight

PROJECT_GONE = "GROUP_NOT_FOUND"
"""Atlas's code for a project that it does not know."""


@dataclass(frozen=True)
class Reception:
    """Notes answers and refusals in pace, findings, memory and sight. Any thread may use it."""

    pace: Pace
    findings: Findings
    memory: SweepMemory
    sight: Sight

    def answered(self, bucket: Bucket) -> None:
        """Atlas answered, if only that it does not know a job or cluster."""
        self._accepted(bucket)
        self.sight.answered(bucket)

    def failed(self, bucket: Bucket, error: RestoreWatchError) -> None:
        """A question was refused, or not answered."""
        match error:
            case AtlasRateLimitError():
                self.sight.failed(bucket, error)
            case AtlasUnavailableError():
                self.pace.silent(bucket)
                self.sight.failed(bucket, error)
            case AtlasUnauthorizedError() | AtlasForbiddenError():
                # The endpoint of another kind may be the one that refused.
                refused = bucket._replace(family=_family(error) or bucket.family)
                self.pace.refused(refused)
                self.sight.failed(refused, error)
            case EndpointRetiredError() | UnexpectedAtlasResponseError():
                self._accepted(bucket)
                self.sight.failed(bucket, error)
            case AtlasError() if error.error_code == PROJECT_GONE:
                self._accepted(bucket)
                self.sight.blind(bucket, error)
            case AtlasError() if _is_of_a_list(bucket, error):
                self._accepted(bucket)
                self.sight.failed(bucket, error)
            case AtlasError():
                self.answered(bucket)

    def cluster_failed(self, bucket: Bucket, error: RestoreWatchError, *, alone: bool) -> None:
        """
        The list of a cluster's jobs was refused, or not answered.

        If that says nothing about other clusters, the cluster is `alone` with a refusal. Otherwise
        the sight decides about other lists, because an answer about any cluster may still come.
        Known jobs are asked about: they could be read before.
        """
        match error:
            case AtlasUnavailableError():
                self.pace.silent(bucket)
            case UnexpectedAtlasResponseError():
                self._accepted(bucket)
            case AtlasUnauthorizedError() | AtlasForbiddenError():
                if alone:
                    self._accepted(bucket)
            case AtlasBadRequestError():
                # It counts only if Atlas answers about no other cluster, as the family is not seen.
                self._accepted(bucket)
                self.sight.failed(bucket, error)
            case _:
                self.failed(bucket, error)

    def note_starved(self) -> None:
        """Other tools had used up some buckets before the sweep, so it could see little."""
        for bucket in self.pace.starved:
            msg = (
                f"Other tools use up Atlas's rate limit for {named(bucket.family)}. From the "
                "start, less was left than RateLimitReserve keeps for them, so only one call was "
                "made. Slow down the other tools, or lower RateLimitReserve"
            )
            self.sight.blind(bucket, AtlasRateLimitError(msg))

    def _accepted(self, bucket: Bucket) -> None:
        """Atlas accepted the credentials."""
        self.pace.answered(bucket)
        self.findings.answered()
        self.memory.answered()


def _is_of_a_list(bucket: Bucket, error: AtlasError) -> bool:
    """A list cannot be gone as a job or a cluster can. Events are asked with a filter."""
    is_filter = bucket.family is AtlasList.EVENTS and isinstance(error, AtlasBadRequestError)
    return isinstance(bucket.family, AtlasList) and not is_filter


def _family(error: AtlasError) -> Family | None:
    for families in (RestoreKind, AtlasList):
        if error.family in set(families):
            return families(error.family)
    return None
