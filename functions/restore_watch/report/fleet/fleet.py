"""What Atlas shows of the watched projects."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Self

from restore_watch.atlas.families import Family
from restore_watch.model.restore_target import ClusterKey, RestoreKind
from restore_watch.report.cluster import Cluster
from restore_watch.report.restores.what_a_restore_proves import Restore
from restore_watch.report.snapshot import Snapshot
from restore_watch.report.why_unread import WhyUnread

RESTORES_READ = 100
"""The newest restores of each cluster are read: about three months of nightly restores."""


class AtlasList(NamedTuple):
    """
    A list of Atlas: the projects, the clusters of a project, or what belongs to one cluster.

    `group_id`: the project, "" for the list of projects. `cluster_name`: the cluster, "" for a list
    of projects or clusters. `family`: the endpoints that show the list.

    With the family PROJECTS, the list of a project is its entry in the list of all projects.
    """

    group_id: str
    cluster_name: str
    family: Family

    @classmethod
    def of_project(cls, group_id: str, family: Family) -> Self:
        """Return a list that is about a project as a whole."""
        return cls(group_id, "", family)

    @classmethod
    def of_cluster(cls, cluster_key: ClusterKey, family: Family) -> Self:
        """Return a list that is about one cluster."""
        group_id, cluster_name = cluster_key
        return cls(group_id, cluster_name, family)

    @property
    def cluster_key(self) -> ClusterKey:
        """The cluster that the list is about."""
        return self.group_id, self.cluster_name


@dataclass
class Fleet:
    """
    What Atlas shows: projects by name, clusters, restores and snapshots.

    `projects`: the ids of those that Atlas was asked about. `has_all_projects`: whether the list of
    all projects was read to its end. `listed_since`: when the oldest restore began that was read of
    a list that goes on. `snapshots`: by project, cluster and kind, because Atlas may list a cluster
    in both lists. `unread`: why a list could not be read, or not as a whole.
    """

    projects: set[str] = field(default_factory=set)
    project_names: dict[str, str] = field(default_factory=dict)
    has_all_projects: bool = False
    clusters: list[Cluster] = field(default_factory=list)
    restores: list[Restore] = field(default_factory=list)
    snapshots: dict[tuple[str, str, RestoreKind], Snapshot] = field(default_factory=dict)
    unread: dict[AtlasList, WhyUnread] = field(default_factory=dict)
    listed_since: dict[ClusterKey, datetime] = field(default_factory=dict)

    @property
    def unread_projects(self) -> dict[str, WhyUnread]:
        """Why no clusters of a project, or not all, are known; "" for the list of projects."""
        chosen: dict[str, AtlasList] = {}
        for unread in self.unread:
            if unread.cluster_name:
                continue
            other = chosen.get(unread.group_id)
            # Several lists of a project may be unread. The last name in the alphabet says why, so
            # it is the same list each time.
            if other is None or unread.family.name > other.family.name:
                chosen[unread.group_id] = unread
        return {group_id: self.unread[chosen[group_id]] for group_id in sorted(chosen)}
