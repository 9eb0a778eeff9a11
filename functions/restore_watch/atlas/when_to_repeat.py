"""When a call to Atlas that failed is made again."""

from collections.abc import Callable
from typing import cast

from tenacity import RetryCallState, Retrying, retry_if_exception, wait_exponential_jitter

from foundation.deadline import Deadline
from restore_watch.atlas.exchange import LEAST_EXCHANGE
from restore_watch.atlas.rate_limits import RATE_LIMIT_PAUSE
from restore_watch.errors import (
    AtlasError,
    AtlasRateLimitError,
    AtlasUnavailableError,
    RestoreWatchError,
)

ATTEMPTS = 4
"""Tries of one request, the first included."""

TRIES = 2
"""A task without a usable answer is tried this many times in one round."""

FAST = 2.0
"""A question that fails within these seconds, such as over a dead connection, is asked again."""

LONGEST_WAIT = 15.0
"""An invocation waits at most this many seconds between two tries, because it is billed."""

_backoff = wait_exponential_jitter(multiplier=0.2, max=5.0, jitter=0.3)
_rate_limit_backoff = wait_exponential_jitter(multiplier=RATE_LIMIT_PAUSE, jitter=3.0)


def retrying(
    worth_another: Callable[[AtlasError], bool],
    deadline: Deadline,
    sleep: Callable[[float], None],
) -> Retrying:
    """
    Return the loop that repeats a request while its error is `worth_another` attempt.

    It waits with exponential backoff and jitter, after the time that Atlas asks for. It raises the
    last error after ATTEMPTS tries, or if the wait is longer than LONGEST_WAIT or does not fit the
    deadline.
    """

    def is_over(state: RetryCallState) -> bool:
        left = deadline.remaining() - state.upcoming_sleep
        wait = _error(state).retry_after_seconds or state.upcoming_sleep
        return state.attempt_number >= ATTEMPTS or wait > LONGEST_WAIT or left < LEAST_EXCHANGE

    return Retrying(
        retry=retry_if_exception(lambda one: isinstance(one, AtlasError) and worth_another(one)),
        wait=_wait,
        stop=is_over,
        sleep=sleep,
        reraise=True,
    )


def _wait(state: RetryCallState) -> float:
    """Seconds before the next attempt."""
    error = _error(state)
    asked = error.retry_after_seconds
    if asked is None and isinstance(error, AtlasRateLimitError):
        return _rate_limit_backoff(state)
    return (asked or 0.0) + _backoff(state)


def _error(state: RetryCallState) -> AtlasError:
    """Return the error to wait for, which is `worth_another` attempt."""
    return cast("AtlasError", state.outcome and state.outcome.exception())


def may_succeed_at_once(error: RestoreWatchError, seconds: float) -> bool:
    """Whether a call that failed after these seconds may succeed at once."""
    return isinstance(error, AtlasUnavailableError) and error.transient and seconds < FAST
