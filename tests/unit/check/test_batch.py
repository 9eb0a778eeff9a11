"""Which failure of a check is an answer, and which may pass."""

import pytest

from foundation.errors import ApplicationError, TimeBudgetExceededError
from restore_watch.check.batch import FailedCheck
from restore_watch.errors import (
    AtlasUnavailableError,
    NotificationPendingError,
    RestoreJobNotFoundError,
)
from unit.open_jobs import target


@pytest.mark.parametrize(
    ("error", "is_answered", "may_pass"),
    [
        (RestoreJobNotFoundError("Atlas knows no such job"), True, False),
        (AtlasUnavailableError("Atlas did not answer"), False, True),
        (NotificationPendingError("SNS did not answer"), False, False),
        (TimeBudgetExceededError("too little time"), False, False),
    ],
    ids=["refused", "unanswered", "not-published", "not-reached"],
)
def test_only_a_lasting_word_of_atlas_is_an_answer(
    error: ApplicationError, *, is_answered: bool, may_pass: bool
) -> None:
    failed = FailedCheck(target("6b4a0f800000000000000001"), error)

    assert (failed.is_answered, failed.may_pass) == (is_answered, may_pass)
