"""A sweep fails if Atlas refuses the credentials for everything that it asks. Pure."""

from collections.abc import Iterable

from restore_watch.asking.asked import Asked
from restore_watch.errors import AtlasUnauthorizedError
from restore_watch.sweep.judging.counts import count
from restore_watch.sweep.log import Record, Unread

NO_ROLE = "USER_UNAUTHORIZED"
"""Atlas's code for credentials that are known but have no role for what was asked."""


def refusal_of_credentials(records: Iterable[Record]) -> AtlasUnauthorizedError | None:
    """
    Return the refusal, if Atlas refused the credentials for every question. Not for a role.

    Failures of the table, the topic or our own code say nothing about the credentials.
    """
    questions = [record for record in records if isinstance(record, (Asked, Unread))]
    if any(isinstance(question, Asked) and question.end.accepts for question in questions):
        return None
    refusal: AtlasUnauthorizedError | None = None
    for failure in count(questions, ()).failures:
        error = failure.error
        if not isinstance(error, AtlasUnauthorizedError) or error.error_code == NO_ROLE:
            return None
        refusal = refusal or error
    return refusal
