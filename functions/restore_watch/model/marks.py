"""
Marks: the moments up to which the restore jobs of a project are known. Pure.

A mark belongs to a whole project. A part of it that could not be read stays behind with an older
mark: a kind of restore job, or the jobs of one cluster. Marks only move forward.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from restore_watch.model.restore_target import RestoreKind

FIRST_MARK = timedelta(hours=1)
"""The first mark of a project lies this long before the first attempt to list it."""

OLDEST_MARK = timedelta(days=7)
"""No mark lies further back: older jobs, from before the project was watched, are history."""


class Part(NamedTuple):
    """A kind of restore job in a project, or with a name the jobs of one cluster."""

    kind: RestoreKind
    cluster_name: str | None = None

    def __str__(self) -> str:
        return self.kind if self.cluster_name is None else f"{self.kind}/{self.cluster_name}"


@dataclass(frozen=True)
class Marks:
    """
    The marks of a project, in UTC.

    `first` is the mark of the first attempt: jobs that ran then are of interest too. `whole` is the
    project's, and `behind` has the parts with older marks. `stored` is the whole mark as the table
    has it, if it was read. If it was of no use, it `is_lost` and will be replaced.
    """

    first: datetime
    whole: datetime
    behind: Mapping[Part, datetime] = field(default_factory=dict)
    stored: Any = field(default=None, compare=False)
    is_lost: bool = field(default=False, compare=False)

    @classmethod
    def at_first(cls, now: datetime) -> "Marks":
        """The marks of a project that nobody has tried to list."""
        return cls(now - FIRST_MARK, now - FIRST_MARK)

    def recovered(self) -> "Marks":
        """Return lost marks as they are stored anew: what could not be read is replaced in them."""
        return Marks(self.first, self.whole, self.behind)

    @property
    def first_tried_at(self) -> datetime:
        """When a sweep first tried to list the project."""
        return self.first + FIRST_MARK

    def mark_of(self, part: Part) -> datetime:
        """The mark of the jobs of a cluster, or of a whole kind."""
        known = (self.behind.get(part), self.behind.get(Part(part.kind)), self.whole)
        return min(mark for mark in known if mark is not None)

    def after_listing(
        self, began: datetime, read: Collection[Part], unread: Collection[Part], *, is_full: bool
    ) -> "Marks":
        """
        Return the marks after a listing that began at this moment.

        A whole kind is in `read` if each of its clusters is in `read` or `unread`. The mark of the
        whole project moves only if the listing `is_full`, which means all kinds.
        """
        behind = {
            part: mark
            for part, mark in self.behind.items()
            # A cluster that the list of its kind does not show is gone.
            if part not in read and (part in unread or Part(part.kind) not in read)
        }
        for part in unread:
            mark = self.mark_of(part)
            if is_full or mark < self.whole:
                behind[part] = mark
        whole = max(self.whole, began) if is_full else self.whole
        return Marks(self.first, whole, behind)
