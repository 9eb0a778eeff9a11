"""The projects of the emulated Atlas, their clusters, and the clusters' restore jobs."""

from collections import defaultdict
from typing import Any

from local_stack.behaviour import Behaviour
from local_stack.faults import Answer
from local_stack.jobs import CLASSES
from local_stack.refusal import Refusal, atlas_error
from local_stack.restores import EmulatedRestore, Kind

_OF_DEDICATED = {"dedicated", "collection"}
"""The kinds of restore job that a dedicated cluster has."""


class Clusters:
    """What is there, and the refusals of what is not."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._kinds: dict[str, dict[str, Kind]] = {}
        self._restores: dict[tuple[str, str], dict[str, EmulatedRestore]] = defaultdict(dict)
        self.listed_as: dict[EmulatedRestore, EmulatedRestore | None] = {}
        """What lists show instead of a job; None if they do not show it."""
        self.additions: dict[tuple[Kind, str, str], list[Any]] = defaultdict(list)
        """What lists show besides, before the jobs, by kind, project and cluster."""

    def clear(self) -> None:
        for state in (self._kinds, self._restores, self.listed_as, self.additions):
            state.clear()

    def add_group(self, group_id: str) -> None:
        self._kinds.setdefault(group_id, {})

    def add(self, group_id: str, name: str, kind: Kind) -> None:
        """Add a cluster, or change its kind."""
        self._kinds.setdefault(group_id, {})[name] = kind

    def add_restore(self, restore: EmulatedRestore, kind: Kind) -> None:
        """Add a restore job, and its cluster if that is missing."""
        clusters = self._kinds.setdefault(restore.group_id, {})
        clusters.setdefault(restore.cluster, "dedicated" if kind in _OF_DEDICATED else kind)
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
        """Return what a list shows, newest first. Refuse in the same order as `find`."""
        self._check(kind, group_id, cluster)
        restores = self._restores[group_id, cluster].values()
        listed = (self.listed_as.get(one, one) for one in restores if _is_of(kind, one))
        ordered = sorted(filter(None, listed), key=lambda restore: restore.scheduled)
        if self._behaviour.list_order == "newest first":
            ordered.reverse()
        return [*self.additions.get((kind, group_id, cluster), ()), *ordered]

    def _check(self, kind: Kind, group_id: str, cluster: str) -> None:
        if kind == "tenant":
            self._check_sunset()
        if group_id not in self._kinds:
            detail = f"There is no project {group_id}."
            raise Refusal(atlas_error(404, "GROUP_NOT_FOUND", detail, [group_id]))
        actual = self._kinds[group_id].get(cluster)
        if actual is None:
            detail, names = f"Project {group_id} has no cluster {cluster}.", [cluster, group_id]
            raise Refusal(atlas_error(404, "CLUSTER_NOT_FOUND", detail, names))
        if (actual == "dedicated") != (kind in _OF_DEDICATED):
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


def _is_of(kind: Kind, restore: EmulatedRestore) -> bool:
    return isinstance(restore, CLASSES[kind])


def _wrong_kind(kind: Kind, cluster: str) -> Answer:
    if kind in _OF_DEDICATED:
        code, detail = "CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API", f"{cluster} is a Flex cluster."
    else:
        code, detail = "CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API", f"{cluster} is no Flex cluster."
    return atlas_error(400, code, detail, [cluster])
