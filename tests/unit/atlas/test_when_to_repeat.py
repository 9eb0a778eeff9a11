"""When a request is repeated, and after how long."""

import pytest

from restore_watch.atlas.when_to_repeat import repeat_call
from restore_watch.errors import (
    AtlasError,
    AtlasRateLimitError,
    AtlasReason,
    AtlasUnavailableError,
)
from unit.scripted_atlas import Clock


def limit(wait: float | None = None) -> AtlasRateLimitError:
    return AtlasRateLimitError("limited", AtlasReason(429, retry_after_seconds=wait))


def unavailable(wait: float | None = None) -> AtlasUnavailableError:
    return AtlasUnavailableError("unavailable", AtlasReason(503, retry_after_seconds=wait))


class Request:
    """Fails with these errors, one for each attempt, and then succeeds."""

    def __init__(self, *errors: Exception) -> None:
        self._errors = list(errors)
        self.attempts = 0

    def __call__(self) -> str:
        self.attempts += 1
        if self._errors:
            raise self._errors.pop(0)
        return "answer"

    def run(self, clock: Clock, seconds: float = 300.0) -> str:
        return repeat_call(
            self, lambda error: isinstance(error, AtlasError), clock.deadline(seconds), clock.sleep
        )


@pytest.mark.parametrize(
    ("errors", "seconds", "attempts"),
    [
        ([limit(15.1)], 300, 1),
        ([unavailable(15.1)], 300, 1),
        # The wait doubles, so it is longer than 15 s.
        ([limit(), limit()], 300, 2),
        ([limit(7.0)], 8.19, 1),
        ([limit(7.0)], 3.0, 1),
    ],
    ids=["long 429", "long 503", "second 429", "just does not fit", "does not fit"],
)
def test_no_wait_is_longer_than_fifteen_seconds_or_than_the_time_left(
    clock: Clock, errors: list[AtlasError], seconds: float, attempts: int
) -> None:
    request = Request(*errors)

    with pytest.raises(type(errors[-1])):
        request.run(clock, seconds)

    assert request.attempts == attempts
    assert len(clock.sleeps) == attempts - 1
