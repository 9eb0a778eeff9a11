"""The order in which an environment asks about the targets of a delivery."""

from collections.abc import Iterable, Sequence
from random import sample

from cachetools import LRUCache

from restore_watch.event.several_targets import Target
from restore_watch.model.restore_target import RestoreTarget


class OrderOfTargets:
    """
    Orders the targets of each delivery. One object serves an environment.

    AWS delivers targets again that were not reached. So the targets that this environment never had
    an answer about come first, then the targets answered longest ago, counted in deliveries. The
    rest is random, because another environment must not stop at the same target.
    """

    def __init__(self) -> None:
        self._deliveries = 0
        self._answered_in: LRUCache[RestoreTarget, int] = LRUCache(2000)  # two full batches

    def order(self, records: Sequence[Sequence[Target]]) -> list[RestoreTarget]:
        """
        Return the jobs that the records name, each once.

        The targets of a record stay together: a record fails if a single target is not reached.
        """
        # A dictionary has each job once, in the order in which the jobs come.
        jobs: dict[RestoreTarget, None] = {}
        for record in sample(records, len(records)):
            for target in sample(record, len(record)):
                if isinstance(target, RestoreTarget):
                    jobs[target] = None
        return sorted(jobs, key=self._last_answered)

    def note_delivery(self, answered: Iterable[RestoreTarget]) -> None:
        """Remember which targets of a delivery were answered."""
        self._deliveries += 1
        for target in answered:
            self._answered_in[target] = self._deliveries

    def _last_answered(self, target: RestoreTarget) -> int:
        """Return the number of the delivery that last had an answer; 0 if none had."""
        return self._answered_in.get(target, 0)
