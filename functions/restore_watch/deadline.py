"""How much of the invocation is left, in seconds, and who may still begin something."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from restore_watch.errors import TimeBudgetExceededError


@dataclass(frozen=True)
class Deadline:
    """
    A moment on a monotonic clock, in seconds, by which everything must have ended.

    Monotonic, because the wall clock may step while an invocation runs.
    """

    at: float
    clock: Callable[[], float] = time.monotonic

    @classmethod
    def after(cls, seconds: float, clock: Callable[[], float] = time.monotonic) -> Self:
        """The moment so many seconds from now."""
        return cls(clock() + seconds, clock)

    def remaining(self) -> float:
        """Seconds left; never negative."""
        return max(0.0, self.at - self.clock())

    def require(self, seconds: float, step: str) -> None:
        """
        Let a step begin only when it has the time that it takes at least.

        Raises TimeBudgetExceededError when fewer than so many seconds are left.
        """
        remaining = self.remaining()
        if remaining < seconds:
            msg = f"{remaining:.1f} s of the invocation are left, too few to {step} safely"
            raise TimeBudgetExceededError(msg)
