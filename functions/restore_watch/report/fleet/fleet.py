"""What Atlas shows of the watched projects."""

from dataclasses import dataclass, field
from datetime import datetime

from restore_watch.atlas.families import Family
from restore_watch.model.restore_job import RestoreKind
from restore_watch.report.cluster import Cluster, ClusterKey
from restore_watch.report.restores.what_a_restore_proves import Restore
from restore_watch.report.snapshot import Snapshot
from restore_watch.report.why_unread import WhyUnread

type Key = tuple[str, str, Family]
"""A question: its project, "" for all; its cluster, "" for a list of clusters; what is asked."""


@dataclass
class Fleet:
    """
    What Atlas shows: projects by name, clusters, restores, snapshots; why it is `unread`.

    `projects`: the ids of those that Atlas was asked about. `reach`: when the oldest restore began
    of a list that goes on. `snapshots`: by project, cluster and kind, because Atlas may list a
    cluster in both lists.
    """

    projects: set[str] = field(default_factory=set)
    project_names: dict[str, str] = field(default_factory=dict)
    clusters: list[Cluster] = field(default_factory=list)
    restores: list[Restore] = field(default_factory=list)
    snapshots: dict[tuple[str, str, RestoreKind], Snapshot] = field(default_factory=dict)
    unread: dict[Key, WhyUnread] = field(default_factory=dict)
    reach: dict[ClusterKey, datetime] = field(default_factory=dict)

    @property
    def unread_projects(self) -> dict[str, WhyUnread]:
        """Why no clusters of a project, or not all, are known; "" for the list of projects."""
        lists = [
            (group_id, family.name, why)
            for (group_id, cluster_name, family), why in self.unread.items()
            if not cluster_name
        ]
        # If neither list of clusters could be read, the list of dedicated ones says why.
        lists.sort(key=lambda unread: unread[:2])
        return {group_id: why for group_id, _, why in lists}
