"""Which restore job is meant, and of which kind. Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from restore_watch.model.forms_of_fields import id_made_at

type ClusterKey = tuple[str, str]
"""Project id and cluster name: a cluster's name is unique within its project only."""


class RestoreKind(StrEnum):
    """The family of Atlas endpoints that answers for a job."""

    FLEX = "flex"
    DEDICATED = "dedicated"
    TENANT = "tenant"
    COLLECTION = "collection"


# The endpoints of these kinds are asked only for jobs that are named with them.
_ASKED_BY_NAME = {RestoreKind.TENANT, RestoreKind.COLLECTION}


@dataclass(frozen=True)
class RestoreTarget:
    """
    The restore job to look up. `cluster_name` is the cluster whose snapshot is restored.

    If `kind` is None, the kind is found out. `envelope` and `pretty` are passed on to Atlas.
    """

    group_id: str
    cluster_name: str
    restore_id: str
    kind: RestoreKind | None = None
    envelope: bool | None = None
    pretty: bool | None = None

    @classmethod
    def listed(
        cls, group_id: str, cluster_name: str, restore_id: str, kind: RestoreKind | None
    ) -> Self:
        """Return the target of a job in a list or in the index."""
        return cls(group_id, cluster_name, restore_id, kind if kind in _ASKED_BY_NAME else None)

    @property
    def created_at(self) -> datetime:
        """When Atlas created the job: the first eight digits of an ObjectId are Unix seconds."""
        return id_made_at(self.restore_id)

    @property
    def cluster(self) -> ClusterKey:
        """The cluster whose snapshot is restored."""
        return self.group_id, self.cluster_name

    def as_json(self) -> dict[str, Any]:
        """The target in the words of the invocation contract."""
        return {
            "groupId": self.group_id,
            "clusterName": self.cluster_name,
            "restoreId": self.restore_id,
            "kind": self.kind or "auto",
        }
