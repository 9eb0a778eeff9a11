"""The time of day as a test wants it."""

from datetime import UTC, datetime, timedelta


class Clock:
    """The real time in UTC, ahead of it by what was added; with `at`, it also stands still."""

    def __init__(self, at: datetime | None = None) -> None:
        self._at = at
        self._ahead = timedelta()

    def __call__(self) -> datetime:
        return (self._at or datetime.now(UTC)) + self._ahead

    def advance(self, seconds: float) -> None:
        self._ahead += timedelta(seconds=seconds)
