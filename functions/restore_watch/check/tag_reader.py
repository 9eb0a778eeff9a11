"""
Reads the tags of a cluster whose restore runs, or has completed: its tag `rto` says if it is late.

The lists of clusters that sweeps read to find jobs show most tags. What fails here fails and
degrades nothing: the RTO of the stack counts then.
"""

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass

from foundation.deadline import Deadline
from foundation.errors import ApplicationError
from restore_watch.atlas.entries import cluster_entries
from restore_watch.atlas.rate_limits import Bucket
from restore_watch.atlas.session import AtlasSession
from restore_watch.telemetry.isolation import isolated
from restore_watch.telemetry.rto_of_clusters import ListedCluster
from restore_watch.telemetry.telemetry import Telemetry

READING_TIME = 2.0
"""Seconds that reading a list may take."""


@dataclass(frozen=True)
class TagReader:
    """Reads lists of clusters into the memory of RTOs. Any thread may use it."""

    atlas: AtlasSession
    telemetry: Telemetry

    def read_tags_of(self, cluster: ListedCluster, deadline: Deadline) -> None:
        """Read the list of a cluster, if its tags are needed."""
        if self.telemetry.objectives.needs_tags_of(cluster):
            self.read_list(cluster.in_list, [cluster], deadline)

    def read_list(
        self, in_list: Bucket, wanted: Collection[ListedCluster], deadline: Deadline
    ) -> None:
        """Read a list, because the tags of these clusters are needed."""
        group_id, objectives = in_list.group_id or "", self.telemetry.objectives
        # Whatever stops the reading, it is not tried with each restore.
        objectives.note_unread(in_list)
        with suppress(ApplicationError), isolated(self.telemetry, group_id=group_id):
            page = self.atlas.clusters(group_id, in_list.family, deadline.within(READING_TIME))
            entries = cluster_entries(page, in_list.family)
            objectives.note_clusters(in_list, entries.readable)
            if not page.has_next and not entries.unreadable:
                objectives.note_missing(wanted)
