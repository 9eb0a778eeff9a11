"""How far a listing is: its open steps, and the parts that could not be read. No I/O."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from restore_watch.atlas.endpoints import AtlasList
from restore_watch.errors import RestoreWatchError
from restore_watch.model.marks import Marks, Part
from restore_watch.sweep.find.steps import ListingStep


class Read(NamedTuple):
    """
    The parts that a listing has read in the end.

    `began` is None if Atlas answered nothing.
    """

    began: datetime | None
    read: frozenset[Part]
    unread: frozenset[Part]
    is_full: bool

    @property
    def is_listing(self) -> bool:
        """Whether everything was to be read, and something was."""
        return self.is_full and self.began is not None and bool(self.read)

    def moves(self, marks: Marks) -> Marks:
        """The project's marks after this listing."""
        if self.began is None or not self.read:
            return marks
        return marks.after_listing(self.began, self.read, self.unread, is_full=self.is_full)


class Progress:
    """
    The steps of a listing, by the list or part that they belong to. The listing's lock guards it.

    `parts` are the clusters whose jobs it reads, and `failures` says why some cannot be read.
    """

    def __init__(self, parts: Iterable[Part]) -> None:
        self.parts = set(parts)
        self.failures: dict[AtlasList | Part, RestoreWatchError] = {}
        self._open: Counter[AtlasList | Part] = Counter()
        self._unread: set[AtlasList | Part] = set()

    def opened(self, steps: list[ListingStep]) -> list[ListingStep]:
        """These steps are to be taken."""
        self._open.update(step.belongs_to for step in steps)
        return steps

    def fails(self, step: ListingStep, error: RestoreWatchError) -> None:
        """The list or part of a step could not be read, or not all of it."""
        self._unread.add(step.belongs_to)
        self.failures[step.belongs_to] = error

    def finished(self, step: ListingStep, *, is_read: bool) -> bool:
        """A step was taken. True if it was the last one."""
        self._open[step.belongs_to] -= 1
        if not is_read:
            self._unread.add(step.belongs_to)
        return not self._open.total()

    def is_read(self, what: AtlasList | Part) -> bool:
        """Whether no step of it is open or went wrong."""
        return not self._open[what] and what not in self._unread
