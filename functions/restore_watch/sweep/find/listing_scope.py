"""The parts of a project that a sweep is to read. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from restore_watch.atlas.endpoints import CLUSTER_LISTS, AtlasList
from restore_watch.model.marks import Marks, Part
from restore_watch.model.restore_job import RestoreKind

LISTED_KINDS = (RestoreKind.FLEX, RestoreKind.DEDICATED, RestoreKind.COLLECTION)
"""Atlas retired the lists of tenant jobs; those jobs are in the lists of Flex clusters."""

type Clusters = Mapping[AtlasList, Sequence[str]]
"""The names of clusters by list, as Atlas showed them."""


@dataclass(frozen=True)
class Wanted:
    """
    The parts of a project to read: whole `kinds` of restore jobs, and of other kinds `clusters`.

    Lists of clusters that are `known` are not read again. `last_asked` says when the jobs of a
    cluster were asked for, in Unix seconds.
    """

    group_id: str
    marks: Marks
    now: datetime
    last_asked: Callable[[Part], float]
    kinds: frozenset[RestoreKind] = frozenset(LISTED_KINDS)
    clusters: frozenset[Part] = frozenset()
    known: Clusters = field(default_factory=dict)

    @property
    def is_full(self) -> bool:
        """Whether that is everything that the project has."""
        return self.kinds >= set(LISTED_KINDS)

    @property
    def single(self) -> set[Part]:
        """The clusters to read by themselves: also those behind that no list may show."""
        behind = {part for part in self.marks.behind if part.kind in self.kinds}
        others = {part for part in self.clusters if part.kind not in self.kinds}
        return others | {part for part in behind if part.cluster_name is not None}

    def kinds_in(self, which: AtlasList) -> list[RestoreKind]:
        """The kinds to read whose clusters this list shows."""
        shown = (kind for kind in LISTED_KINDS if CLUSTER_LISTS[kind] is which)
        return [kind for kind in shown if kind in self.kinds]
