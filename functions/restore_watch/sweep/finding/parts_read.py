"""What the listing of a project has read in the end. Pure."""

from datetime import datetime
from typing import NamedTuple

from restore_watch.model.marks import Marks, Part


class PartsRead(NamedTuple):
    """The parts that a listing has read in the end. `began`: None if Atlas answered nothing."""

    began: datetime | None
    read: frozenset[Part]
    unread: frozenset[Part]
    is_full: bool

    @property
    def is_listing(self) -> bool:
        """Whether everything was to be read, and something was."""
        return self.is_full and self.began is not None and bool(self.read)

    def marks_after(self, marks: Marks) -> Marks:
        """The project's marks after this listing."""
        if self.began is None or not self.read:
            return marks
        return marks.after_listing(self.began, self.read, self.unread, is_full=self.is_full)
