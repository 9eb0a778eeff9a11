"""Which changes people want to hear of."""

from enum import StrEnum


class Change(StrEnum):
    """The kinds of changes, in the words of the setting NOTIFY_CHANGES."""

    STARTED = "started"
    """A restore was seen for the first time, and has not ended."""
    PROGRESSED = "progressed"
    """A restore has another status, and has not ended."""
    READY = "ready"
    """A download can be fetched."""
    ENDED = "ended"
    """A restore has ended, well or badly, or the link of a download has expired."""
    DEGRADED = "degraded"
    """The watch cannot see a project, or the whole stack."""
    RECOVERED = "recovered"
    """The watch sees it again."""
    VALIDATED = "validated"
    """A pipeline has reported its verdict on the restored data."""
    EXPIRING = "expiring"
    """The secret of the service account expires soon, or another secret is in use."""
    FAILED = "failed"
    """Of these only what went wrong, and the end of that; itself it is the change of no notice."""
    REPORT = "report"
    """A report says which clusters had a restore test."""


DEFAULT_CHANGES = frozenset(Change) - {Change.STARTED, Change.PROGRESSED, Change.FAILED}
