"""How long a restore of a cluster may take: its tag `rto`, or the RTO of the stack."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from threading import Lock
from typing import NamedTuple, Self

from cachetools import TTLCache

from restore_watch.atlas.entries import ListEntry
from restore_watch.atlas.families import jobs_of
from restore_watch.atlas.rate_limits import Bucket
from restore_watch.model.objectives import Objectives
from restore_watch.model.restore_target import ClusterKey, RestoreKind

TAGS_KNOWN = 3600.0
"""Seconds for which the tags of a cluster are remembered."""

READ_AGAIN_AFTER = 600.0
"""Seconds for which a list that could not be read is not read again."""

REMEMBERED = 100_000
"""Clusters that are remembered: more than 10,000 projects have."""


class ListedCluster(NamedTuple):
    """A cluster in one of the two lists of its project: Atlas may show a name in both."""

    in_list: Bucket
    name: str

    @classmethod
    def of_jobs(cls, cluster: ClusterKey, kind: RestoreKind) -> Self:
        """Return the cluster that has restore jobs of this kind."""
        group_id, name = cluster
        return cls(Bucket(group_id, jobs_of(kind).clusters), name)


class RtoOfClusters:
    """
    An environment's memory of the RTOs. Any thread may use it. `now` gives Unix seconds.

    `of_stack`: None if the stack has no RTO. Then there is no alarm on it, and the tags are not
    needed.
    """

    def __init__(self, of_stack: timedelta | None, now: Callable[[], float]) -> None:
        self.of_stack = of_stack
        self._lock = Lock()
        self._by_tags: TTLCache[ListedCluster, timedelta | None] = TTLCache(
            REMEMBERED, TAGS_KNOWN, now
        )
        self._unread: TTLCache[Bucket, bool] = TTLCache(REMEMBERED, READ_AGAIN_AFTER, now)

    def rto_of(self, cluster: ListedCluster) -> timedelta | None:
        """Return the RTO of a cluster, the stack's if the tags are not known; None for none."""
        with self._lock:
            return self._by_tags.get(cluster, self.of_stack)

    def needs_tags_of(self, cluster: ListedCluster) -> bool:
        """Whether the tags of the cluster make a difference, and are to be read."""
        if self.of_stack is None:
            return False
        with self._lock:
            return cluster not in self._by_tags and cluster.in_list not in self._unread

    def note_clusters(self, in_list: Bucket, shown: Iterable[ListEntry]) -> None:
        """Atlas shows these clusters, with their tags."""
        if self.of_stack is None:
            return
        from restore_watch.atlas.listed_tags import read_tags
        from restore_watch.model.cluster_tags import read_cluster_tags

        for entry in shown:
            by_tags = read_cluster_tags(*read_tags(entry.content))
            rto = by_tags.objectives(Objectives(rto=self.of_stack)).rto
            with self._lock:
                self._by_tags[ListedCluster(in_list, entry.id)] = rto

    def note_missing(self, clusters: Iterable[ListedCluster]) -> None:
        """Those that Atlas does not show, although it shows the whole list, have no tags."""
        with self._lock:
            for cluster in clusters:
                self._by_tags.setdefault(cluster, self.of_stack)

    def note_unread(self, in_list: Bucket) -> None:
        """The list could not be read, or not as a whole."""
        with self._lock:
            self._unread[in_list] = True
