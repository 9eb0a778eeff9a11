"""What was done about a job: its entries are published, its workflows answered. No I/O."""

from dataclasses import dataclass
from datetime import datetime

from restore_watch.model.validation import Entry
from restore_watch.model.wait import Wait
from restore_watch.table.job_item import Recorded


@dataclass(frozen=True)
class Acknowledgement:
    """
    What was done about a job: the `last` entry that was published, if any, and who was `answered`.

    `due_since` is when Step Functions did not take an answer, which a sweep sends again.
    """

    last: Entry | None = None
    answered: tuple[Wait, ...] = ()
    due_since: datetime | None = None

    def published_of(self, recorded: Recorded) -> int:
        """How many entries are published now."""
        return self.last.sequence if self.last else recorded.published

    def answers_all(self, recorded: Recorded) -> bool:
        """Whether answers were due, and none is any more."""
        return self.due_since is None and recorded.is_unanswered and self._publishes_all(recorded)

    def settles(self, recorded: Recorded) -> bool:
        """Whether nothing is left to be done about a finished job."""
        nobody_waits = len(self.answered) == len(recorded.waits)
        return recorded.job.terminal and nobody_waits and self._publishes_all(recorded)

    def _publishes_all(self, recorded: Recorded) -> bool:
        return self.published_of(recorded) == len(recorded.history)
