"""A task of a sweep, which knows what is to be done."""

from abc import abstractmethod
from collections.abc import Iterable
from typing import Protocol

from restore_watch.errors import UnforeseenError
from restore_watch.threads.agenda import Task


class SweepTask(Task, Protocol):
    """A question to Atlas about known jobs, or one that finds others."""

    @property
    @abstractmethod
    def finds(self) -> bool:
        """Whether it finds jobs. Otherwise it asks about known ones."""

    @abstractmethod
    def do(self) -> Iterable["SweepTask"]:
        """Ask. Return the tasks to do after the others."""

    @abstractmethod
    def postpone(self) -> None:
        """Leave it to the next sweep. That makes no call."""

    @abstractmethod
    def note_unforeseen(self, error: UnforeseenError) -> None:
        """Our own code failed about this task, and not about others."""
