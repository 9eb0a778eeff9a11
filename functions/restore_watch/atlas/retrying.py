"""When a request to Atlas is repeated, and after how long."""

from collections.abc import Callable

from tenacity import RetryCallState, Retrying, retry_if_exception, wait_exponential_jitter

from foundation.deadline import Deadline
from restore_watch.atlas.exchange import LEAST_EXCHANGE
from restore_watch.errors import AtlasError, AtlasRateLimitError

ATTEMPTS = 4
"""Tries of one request, the first included."""

LONGEST_WAIT = 15.0
"""An invocation waits at most this many seconds between two tries, because it is billed."""

RATE_LIMIT_PAUSE = 10.0
"""Seconds to wait after a 429 without a time, as Atlas's documentation advises."""

_backoff = wait_exponential_jitter(multiplier=0.2, max=5.0, jitter=0.3)
_rate_limit_backoff = wait_exponential_jitter(multiplier=RATE_LIMIT_PAUSE, jitter=3.0)


def retrying(
    worth_another: Callable[[BaseException], bool],
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
        wait = _asked_wait(state) or state.upcoming_sleep
        return state.attempt_number >= ATTEMPTS or wait > LONGEST_WAIT or left < LEAST_EXCHANGE

    return Retrying(
        retry=retry_if_exception(worth_another),
        wait=_wait,
        stop=is_over,
        sleep=sleep,
        reraise=True,
    )


def _wait(state: RetryCallState) -> float:
    """Seconds before the next attempt."""
    asked = _asked_wait(state)
    if asked is None and isinstance(_error(state), AtlasRateLimitError):
        return _rate_limit_backoff(state)
    return (asked or 0.0) + _backoff(state)


def _asked_wait(state: RetryCallState) -> float | None:
    error = _error(state)
    return error.retry_after_seconds if isinstance(error, AtlasError) else None


def _error(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None
