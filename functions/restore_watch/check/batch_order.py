"""
The order in which an environment asks about the targets of a delivery.

AWS delivers targets again that were not reached. So those that this environment never had an answer
about come first, then those answered longest ago. The rest is random, because another environment
must not stop at the same target.
"""

from collections.abc import Hashable, Iterable, Sequence
from secrets import SystemRandom

from cachetools import LRUCache

TARGETS_REMEMBERED = 2000
"""An environment remembers when this many targets were answered: two full batches."""


class Turns[Target: Hashable]:
    """The turns of one environment. It counts deliveries, not seconds."""

    def __init__(self) -> None:
        self._deliveries = 0
        self._answered: LRUCache[Target, int] = LRUCache(TARGETS_REMEMBERED)

    def order(self, records: Sequence[Sequence[Target]]) -> list[Target]:
        """
        Return the targets of these records, each once.

        Targets of one record with the same turn stay together: one that is missed fails the record.
        """
        shuffled = (target for record in _shuffled(records) for target in _shuffled(record))
        return sorted(dict.fromkeys(shuffled), key=lambda target: self._answered.get(target, 0))

    def answered(self, targets: Iterable[Target]) -> None:
        """Remember the targets that were answered in one delivery."""
        self._deliveries += 1
        for target in targets:
            self._answered[target] = self._deliveries


def _shuffled[One](things: Sequence[One]) -> list[One]:
    return SystemRandom().sample(things, len(things))
