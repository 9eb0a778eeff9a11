"""
What an environment remembers of watched projects between its sweeps. Any thread may use it.

All of it only saves calls and settles an order: another environment knows nothing of it.
"""

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from threading import Lock

from cachetools import LRUCache, TTLCache

from restore_watch.atlas.endpoints import AtlasList
from restore_watch.model.marks import Part
from restore_watch.model.restore_job import RestoreKind
from restore_watch.sweep.find.listing import LISTED_KINDS, Clusters

CLUSTERS_KNOWN = 600.0
"""Seconds for which the clusters of a project are remembered: less than the margin of marks."""

PROJECTS_KNOWN = 600.0
"""Seconds after which the list of all projects is read anew."""

REMEMBERED = 20_000
"""Projects and clusters that are remembered."""

_CLUSTER_LISTS = (AtlasList.FLEX_CLUSTERS, AtlasList.CLUSTERS)

_WOKEN = {
    "TENANT": (RestoreKind.FLEX,),
    "CPS": (RestoreKind.DEDICATED, RestoreKind.COLLECTION),
}
"""What the first word of an event's type says about the kind of its job."""


class FindMemory:
    """
    Clusters, seen events, and which listings come again. `now` gives Unix seconds.

    Forgetting any of it costs calls, and loses nothing.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._lock = Lock()
        self._clusters: TTLCache[tuple[str, AtlasList], Sequence[str]] = TTLCache(
            REMEMBERED, CLUSTERS_KNOWN, now
        )
        self._events: dict[str, frozenset[str]] = {}
        self._again: dict[str, set[Part]] = {}
        self._read_at: LRUCache[tuple[str, Part], float] = LRUCache(REMEMBERED)
        self._aside: dict[str, frozenset[Part]] = {}
        self._tried: dict[str, float] = {}
        self._woken: dict[str, float] = {}
        self._was_read: LRUCache[tuple[str, Part], bool] = LRUCache(REMEMBERED)
        self._projects: frozenset[str] | None = None
        self._projects_at = -math.inf

    def keep_only(self, projects: Collection[str]) -> None:
        """Forget every other project."""
        with self._lock:
            for known in (
                self._events,
                self._again,
                self._aside,
                self._tried,
                self._woken,
            ):
                for group_id in [one for one in known if one not in projects]:
                    del known[group_id]

    # Projects

    @property
    def projects(self) -> frozenset[str] | None:
        """The projects of the last complete list, None if there was none."""
        return self._projects

    @property
    def projects_are_due(self) -> bool:
        """Whether to read the list of projects anew."""
        return not 0 <= self._now() - self._projects_at < PROJECTS_KNOWN

    def list_of_projects(self, projects: Iterable[str]) -> None:
        """Atlas showed all projects."""
        self._projects = frozenset(projects)
        self._projects_at = self._now()

    # Events

    def waking(self, group_id: str) -> None:
        """The project is asked for its events, however that ends."""
        with self._lock:
            self._woken[group_id] = self._now()

    def last_woken(self, group_id: str) -> float:
        """Return when the project was last asked for its events, in Unix seconds."""
        with self._lock:
            return self._woken.get(group_id, -math.inf)

    def events_seen(self, group_id: str, events: Mapping[str, str]) -> frozenset[RestoreKind]:
        """
        Remember the events that Atlas shows, as types by ids.

        Return the kinds of jobs that those which were not seen before wake.
        """
        with self._lock:
            seen = self._events.get(group_id, frozenset())
            self._events[group_id] = frozenset(events)
        woken = [kinds_woken_by(kind) for key, kind in events.items() if key not in seen]
        return frozenset(kind for kinds in woken for kind in kinds)

    # Listings

    def read_again(self, group_id: str, parts: Iterable[Part]) -> None:
        """These clusters, or whole kinds, are read in the next sweep as well."""
        with self._lock:
            self._again.setdefault(group_id, set()).update(parts)

    def to_read_again(self, group_id: str) -> set[Part]:
        """Return what the last sweep left to this one, and forget it."""
        with self._lock:
            return self._again.pop(group_id, set())

    def listing_was_due(self, group_id: str) -> None:
        """The project is listed for its age, however that ends."""
        with self._lock:
            self._tried[group_id] = self._now()

    def last_tried(self, group_id: str) -> float:
        """Return when the project was last listed for its age, in Unix seconds."""
        with self._lock:
            return self._tried.get(group_id, -math.inf)

    def reading(self, group_id: str, part: Part) -> None:
        """The jobs of a cluster are read, however that ends."""
        with self._lock:
            self._read_at[group_id, part] = self._now()

    def last_read(self, group_id: str, part: Part) -> float:
        """Return when the jobs of a cluster were last read, in Unix seconds."""
        with self._lock:
            return self._read_at.get((group_id, part), -math.inf)

    def tried(
        self,
        group_id: str,
        *,
        read: Collection[Part],
        failing: Collection[object],
        aside: Collection[Part],
    ) -> None:
        """
        These parts were read, those fail, and others could not be read, which is nobody's failure.

        There is no role for them, or Atlas cannot say anything about them.
        """
        with self._lock:
            for part in read:
                self._was_read[group_id, part] = True
            before = self._aside.get(group_id, frozenset())
            self._aside[group_id] = before.difference(read, failing).union(aside)

    def aside(self, group_id: str) -> frozenset[Part]:
        """Return what is tried again only when everything is listed."""
        with self._lock:
            return self._aside.get(group_id, frozenset())

    def was_read(self, group_id: str, part: Part) -> bool:
        """Whether this environment has read the jobs of a cluster before."""
        with self._lock:
            return (group_id, part) in self._was_read

    # Clusters

    def clusters_of(self, group_id: str) -> Clusters:
        """Return the clusters of the project's lists that are known."""
        with self._lock:
            lately = {which: self._clusters.get((group_id, which)) for which in _CLUSTER_LISTS}
        return {which: names for which, names in lately.items() if names is not None}

    def clusters_are(self, group_id: str, clusters: Clusters) -> None:
        """Atlas showed all clusters of these lists."""
        with self._lock:
            for which, names in clusters.items():
                self._clusters[group_id, which] = names

    def forget_clusters(self, group_id: str, kinds: Collection[RestoreKind]) -> None:
        """An event woke the project: it may have new clusters."""
        with self._lock:
            if RestoreKind.FLEX in kinds:
                self._clusters.pop((group_id, AtlasList.FLEX_CLUSTERS), None)
            if {RestoreKind.DEDICATED, RestoreKind.COLLECTION} & set(kinds):
                self._clusters.pop((group_id, AtlasList.CLUSTERS), None)


def kinds_woken_by(event_type: str) -> tuple[RestoreKind, ...]:
    """Return the kinds of job that an event of this type may be of; of an unknown type, all."""
    return _WOKEN.get(event_type.partition("_")[0], LISTED_KINDS)
