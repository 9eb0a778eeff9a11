"""When a call to Atlas that somebody waits for is made again after it failed."""

from collections.abc import Callable

from foundation.deadline import Deadline
from foundation.errors import ApplicationError
from foundation.repeating import Backoff, repeat, wait_before_next
from restore_watch.atlas.exchange import LEAST_EXCHANGE
from restore_watch.atlas.how_long_refusals_stand import RATE_LIMIT_PAUSE
from restore_watch.errors import AtlasError, AtlasRateLimitError

LONGEST_WAIT = 15.0
"""An invocation waits at most this many seconds between two tries, because it is billed."""

_BACKOFF = Backoff(first=0.2, jitter=0.3, longest=5.0)
_RATE_LIMIT_BACKOFF = Backoff(first=RATE_LIMIT_PAUSE, jitter=3.0)
"""For a rate limit that names no wait."""


def repeat_call[Result](
    call: Callable[[], Result],
    worth_another: Callable[[AtlasError], bool],
    deadline: Deadline,
    sleep: Callable[[float], None],
) -> Result:
    """
    Return what the call returns. Repeat it while its error is `worth_another` attempt.

    It waits with exponential backoff and jitter, after the time that Atlas asks for. It raises the
    last error after ATTEMPTS tries, or if the wait is longer than LONGEST_WAIT or does not fit the
    deadline.
    """

    def wait_after(error: ApplicationError, tries: int) -> float | None:
        if not isinstance(error, AtlasError) or not worth_another(error):
            return None
        asked = error.retry_after_seconds
        names_no_wait = isinstance(error, AtlasRateLimitError) and asked is None
        backoff = _RATE_LIMIT_BACKOFF if names_no_wait else _BACKOFF
        return wait_before_next(
            tries,
            backoff.pause(tries),
            asked,
            deadline.remaining(),
            longest=LONGEST_WAIT,
            least=LEAST_EXCHANGE,
        )

    return repeat(call, wait_after, sleep)
