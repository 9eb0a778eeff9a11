"""Atlas's answers about a cluster of which there is nothing to read. Pure."""

from foundation.errors import ApplicationError
from restore_watch.errors import (
    AtlasBadRequestError,
    RestoreJobNotFoundError,
)

_NOTHING_TO_READ = {
    "CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API",
    "CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API",
    "CLUSTER_NOT_FOUND",
    "FEATURE_UNSUPPORTED",
}


def has_nothing_to_read(error: ApplicationError) -> bool:
    """Whether Atlas says that a cluster has no restore jobs of a kind, or is gone."""
    if not isinstance(error, (AtlasBadRequestError, RestoreJobNotFoundError)):
        return False
    code = error.error_code or ""
    # Such as BACKUP_CONFIG_NOT_FOUND.
    return code in _NOTHING_TO_READ or "BACKUP" in code
