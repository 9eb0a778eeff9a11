"""What a sweep wants to read of a project. Pure."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from restore_watch.atlas.families import LISTED_KINDS, Family, jobs_of
from restore_watch.model.marks import Marks, Part
from restore_watch.model.restore_target import RestoreKind
from restore_watch.sweep.finding.memory_of_projects import Clusters


@dataclass(frozen=True)
class WantedParts:
    """
    The parts of a project to read: whole `kinds` of restore jobs, and of other kinds `clusters`.

    Lists of clusters that are `remembered` are not read again. `last_turn` says when the jobs of a
    cluster were asked for, in Unix seconds.
    """

    group_id: str
    marks: Marks
    now: datetime
    last_turn: Callable[[Part], float]
    kinds: frozenset[RestoreKind] = frozenset(LISTED_KINDS)
    clusters: frozenset[Part] = frozenset()
    remembered: Clusters = field(default_factory=dict)

    @property
    def single(self) -> set[Part]:
        """The clusters to read by themselves: also those behind that no list may show."""
        behind = {part for part in self.marks.behind if part.kind in self.kinds}
        others = {part for part in self.clusters if part.kind not in self.kinds}
        return others | {part for part in behind if part.cluster_name is not None}

    def parts_in(self, which: Family, names: Iterable[str]) -> list[Part]:
        """The jobs to read of clusters that this list shows."""
        kinds = self.kinds_in(which)
        return [Part(kind, name) for name in dict.fromkeys(names) for kind in kinds]

    def kinds_in(self, which: Family) -> list[RestoreKind]:
        """The kinds to read whose clusters this list shows."""
        shown = (kind for kind in LISTED_KINDS if jobs_of(kind).clusters is which)
        return [kind for kind in shown if kind in self.kinds]
