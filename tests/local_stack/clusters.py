"""The projects of the emulated Atlas, their clusters, and the clusters' restore jobs."""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any
from zlib import crc32

from local_stack.behaviour import Behaviour, ListOrder
from local_stack.events import Events
from local_stack.faults import Answer
from local_stack.processes import EmulatedProcess
from local_stack.projects import MEMBERS, EmulatedCluster, Project
from local_stack.refusal import Refusal, atlas_error
from local_stack.restores import CLASSES, EmulatedRestore, Kind
from local_stack.snapshots import EmulatedSnapshot

OF_DEDICATED = {"dedicated", "collection"}
"""The kinds of restore job that a dedicated cluster has."""

type _Name = tuple[str, str]
"""A project and a cluster."""


class Clusters:
    """What is there, and the refusals of what is not."""

    def __init__(self, clock: Callable[[], datetime], behaviour: Behaviour) -> None:
        self.clock = clock
        self.behaviour = behaviour
        self.events = Events(behaviour)
        self._lock = threading.RLock()
        self._projects: dict[str, Project] = {}
        self._restores: dict[_Name, dict[str, EmulatedRestore]] = defaultdict(dict)
        self._snapshots: dict[_Name, list[EmulatedSnapshot]] = defaultdict(list)
        self._orders: dict[_Name, ListOrder] = {}
        """The order of a cluster's jobs in lists, if it has one of its own."""
        self._listed_as: dict[EmulatedRestore, EmulatedRestore | None] = {}
        """What lists show instead of a job; None if they do not show it."""
        self._additions: dict[_Name, dict[Kind, list[Any]]] = defaultdict(dict)
        """What lists show besides, before the jobs."""

    def now(self) -> datetime:
        """Return the time as Atlas says it, which `clock_ahead` can make wrong."""
        return self.clock() + timedelta(seconds=self.behaviour.clock_ahead)

    def find(self, kind: Kind, group_id: str, cluster: str, restore_id: str) -> EmulatedRestore:
        """Refuse in Atlas's order: endpoint, project, cluster, its kind, then the job."""
        self._check(kind, group_id, cluster)
        restore = self._restores[group_id, cluster].get(restore_id)
        if type(restore) is not CLASSES[kind]:
            detail, names = "There is no such restore job.", [f"Restore job {restore_id}"]
            raise Refusal(atlas_error(404, "RESOURCE_NOT_FOUND", detail, names))
        return restore

    def entries(self, kind: Kind, group_id: str, cluster: str) -> list[Any]:
        """Return what a list shows, in its order. Refuse in the same order as `find`."""
        self._check(kind, group_id, cluster)
        restores = self._restores[group_id, cluster].values()
        listed = (self._listed_as.get(one, one) for one in restores if type(one) is CLASSES[kind])
        order = self._orders.get((group_id, cluster), self.behaviour.list_order)
        ordered = _ordered(filter(None, listed), order)
        return [*self._additions[group_id, cluster].get(kind, ()), *ordered]

    def snapshots_of(
        self, group_id: str, cluster: str, kind: Kind = "dedicated"
    ) -> list[EmulatedSnapshot]:
        """Refuse in the same order as `find`."""
        self._check(kind, group_id, cluster)
        return self._snapshots[group_id, cluster]

    def listed_projects(self) -> list[Project]:
        return [project for project in self._projects.values() if project.is_listed]

    def project(self, group_id: str) -> Project:
        """Return a project. Raise Refusal if there is none."""
        if group_id not in self._projects:
            detail = f"There is no project {group_id}."
            raise Refusal(atlas_error(404, "GROUP_NOT_FOUND", detail, [group_id]))
        return self._projects[group_id]

    def dedicated_cluster(self, group_id: str, cluster: str) -> EmulatedCluster:
        """Refuse in the same order as `find`."""
        self._check("dedicated", group_id, cluster)
        return self.project(group_id).clusters[cluster]

    def processes(self, group_id: str) -> list[EmulatedProcess]:
        """Return the processes of the dedicated clusters of a project. Raise Refusal."""
        return [
            EmulatedProcess(cluster, number)
            for cluster in self.project(group_id).dedicated
            for number in range(MEMBERS)
        ]

    def process(self, group_id: str, process_id: str) -> EmulatedProcess:
        """Return a process. Raise Refusal if there is none."""
        for process in self.processes(group_id):
            if process.process_id == process_id:
                return process
        detail = "There is no such process."
        raise Refusal(atlas_error(404, "HOST_NOT_FOUND", detail, [process_id]))

    def _check(self, kind: Kind, group_id: str, cluster: str) -> None:
        if kind == "tenant":
            self._check_sunset()
        found = self.project(group_id).clusters.get(cluster)
        if found is None:
            detail, names = f"Project {group_id} has no cluster {cluster}.", [cluster, group_id]
            raise Refusal(atlas_error(404, "CLUSTER_NOT_FOUND", detail, names))
        if found.is_dedicated != (kind in OF_DEDICATED):
            raise Refusal(_wrong_kind(kind, cluster))

    def _check_sunset(self) -> None:
        match self.behaviour.tenant_endpoint:
            case None:
                return
            case 410:
                answer = atlas_error(410, "VERSION_GONE", "The sunset of this version is past.")
            case 405:
                answer = Answer(405)
            case status:
                answer = atlas_error(status, None, "This path leads nowhere.", None)
        raise Refusal(answer)


def _ordered(restores: Iterable[EmulatedRestore], order: ListOrder) -> list[EmulatedRestore]:
    if order == "shuffled":
        # The same at every request, so that the pages of a list fit together.
        return sorted(restores, key=lambda restore: crc32(restore.restore_id.encode()))
    ordered = sorted(restores, key=lambda restore: restore.scheduled)
    return ordered[::-1] if order == "newest first" else ordered


def _wrong_kind(kind: Kind, cluster: str) -> Answer:
    if kind in OF_DEDICATED:
        code, detail = "CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API", f"{cluster} is a Flex cluster."
    else:
        code, detail = "CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API", f"{cluster} is no Flex cluster."
    return atlas_error(400, code, detail, [cluster])
