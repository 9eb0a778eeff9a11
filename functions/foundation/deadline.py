"""How many seconds of the invocation are left, and which steps may still begin."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from foundation.errors import TimeBudgetExceededError


@dataclass(frozen=True)
class Deadline:
    """
    A moment on a monotonic clock, in seconds, by which everything must have ended.

    Monotonic, because the wall clock may jump while an invocation runs. Every call that takes a
    deadline raises TimeBudgetExceededError when too little time is left to begin.
    """

    at: float
    clock: Callable[[], float] = time.monotonic

    @classmethod
    def after(cls, seconds: float, clock: Callable[[], float] = time.monotonic) -> Self:
        """The moment this many seconds from now."""
        return cls(clock() + seconds, clock)

    def remaining(self) -> float:
        """Seconds left; never negative."""
        return max(0.0, self.at - self.clock())

    def within(self, seconds: float) -> "Deadline":
        """The deadline of a step that takes this many seconds at most."""
        return Deadline(min(self.at, self.clock() + seconds), self.clock)

    def earlier(self, seconds: float) -> "Deadline":
        """The deadline of a step that leaves so many seconds, a third at most, to later steps."""
        return Deadline(self.at - min(seconds, self.remaining() / 3), self.clock)

    def require(self, seconds: float, step: str) -> None:
        """Raise TimeBudgetExceededError if fewer seconds are left than the step needs."""
        if self.remaining() < seconds:
            raise self.exceeded(step)

    def exceeded(self, step: str) -> TimeBudgetExceededError:
        """Return the error of a step that did not begin, because too little time is left."""
        msg = f"{self.remaining():.1f} s of the invocation are left, too few to {step} safely"
        return TimeBudgetExceededError(msg)
