"""Which notices people want to hear of, by the setting NOTIFY_CHANGES. Pure."""

from collections.abc import Set as AbstractSet

from notify_people.change import Change
from notify_people.severity_and_alerts import Paging

_PAGED = frozenset({Change.ENDED, Change.DEGRADED, Change.VALIDATED, Change.EXPIRING})
"""Only these may page somebody."""


def is_wanted(change: Change | None, paging: Paging, wanted: AbstractSet[Change]) -> bool:
    """
    Whether people want to hear of a change. None is wanted always.

    With `failed`, people want what pages, what closes a page, and what warns before.
    """
    has_failed = paging is not Paging.NOTHING or change is Change.EXPIRING
    return change is None or change in wanted or (has_failed and Change.FAILED in wanted)


def closes_alert(paging: Paging, wanted: AbstractSet[Change]) -> bool:
    """Whether an alert ends, which it does even if people do not want to hear of its end."""
    return paging is Paging.RESOLVE and not _PAGED.isdisjoint(wanted)
