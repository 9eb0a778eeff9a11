"""An environment's memory of watched projects, like its `memory_of_jobs`. Any thread may use it."""

import math
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Literal

from cachetools import LRUCache, TTLCache

from foundation.clock import is_recent
from restore_watch.atlas.families import CLUSTER_LISTS, Family, jobs_of
from restore_watch.model.marks import Part
from restore_watch.model.restore_target import RestoreKind

REMEMBERED_TIME = 600.0
"""Seconds for which the clusters of a project are remembered: less than the margin of marks."""

NAMES_READ_EVERY = 3600.0
"""Seconds after which the names of projects are read anew, if nothing else needs their list."""

REMEMBERED = 200_000
"""Projects and clusters that are remembered: more than 10,000 projects have."""

type Clusters = Mapping[Family, Sequence[str]]
"""The names of clusters by list, as Atlas showed them."""

type Turn = Part | Literal["listing"] | None
"""What takes its turn: a cluster, a listing that is due, or None for a project itself."""


@dataclass
class _Project:
    """The ids of the last events, and the parts: once read, to read again, and set aside."""

    events: frozenset[str] = frozenset()
    read: set[Part] = field(default_factory=set)
    again: set[Part] = field(default_factory=set)
    aside: frozenset[Part] = frozenset()


class ProjectMemory:
    """
    Clusters, seen events, and what is listed again. `now` gives Unix seconds.

    `projects`: those of the last complete list, empty without one.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._lock = Lock()
        self.projects: frozenset[str] = frozenset()
        self._listed_at = self._names_asked_at = -math.inf
        self._projects: defaultdict[str, _Project] = defaultdict(_Project)
        self._clusters: TTLCache[tuple[str, Family], Sequence[str]] = TTLCache(
            REMEMBERED, REMEMBERED_TIME, now
        )
        # The one that was asked longest ago is forgotten first. An unknown one has the next turn.
        self._asked_at: LRUCache[tuple[str | None, Turn], float] = LRUCache(REMEMBERED)

    def were_projects_listed_within(self, seconds: float) -> bool:
        """Whether Atlas showed all projects within so many seconds."""
        return is_recent(self._now() - self._listed_at, seconds)

    def store_projects(self, projects: Iterable[str]) -> None:
        """Atlas showed all projects."""
        self.projects, self._listed_at = frozenset(projects), self._now()

    def are_names_due(self) -> bool:
        """Whether nobody has asked for the names of projects for long."""
        return not is_recent(self._now() - self._names_asked_at, NAMES_READ_EVERY)

    def note_names_asked(self) -> None:
        """Remember that the names are asked for now, however that ends."""
        self._names_asked_at = self._now()

    def keep_only(self, projects: Collection[str]) -> None:
        """Forget every other project."""
        with self._lock:
            for group_id in self._projects.keys() - projects:
                del self._projects[group_id]

    def note_turn(self, group_id: str | None, what: Turn = None) -> None:
        """Remember that a project or a cluster is asked now."""
        with self._lock:
            self._asked_at[group_id, what] = self._now()

    def last_turn(self, group_id: str, what: Turn = None) -> float:
        """Return when that was the last time, in Unix seconds, however it ended."""
        with self._lock:
            return self._asked_at.get((group_id, what), -math.inf)

    def take_unseen_events(self, group_id: str, events: Collection[str]) -> frozenset[str]:
        """Remember the ids of events that Atlas shows. Return those that it had not shown."""
        with self._lock:
            project = self._projects[group_id]
            seen, project.events = project.events, frozenset(events)
            return project.events - seen

    def add_to_read_again(self, group_id: str, parts: Iterable[Part]) -> None:
        """These clusters, or whole kinds, are read in the next sweep as well."""
        with self._lock:
            self._projects[group_id].again.update(parts)

    def take_to_read_again(self, group_id: str) -> set[Part]:
        """Return what the last sweep left to this one, and forget it."""
        with self._lock:
            project = self._projects[group_id]
            left, project.again = project.again, set()
            return left

    def note_tried(
        self,
        group_id: str,
        *,
        read: Collection[Part],
        failing: Collection[object],
        aside: Collection[Part],
    ) -> frozenset[Part]:
        """
        These parts were read, those fail, and others are set aside (see `listing_reader`).

        Return all parts of the project that are set aside now.
        """
        with self._lock:
            project = self._projects[group_id]
            project.read.update(read)
            project.aside = project.aside.difference(read, failing).union(aside)
            return project.aside

    def aside(self, group_id: str) -> frozenset[Part]:
        """Return what is tried again only when everything is listed."""
        with self._lock:
            project = self._projects.get(group_id)
            return frozenset() if project is None else project.aside

    def was_read(self, group_id: str, part: Part) -> bool:
        """Whether this environment has read the jobs of a cluster before."""
        with self._lock:
            project = self._projects.get(group_id)
            return project is not None and part in project.read

    def clusters_of(self, group_id: str) -> Clusters:
        """Return the clusters of the project's lists that are remembered."""
        with self._lock:
            names_by_list = {
                which: self._clusters.get((group_id, which)) for which in CLUSTER_LISTS
            }
        return {which: names for which, names in names_by_list.items() if names is not None}

    def store_clusters(self, group_id: str, clusters: Clusters) -> None:
        """Atlas showed all clusters of these lists."""
        with self._lock:
            for which, names in clusters.items():
                self._clusters[group_id, which] = names

    def forget_clusters(self, group_id: str, kinds: Iterable[RestoreKind]) -> None:
        """An event woke the project: it may have new clusters."""
        with self._lock:
            for kind in kinds:
                self._clusters.pop((group_id, jobs_of(kind).clusters), None)
