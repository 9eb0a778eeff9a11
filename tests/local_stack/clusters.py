"""The projects of the emulated Atlas, their clusters, and the clusters' restore jobs."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any
from zlib import crc32

from local_stack.behaviour import Behaviour, ListOrder
from local_stack.faults import Answer
from local_stack.jobs import CLASSES
from local_stack.projects import EmulatedCluster, Project
from local_stack.refusal import Refusal, atlas_error
from local_stack.restores import EmulatedRestore, Kind
from local_stack.snapshots import EmulatedSnapshot

_OF_DEDICATED = {"dedicated", "collection"}
"""The kinds of restore job that a dedicated cluster has."""


class Clusters:
    """What is there, and the refusals of what is not."""

    def __init__(self, behaviour: Behaviour, now: Callable[[], datetime]) -> None:
        self._behaviour = behaviour
        self._now = now
        self.projects: dict[str, Project] = {}
        self._restores: dict[tuple[str, str], dict[str, EmulatedRestore]] = defaultdict(dict)
        self.snapshots: dict[tuple[str, str], list[EmulatedSnapshot]] = defaultdict(list)
        """Of each cluster, in the order in which they are listed."""
        self.orders: dict[tuple[str, str], ListOrder] = {}
        """The order of a cluster's jobs in lists, if it has one of its own."""
        self.listed_as: dict[EmulatedRestore, EmulatedRestore | None] = {}
        """What lists show instead of a job; None if they do not show it."""
        self.additions: dict[tuple[Kind, str, str], list[Any]] = defaultdict(list)
        """What lists show besides, before the jobs, by kind, project and cluster."""

    def clear(self) -> None:
        for state in (
            self.projects,
            self._restores,
            self.snapshots,
            self.orders,
            self.listed_as,
            self.additions,
        ):
            state.clear()

    def add_project(self, group_id: str, name: str | None = None) -> Project:
        """Add a project if it is missing."""
        if group_id not in self.projects:
            name = name or f"Project {group_id[-4:]}"
            self.projects[group_id] = Project(group_id, self._now(), name)
        return self.projects[group_id]

    def remove_project(self, group_id: str) -> None:
        for name in list(self.projects.pop(group_id).clusters):
            self._forget(group_id, name)

    def add(self, group_id: str, name: str, kind: Kind) -> EmulatedCluster:
        """Add a cluster, or change its kind."""
        kind = "dedicated" if kind in _OF_DEDICATED else kind
        clusters = self.add_project(group_id).clusters
        if name not in clusters:
            clusters[name] = EmulatedCluster(group_id, name, kind, self._now())
        clusters[name].kind = kind
        return clusters[name]

    def remove(self, group_id: str, name: str) -> None:
        """Remove a cluster and its jobs."""
        del self.projects[group_id].clusters[name]
        self._forget(group_id, name)

    def add_restore(self, restore: EmulatedRestore, kind: Kind) -> None:
        """Add a restore job, and its cluster if that is missing."""
        if restore.cluster not in self.add_project(restore.group_id).clusters:
            self.add(restore.group_id, restore.cluster, kind)
        self.show(restore)

    def show(self, restore: EmulatedRestore) -> None:
        self._restores[restore.group_id, restore.cluster][restore.restore_id] = restore

    def hide(self, restore: EmulatedRestore) -> None:
        self._restores[restore.group_id, restore.cluster].pop(restore.restore_id, None)

    def find(self, kind: Kind, group_id: str, cluster: str, restore_id: str) -> EmulatedRestore:
        """Refuse in Atlas's order: endpoint, project, cluster, its kind, then the job."""
        self._check(kind, group_id, cluster)
        restore = self._restores[group_id, cluster].get(restore_id)
        if restore is None or not _is_of(kind, restore):
            detail, names = "There is no such restore job.", [f"Restore job {restore_id}"]
            raise Refusal(atlas_error(404, "RESOURCE_NOT_FOUND", detail, names))
        return restore

    def entries(self, kind: Kind, group_id: str, cluster: str) -> list[Any]:
        """Return what a list shows, in its order. Refuse in the same order as `find`."""
        self._check(kind, group_id, cluster)
        restores = self._restores[group_id, cluster].values()
        listed = (self.listed_as.get(one, one) for one in restores if _is_of(kind, one))
        order = self.orders.get((group_id, cluster), self._behaviour.list_order)
        ordered = _ordered(filter(None, listed), order)
        return [*self.additions.get((kind, group_id, cluster), ()), *ordered]

    def snapshots_of(self, group_id: str, cluster: str) -> list[EmulatedSnapshot]:
        """Refuse in the same order as `find`."""
        self._check("dedicated", group_id, cluster)
        return self.snapshots[group_id, cluster]

    def snapshot(self, group_id: str, cluster: str, snapshot_id: str) -> EmulatedSnapshot:
        for snapshot in self.snapshots_of(group_id, cluster):
            if snapshot.snapshot_id == snapshot_id and snapshot.status == "completed":
                return snapshot
        detail, names = "There is no such snapshot.", [f"Snapshot {snapshot_id}"]
        raise Refusal(atlas_error(404, "RESOURCE_NOT_FOUND", detail, names))

    def check_target(self, group_id: str, cluster: str) -> None:
        """Refuse a target of a dedicated restore that is not there, or is of another kind."""
        self._check("dedicated", group_id, cluster)

    def restores(self, group_id: str, cluster: str) -> list[EmulatedRestore]:
        return list(self._restores[group_id, cluster].values())

    def listed_projects(self) -> list[Project]:
        return [project for project in self.projects.values() if project.is_listed]

    def project(self, group_id: str) -> Project:
        """Return a project. Raise Refusal if there is none."""
        if group_id not in self.projects:
            detail = f"There is no project {group_id}."
            raise Refusal(atlas_error(404, "GROUP_NOT_FOUND", detail, [group_id]))
        return self.projects[group_id]

    def _check(self, kind: Kind, group_id: str, cluster: str) -> None:
        if kind == "tenant":
            self._check_sunset()
        found = self.project(group_id).clusters.get(cluster)
        if found is None:
            detail, names = f"Project {group_id} has no cluster {cluster}.", [cluster, group_id]
            raise Refusal(atlas_error(404, "CLUSTER_NOT_FOUND", detail, names))
        if found.is_dedicated != (kind in _OF_DEDICATED):
            raise Refusal(_wrong_kind(kind, cluster))

    def _check_sunset(self) -> None:
        match self._behaviour.tenant_endpoint:
            case None:
                return
            case 410:
                answer = atlas_error(410, "VERSION_GONE", "The sunset of this version is past.")
            case 405:
                answer = Answer(405)
            case status:
                answer = atlas_error(status, None, "This path leads nowhere.", None)
        raise Refusal(answer)

    def _forget(self, group_id: str, name: str) -> None:
        """Forget what was set about a cluster's jobs and lists, and the jobs."""
        self._restores.pop((group_id, name), None)
        self.snapshots.pop((group_id, name), None)
        self.orders.pop((group_id, name), None)
        for key in [key for key in self.additions if key[1:] == (group_id, name)]:
            del self.additions[key]


def _is_of(kind: Kind, restore: EmulatedRestore) -> bool:
    return isinstance(restore, CLASSES[kind])


def _ordered(restores: Iterable[EmulatedRestore], order: ListOrder) -> list[EmulatedRestore]:
    if order == "shuffled":
        # The same at every request, so that the pages of a list fit together.
        return sorted(restores, key=lambda restore: crc32(restore.restore_id.encode()))
    ordered = sorted(restores, key=lambda restore: restore.scheduled)
    return ordered[::-1] if order == "newest first" else ordered


def _wrong_kind(kind: Kind, cluster: str) -> Answer:
    if kind in _OF_DEDICATED:
        code, detail = "CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API", f"{cluster} is a Flex cluster."
    else:
        code, detail = "CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API", f"{cluster} is no Flex cluster."
    return atlas_error(400, code, detail, [cluster])
