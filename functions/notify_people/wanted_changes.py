"""Which changes people want to hear of, by the setting NOTIFY_CHANGES. Pure."""

from collections.abc import Set as AbstractSet
from enum import StrEnum

from notify_people.severity_and_paging import Paging, Severity


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
    """A pipeline has reported its verdict on the restored data, or the data differs."""
    EXPIRING = "expiring"
    """The secret of the service account expires soon, or another secret is in use."""
    FAILED = "failed"
    """Of these only what went wrong, and the end of that; itself it is the change of no notice."""
    REPORT = "report"
    """A report says which clusters had a restore test."""


DEFAULT_CHANGES = frozenset(Change) - {Change.STARTED, Change.PROGRESSED, Change.FAILED}

_PAGED = frozenset({Change.ENDED, Change.DEGRADED, Change.VALIDATED, Change.EXPIRING})
"""Only these may page somebody."""

_WARN = frozenset({Change.VALIDATED, Change.EXPIRING})
"""A warning about these is something that went wrong, although it may page nobody."""


def is_wanted(
    change: Change | None, severity: Severity, paging: Paging, wanted: AbstractSet[Change]
) -> bool:
    """
    Whether people want to hear of a change. None is wanted always.

    With `failed`, people want what pages, what closes a page, and what warns without one.
    """
    warns = change in _WARN and severity is Severity.WARNING
    has_failed = paging is not Paging.NOTHING or warns
    return change is None or change in wanted or (has_failed and Change.FAILED in wanted)


def closes_alert(paging: Paging, wanted: AbstractSet[Change]) -> bool:
    """Whether an alert ends, which it does even if people do not want to hear of its end."""
    return paging is Paging.RESOLVE and not _PAGED.isdisjoint(wanted)
