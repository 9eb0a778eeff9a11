"""How Atlas receives the questions of one sweep, noted for everything that depends on it."""

from foundation.service import service
from restore_watch.atlas.endpoints import AtlasList, Family, named
from restore_watch.atlas.rate_limits import Bucket
from restore_watch.errors import (
    AtlasBadRequestError,
    AtlasError,
    AtlasForbiddenError,
    AtlasRateLimitError,
    AtlasUnauthorizedError,
    AtlasUnavailableError,
    RestoreJobNotFoundError,
    RestoreWatchError,
)
from restore_watch.model.restore_job import RestoreKind
from restore_watch.sweep.outcomes import Asked
from restore_watch.sweep.run import Run

PROJECT_GONE = "GROUP_NOT_FOUND"
"""Atlas's code for a project that it does not know."""


@service
class Answers:
    """Notes answers and refusals for all that depends on them. Any thread may use it."""

    run: Run

    def answered(self, asked: Asked) -> None:
        """Atlas answered, if only that it does not know a job or cluster."""
        self.accepted(asked.bucket)
        self.run.outcomes.answered(asked)

    def failed(self, asked: Asked, error: RestoreWatchError, *, lasts: bool = True) -> None:
        """A question was refused, or not answered. It `lasts` if it did not begin just now."""
        if not isinstance(error, AtlasError):
            self.run.outcomes.left(asked)
            return
        if self.note(asked, error):
            self.run.outcomes.answered(asked)
            return
        lasts = lasts and not isinstance(error, AtlasRateLimitError)
        # The endpoint of another kind may be the one that refused.
        family = _family(error) or asked.bucket.family
        if family is not asked.bucket.family:
            asked = asked._replace(bucket=asked.bucket._replace(family=family), name=str(family))
        self.run.outcomes.failed(asked, error, lasts=lasts)

    def note(self, asked: Asked, error: RestoreWatchError) -> bool:
        """Note a failure for the pace. True if it is an answer: nothing of that name is there."""
        match error:
            case AtlasRateLimitError():
                return False
            case AtlasUnavailableError():
                self.run.pace.silent(asked.bucket)
                return False
            case AtlasUnauthorizedError() | AtlasForbiddenError():
                family = _family(error) or asked.bucket.family
                self.run.pace.refused(asked.bucket._replace(family=family))
                return False
            case AtlasError():
                self.accepted(asked.bucket)
                return _says_there_is_none(asked.bucket, error)
        return False

    def note_starved(self) -> None:
        """Other tools had used up some buckets before the sweep, so it could see little."""
        for bucket in self.run.pace.starved:
            msg = (
                f"Other tools use up Atlas's rate limit for {named(bucket.family)}. From the "
                "start, less was left than RateLimitReserve keeps for them, so only one call was "
                "made. Slow down the other tools, or lower RateLimitReserve"
            )
            self.run.outcomes.failed(
                Asked(bucket, str(bucket.family), "starved"), AtlasRateLimitError(msg)
            )

    def accepted(self, bucket: Bucket) -> None:
        """Atlas accepted the credentials, whatever its answer says."""
        self.run.pace.answered(bucket)
        self.run.tally.answered()
        self.run.memory.answered()


_NOTHING_TO_READ = {
    "CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API",
    "CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API",
    "CLUSTER_NOT_FOUND",
    "FEATURE_UNSUPPORTED",
}
"""With these codes Atlas says that a cluster has no restore jobs of a kind, or is gone."""

_BACKUP = "BACKUP"
"""A code with this word, such as BACKUP_CONFIG_NOT_FOUND, says that a cluster has no backups."""


def has_nothing_to_read(error: RestoreWatchError) -> bool:
    """Whether Atlas says that a cluster has no restore jobs of a kind, or is gone."""
    if not isinstance(error, (AtlasBadRequestError, RestoreJobNotFoundError)):
        return False
    code = error.error_code or ""
    return code in _NOTHING_TO_READ or _BACKUP in code


def _says_there_is_none(bucket: Bucket, error: AtlasError) -> bool:
    """A job or a cluster may be gone, a project's list may not. Events are asked by a filter."""
    if bucket.family is AtlasList.EVENTS:
        return isinstance(error, AtlasBadRequestError)
    is_not_found = isinstance(error, RestoreJobNotFoundError) and error.error_code != PROJECT_GONE
    return is_not_found and isinstance(bucket.family, RestoreKind)


def _family(error: RestoreWatchError) -> Family | None:
    name = error.family if isinstance(error, AtlasError) else None
    for families in (RestoreKind, AtlasList):
        if name in set(families):
            return families(name)
    return None
