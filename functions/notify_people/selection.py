"""Which changes people want to hear of. Pure."""

from collections.abc import Set as AbstractSet
from enum import StrEnum

from notify_people.message import (
    CredentialsChange,
    Message,
    NotificationTest,
    Status,
    StatusChange,
    ValidationRecorded,
    WatchChange,
)


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


PAGED = frozenset({Change.ENDED, Change.DEGRADED, Change.VALIDATED, Change.EXPIRING})
"""Only these may page somebody."""

DEFAULT_CHANGES = frozenset(Change) - {Change.STARTED, Change.PROGRESSED}


def change_of(
    message: StatusChange | ValidationRecorded | WatchChange | CredentialsChange,
) -> Change:
    """Return the kind of change."""
    match message:
        case ValidationRecorded():
            return Change.VALIDATED
        case CredentialsChange():
            return Change.EXPIRING
        case WatchChange():
            return Change.RECOVERED if message.recovered else Change.DEGRADED
        case StatusChange(status=Status.COMPLETED, is_download=True):
            return Change.READY
        case StatusChange(terminal=True):
            return Change.ENDED
        case _:
            return Change.STARTED if message.previous_status is None else Change.PROGRESSED


def is_wanted(message: Message, changes: AbstractSet[Change]) -> bool:
    """Whether people want to hear of it. A test is always sent."""
    return isinstance(message, NotificationTest) or change_of(message) in changes
