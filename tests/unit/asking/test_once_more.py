"""Which questions are asked once more at once."""

import pytest

from restore_watch.asking.once_more import FAST, may_ask_once_more
from restore_watch.errors import AtlasError, AtlasUnavailableError
from unit.records import DOWN, LIMITED, NO_JOB, NO_ROLE

NO_TOKEN = AtlasUnavailableError("no token")
NO_TOKEN.transient = False


@pytest.mark.parametrize(
    ("error", "seconds", "tries", "may_ask"),
    [
        (DOWN, 0.1, 1, True),
        (DOWN, FAST, 1, False),
        (DOWN, 0.1, 2, False),
        (NO_TOKEN, 0.1, 1, False),
        (LIMITED, 0.1, 1, False),
        (NO_ROLE, 0.1, 1, False),
        (NO_JOB, 0.1, 1, False),
    ],
    ids=["dead connection", "slow", "third time", "no token", "limit", "no role", "no job"],
)
def test_a_question_that_failed_fast_is_asked_once_more(
    error: AtlasError, seconds: float, tries: int, *, may_ask: bool
) -> None:
    assert may_ask_once_more(error, seconds, tries) is may_ask
