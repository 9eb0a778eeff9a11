"""A sweep fails if Atlas refuses the credentials for everything that it asks. Pure."""

from collections.abc import Sequence

from restore_watch.asking.asked import Asked
from restore_watch.errors import AtlasUnauthorizedError
from restore_watch.sweep.judging.counts import failures_of_questions
from restore_watch.sweep.log import Record

NO_ROLE = "USER_UNAUTHORIZED"
"""Atlas's code for credentials that are known but have no role for what was asked."""


def refusal_of_credentials(records: Sequence[Record]) -> AtlasUnauthorizedError | None:
    """
    Return the refusal, if Atlas refused the credentials for every question. Not for a role.

    Failures of the table, the topic or our own code say nothing about the credentials.
    """
    if any(isinstance(record, Asked) and record.end.accepts for record in records):
        return None
    refusal: AtlasUnauthorizedError | None = None
    for failure in failures_of_questions(records):
        error = failure.error
        if not isinstance(error, AtlasUnauthorizedError) or error.error_code == NO_ROLE:
            return None
        refusal = refusal or error
    return refusal
