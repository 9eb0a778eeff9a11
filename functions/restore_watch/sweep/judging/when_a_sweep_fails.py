"""A sweep fails if Atlas refuses the credentials for everything that it asks. Pure."""

from collections.abc import Iterable

from restore_watch.asking.asked import Asked
from restore_watch.errors import AtlasUnauthorizedError
from restore_watch.model.results import SweepResult
from restore_watch.sweep.log import Record

NO_ROLE = "USER_UNAUTHORIZED"
"""Atlas's code for credentials that are known but have no role for what was asked."""


def refusal_of_credentials(
    records: Iterable[Record], result: SweepResult
) -> AtlasUnauthorizedError | None:
    """Return the refusal, if Atlas refused the credentials for every question. Not for a role."""
    errors = [failure.error for failure in result.failures]
    if any(isinstance(one, Asked) and one.end.accepts for one in records):
        return None
    refusals = [
        error
        for error in errors
        if isinstance(error, AtlasUnauthorizedError) and error.error_code != NO_ROLE
    ]
    return refusals[0] if refusals and len(refusals) == len(errors) else None
