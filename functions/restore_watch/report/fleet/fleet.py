"""What Atlas shows of the watched projects."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from restore_watch.atlas.families import Family
from restore_watch.model.restore_job import RestoreKind
from restore_watch.report.cluster import Cluster, ClusterKey
from restore_watch.report.restores.what_a_restore_proves import Restore
from restore_watch.report.snapshot import Snapshot
from restore_watch.report.why_unread import WhyUnread


class Key(NamedTuple):
    """
    The subject of a question to Atlas.

    `group_id`: the project, "" for the list of all projects. `cluster_name`: the cluster, "" for a
    list of projects or clusters. `family`: the endpoints that are asked.
    """

    group_id: str
    cluster_name: str
    family: Family


@dataclass
class Fleet:
    """
    What Atlas shows: projects by name, clusters, restores and snapshots.

    `projects`: the ids of those that Atlas was asked about. `reach`: when the oldest restore began
    of a list that goes on. `snapshots`: by project, cluster and kind, because Atlas may list a
    cluster in both lists. `unread`: why a question has no answer.
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
        lists = [key for key in self.unread if not key.cluster_name]
        # Several lists of a project may be unread. The last name in the alphabet says why, so it is
        # the same list each time.
        lists.sort(key=lambda key: (key.group_id, key.family.name))
        whys: dict[str, WhyUnread] = {}
        for key in lists:
            whys[key.group_id] = self.unread[key]
        return whys
