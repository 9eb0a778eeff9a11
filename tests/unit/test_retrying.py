"""When a request to Atlas is repeated, and after how long."""

# ruff: noqa: FBT001 - a table may have a column of booleans

from collections.abc import Callable

import pytest

from restore_watch.atlas.exchange import LEAST_EXCHANGE
from restore_watch.atlas.retrying import ATTEMPTS, LONGEST_WAIT, RATE_LIMIT_PAUSE, retrying
from restore_watch.errors import (
    AtlasError,
    AtlasRateLimitError,
    AtlasReason,
    AtlasUnavailableError,
)
from unit.scripted_atlas import Clock


def limited(wait: float | None = None) -> AtlasRateLimitError:
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


def run(request: Callable[[], str], clock: Clock, *, seconds: float = 300.0) -> str:
    loop = retrying(
        lambda error: isinstance(error, AtlasError), clock.deadline(seconds), clock.sleep
    )
    return loop(request)


def test_an_answer_is_returned_at_once(clock: Clock) -> None:
    assert run(Request(), clock) == "answer"
    assert not clock.sleeps


def test_an_error_that_is_not_transient_is_raised_at_once(clock: Clock) -> None:
    request = Request(ValueError("a bug"))

    with pytest.raises(ValueError, match="a bug"):
        run(request, clock)

    assert request.attempts == 1


def test_four_attempts_are_made_and_then_the_last_error_is_raised(clock: Clock) -> None:
    errors = [unavailable() for _ in range(ATTEMPTS)]
    request = Request(*errors)

    with pytest.raises(AtlasUnavailableError) as last:
        run(request, clock)

    assert last.value is errors[-1]
    assert request.attempts == ATTEMPTS == 4


def test_the_waits_grow_and_are_jittered(clock: Clock) -> None:
    for _ in range(20):
        run(Request(unavailable(), unavailable(), unavailable()), clock)

    for n, base in enumerate((0.2, 0.4, 0.8)):
        waits = clock.sleeps[n::3]
        assert all(base <= wait <= base + 0.3 for wait in waits)
        assert len(set(waits)) > 1


@pytest.mark.parametrize("error", [limited, unavailable], ids=["429", "503"])
def test_the_wait_is_the_one_that_atlas_asks_for(
    clock: Clock, error: Callable[[float], AtlasError]
) -> None:
    run(Request(error(7.0)), clock)

    (wait,) = clock.sleeps
    assert 7.2 <= wait <= 7.5


def test_the_wait_is_ten_seconds_when_a_rate_limit_names_none(clock: Clock) -> None:
    run(Request(limited()), clock)

    (wait,) = clock.sleeps
    assert RATE_LIMIT_PAUSE <= wait <= RATE_LIMIT_PAUSE + 3.0


@pytest.mark.parametrize("error", [limited, unavailable], ids=["429", "503"])
@pytest.mark.parametrize(
    ("asked", "is_repeated"), [(14.0, True), (LONGEST_WAIT, True), (15.1, False)], ids=str
)
def test_the_longest_wait_is_fifteen_seconds(
    clock: Clock, error: Callable[[float], AtlasError], asked: float, is_repeated: bool
) -> None:
    request = Request(error(asked))

    if is_repeated:
        assert run(request, clock) == "answer"
    else:
        with pytest.raises(AtlasError):
            run(request, clock)

    assert LONGEST_WAIT == 15.0
    assert len(clock.sleeps) == is_repeated


def test_a_second_rate_limit_without_a_wait_is_raised(clock: Clock) -> None:
    # The wait doubles, so it is longer than 15 s.
    request = Request(limited(), limited())

    with pytest.raises(AtlasRateLimitError):
        run(request, clock)

    assert request.attempts == 2


@pytest.mark.parametrize(
    ("seconds", "is_repeated"),
    [(7.5 + LEAST_EXCHANGE, True), (7.2 + LEAST_EXCHANGE - 0.01, False), (3.0, False)],
    ids=["fits", "just does not fit", "does not fit"],
)
def test_a_wait_leaves_enough_time_for_the_next_attempt(
    clock: Clock, seconds: float, is_repeated: bool
) -> None:
    request = Request(limited(7.0))

    if is_repeated:
        assert run(request, clock, seconds=seconds) == "answer"
    else:
        with pytest.raises(AtlasRateLimitError):
            run(request, clock, seconds=seconds)
        assert not clock.sleeps
