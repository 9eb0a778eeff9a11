"""What is under way in a thread of its own, beside the test."""

import threading
import time
from collections.abc import Callable, Iterable

from local_stack.wire import Gate

TIME_LIMIT = 30.0
"""Real seconds after which something hangs; with a clock that does not wait, it takes 0.05."""


class Running[T](threading.Thread):
    """Its outcome is known at its end."""

    def __init__(self, work: Callable[[], T]) -> None:
        super().__init__(daemon=True)
        self._work = work
        self._result: T
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            self._result = self._work()
        except BaseException as error:  # noqa: BLE001 - `end` raises it
            self.error = error

    def end(self) -> T:
        """Wait for the end; return the result, or raise what was raised."""
        self.join(TIME_LIMIT)
        if self.is_alive():
            raise TimeoutError(f"it has not ended after {TIME_LIMIT} s")
        if self.error is not None:
            raise self.error
        return self._result


def wait_until_held_or_over(running: Iterable[threading.Thread], gates: Iterable[Gate]) -> None:
    """Return when a gate holds a call, or when nobody runs any more."""
    threads, doors = list(running), list(gates)

    def is_held_or_over() -> bool:
        return any(gate.held for gate in doors) or not any(one.is_alive() for one in threads)

    wait_until(is_held_or_over)


def wait_until(holds: Callable[[], bool], seconds: float = TIME_LIMIT) -> None:
    """Return when it is true."""
    until = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > until:
            raise TimeoutError(f"not within {seconds} s")
        time.sleep(0.001)
