"""Calls that are made again after they failed: one loop, and one decision how long it waits."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from random import uniform

from foundation.errors import ApplicationError

ATTEMPTS = 4
"""Tries of a call, the first included."""


def repeat[Result](
    call: Callable[[], Result],
    wait_after: Callable[[ApplicationError, int], float | None],
    sleep: Callable[[float], None],
) -> Result:
    """
    Return what the call returns, in the end.

    After each error, `wait_after` gets the error and the number of tries. It returns the seconds to
    wait before the next try, or None: then the error is raised.
    """
    tries = 0
    while True:
        try:
            return call()
        except ApplicationError as error:
            tries += 1
            wait = wait_after(error, tries)
            if wait is None:
                raise
        sleep(wait)


def wait_before_next(
    tries: int, pause: float, asked: float | None, left: float, *, longest: float, least: float
) -> float | None:
    """
    Return the seconds to wait before the next try; None if there is none. Pure.

    The server's word comes first: the `pause` follows the seconds that it `asked` for. There is no
    other try after ATTEMPTS, none after more than the `longest` wait, because an invocation is
    billed while it waits, and none with fewer than the `least` seconds left then.
    """
    wait = (asked or 0.0) + pause
    is_long = (asked or pause) > longest
    if tries >= ATTEMPTS or is_long or left - wait < least:
        return None
    return wait


@dataclass(frozen=True)
class Backoff:
    """Pauses that double from the `first` pause, each with a random part of up to `jitter`."""

    first: float
    jitter: float
    longest: float = math.inf

    def pause(self, tries: int) -> float:
        """Return the seconds to pause after so many tries."""
        doubled = self.first * 2.0 ** (tries - 1)
        return min(doubled + uniform(0, self.jitter), self.longest)  # noqa: S311 - no secret
