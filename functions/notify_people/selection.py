"""Which notices people want: the rest is counted, and reaches nobody."""

from collections.abc import Set as AbstractSet

from notify_people.words.change import PAGED, Change
from notify_people.words.notice import Notice, Paging


def is_wanted(notice: Notice, changes: AbstractSet[Change]) -> bool:
    """Whether people want to hear of a notice, by the setting NOTIFY_CHANGES."""
    return notice.change is None or notice.change in changes


def closes_alert(notice: Notice, changes: AbstractSet[Change]) -> bool:
    """Whether a notice ends an alert. It does so even if people do not want to hear of the end."""
    return notice.paging is Paging.RESOLVE and not PAGED.isdisjoint(changes)
