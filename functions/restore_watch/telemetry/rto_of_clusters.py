"""How long a restore of a cluster may take: its tag `rto`, or the RTO of the stack."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from threading import Lock

from cachetools import TTLCache

from restore_watch.atlas.entries import ListEntry
from restore_watch.atlas.kind_of_cluster import ClusterKey
from restore_watch.atlas.tags import read_tags
from restore_watch.model.cluster_tags import read_cluster_tags
from restore_watch.model.objectives import Objectives

TAGS_KNOWN = 3600.0
"""Seconds for which the tags of a cluster are remembered."""

REMEMBERED = 100_000
"""Clusters that are remembered: more than 10,000 projects have."""


class RtoOfClusters:
    """
    An environment's memory of the RTOs. Any thread may use it. `now` gives Unix seconds.

    `of_stack`: None if the stack has no RTO. Then there is no alarm on it, and the tags are not
    needed.
    """

    def __init__(self, of_stack: timedelta | None, now: Callable[[], float]) -> None:
        self.of_stack = of_stack
        self._lock = Lock()
        self._by_tags: TTLCache[ClusterKey, timedelta | None] = TTLCache(
            REMEMBERED, TAGS_KNOWN, now
        )

    def rto_of(self, cluster: ClusterKey) -> timedelta | None:
        """Return the RTO of a cluster, the stack's if the tags are not known; None for none."""
        with self._lock:
            return self._by_tags.get(cluster, self.of_stack)

    def needs_tags_of(self, cluster: ClusterKey) -> bool:
        """Whether the tags of the cluster make a difference, and are not known."""
        with self._lock:
            return self.of_stack is not None and cluster not in self._by_tags

    def note_clusters(self, group_id: str, clusters: Iterable[ListEntry]) -> None:
        """Atlas shows these clusters of a project, with their tags."""
        if self.of_stack is None:
            return
        for cluster in clusters:
            by_tags = read_cluster_tags(*read_tags(cluster.content))
            rto = by_tags.objectives(Objectives(rto=self.of_stack)).rto
            with self._lock:
                self._by_tags[group_id, cluster.id] = rto

    def note_missing(self, cluster: ClusterKey) -> None:
        """Atlas shows no such cluster: it was deleted, and has no tags."""
        with self._lock:
            self._by_tags.setdefault(cluster, self.of_stack)
