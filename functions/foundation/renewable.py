"""A value that grows old after it was read, such as a token or a secret."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from threading import RLock

from foundation.clock import is_recent
from foundation.deadline import Deadline
from foundation.errors import ApplicationError


class Renewable[Value](ABC):
    """
    A value that is read, kept, and read again before it is too old. Any thread may use it.

    `now` gives Unix seconds: a monotonic clock may stand still while an environment is frozen.
    """

    renewal_age: float
    """Seconds after which the value is read again. If that fails, it is used until `max_age`."""

    max_age: float
    """Seconds after which the value is not used any more."""

    renewal_time = math.inf
    """Seconds that an early read may take."""

    pause = 0.0
    """Seconds between an early read that failed and the next read."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._lock = RLock()
        self._value: Value | None = None
        self._read_at = 0.0
        self._failed_at = -math.inf

    @abstractmethod
    def _read(self, deadline: Deadline) -> Value:
        """Read the value. Raises ApplicationError."""

    def current(self, deadline: Deadline, *, is_refused: bool = False) -> Value:
        """
        Return the value, read again if that is due or the value `is_refused`.

        Raises the error of the read if there is no value to use instead.
        """
        with self._lock:
            now = self._now()
            age = now - self._read_at
            # After the clock was set back, the age is unknown.
            usable = self._value if is_recent(age, self.max_age) else None
            if usable is None:
                return self._renew(deadline)
            is_due = age >= self.renewal_age and not is_recent(now - self._failed_at, self.pause)
            if not is_due and not is_refused:
                return usable
            try:
                return self._renew(deadline.within(self.renewal_time))
            except ApplicationError:
                self._failed_at = now
                return usable

    def _renew(self, deadline: Deadline) -> Value:
        now = self._now()
        self._value = self._read(deadline)
        self._read_at = now
        return self._value
