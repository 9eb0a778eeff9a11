"""A clock that a test can move, and stop."""

import threading
from datetime import UTC, datetime, timedelta


class Clock:
    """
    The time in UTC plus what was added. With `at` it stands still there.

    While it stands still, only a test moves it: how slow the machine is does not matter.
    """

    def __init__(self, at: datetime | None = None) -> None:
        self._at = at
        self._ahead = timedelta()
        self._lock = threading.Lock()

    def __call__(self) -> datetime:
        return (self._at or datetime.now(UTC)) + self._ahead

    def advance(self, seconds: float) -> None:
        with self._lock:
            self._ahead += timedelta(seconds=seconds)

    def stand_still(self) -> None:
        """From now on only `advance` moves it."""
        self._at = datetime.now(UTC)

    def go_on(self) -> None:
        """From now on it also moves by itself."""
        if self._at is not None:
            self._ahead += self._at - datetime.now(UTC)
            self._at = None

    def be_true(self) -> None:
        """Show the machine's time again."""
        self._at, self._ahead = None, timedelta()
