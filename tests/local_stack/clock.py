"""A clock that a test can move."""

from datetime import UTC, datetime, timedelta


class Clock:
    """The time in UTC plus what was added. With `at` it stands still there."""

    def __init__(self, at: datetime | None = None) -> None:
        self._at = at
        self._ahead = timedelta()

    def __call__(self) -> datetime:
        return (self._at or datetime.now(UTC)) + self._ahead

    def advance(self, seconds: float) -> None:
        self._ahead += timedelta(seconds=seconds)
