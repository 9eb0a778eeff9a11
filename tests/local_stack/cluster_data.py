"""What the emulated Atlas's dedicated clusters hold, and when Atlas has counted it."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Self

SYSTEM = ("config", "local")
"""The databases of an empty cluster, as recorded."""


class Held(NamedTuple):
    """What a database holds."""

    documents: int
    collections: int = 1
    indexes: int = 1


_OF_SYSTEM = Held(documents=8, collections=9, indexes=12)


class _Gap(NamedTuple):
    """A time in which Atlas does not count a database, "" for all of them."""

    name: str
    first: datetime
    last: datetime


@dataclass
class ClusterData:
    """The databases of a cluster, each as it was and is. `primary`: None during an election."""

    primary: int | None = 2
    has_data: bool = True
    """False while its processes are new: Atlas knows neither their type nor their version."""
    _history: dict[str, list[tuple[datetime, Held | None]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    _gaps: list[_Gap] = field(default_factory=list)

    def hold(self, name: str, held: Held, since: datetime) -> None:
        """From this moment on, a database holds this."""
        self._change(name, since, held)

    def drop(self, name: str, since: datetime) -> None:
        """From this moment on, there is no such database."""
        self._change(name, since, None)

    def become(self, source: Self, as_of: datetime, since: datetime) -> None:
        """From this moment on, hold what another cluster held at a moment, and nothing else."""
        for name in list(self._history):
            self.drop(name, since)
        for name in list(source._history):
            if held := source.at(name, as_of):
                self.hold(name, held, since)

    def do_not_count(self, first: datetime, last: datetime, name: str = "") -> None:
        """From one moment to another, Atlas does not count a database, "" for all of them."""
        self._gaps.append(_Gap(name, first, last))

    def at(self, name: str, moment: datetime) -> Held | None:
        """Return what a database holds at a moment, None if it is not there."""
        if name in SYSTEM:
            return _OF_SYSTEM
        past = [change for change in self._history[name] if change[0] <= moment]
        return past[-1][1] if past else None

    def names(self, moment: datetime) -> list[str]:
        """Return the databases that are there at a moment."""
        return sorted([*SYSTEM, *(name for name in self._history if self.at(name, moment))])

    def counted(self, name: str, after: datetime, until: datetime, every: timedelta) -> list[Held]:
        """Return what Atlas counts of a database after one moment and until another."""
        epoch = datetime.fromtimestamp(0, UTC)
        moment = epoch + ((after - epoch) // every + 1) * every
        found: list[Held] = []
        while moment <= until:
            held = self.at(name, moment)
            if held is not None and not self._is_in_gap(name, moment):
                found.append(held)
            moment += every
        return found

    def _change(self, name: str, since: datetime, held: Held | None) -> None:
        """Note a change in the order of time. Of changes at one moment, the last counts."""
        self._history[name].append((since, held))
        self._history[name].sort(key=lambda change: change[0])

    def _is_in_gap(self, name: str, moment: datetime) -> bool:
        return any(gap.name in {"", name} and gap.first <= moment <= gap.last for gap in self._gaps)
