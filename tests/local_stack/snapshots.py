"""The snapshots of the emulated Atlas's clusters, and the restores that its API starts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from local_stack.refusal import Refusal, atlas_error
from local_stack.restores import date

type SnapshotStatus = Literal["queued", "inProgress", "completed", "failed"]

_KEPT = timedelta(days=7)


@dataclass
class EmulatedSnapshot:
    """A test may change its status."""

    group_id: str
    cluster: str
    snapshot_id: str
    created: datetime
    status: SnapshotStatus
    is_flex: bool = False

    def body(self, host: str) -> dict[str, Any]:
        """Return a snapshot as recorded; of a Flex cluster as the specification has it."""
        if self.is_flex:
            return {
                "expiration": date(self.created + _KEPT),
                "finishTime": date(self.created + timedelta(minutes=1)),
                "id": self.snapshot_id,
                "mongoDBVersion": "8.0.29",
                "scheduledTime": date(self.created),
                "startTime": date(self.created),
                "status": self.status.upper(),
            }
        cluster = f"{host}/api/atlas/v2/groups/{self.group_id}/clusters/{self.cluster}"
        path = f"{cluster}/backup/snapshots/{self.snapshot_id}"
        return {
            "cloudProvider": "AWS",
            "copyRegions": [],
            "createdAt": date(self.created),
            "description": "test-snapshot",
            "expiresAt": date(self.created + _KEPT),
            "frequencyType": "ondemand",
            "id": self.snapshot_id,
            "links": [
                {"href": path, "rel": "self"},
                {"href": cluster, "rel": "https://cloud.mongodb.com/cluster"},
            ],
            "mongodVersion": "8.0.29",
            "policyItems": [],
            "replicaSetName": self.cluster,
            "snapshotType": "onDemand",
            "status": self.status,
            "storageSizeBytes": 1544183808,
            "type": "replicaSet",
        }


@dataclass(frozen=True)
class Order:
    """What a request for an automated restore says."""

    snapshot_id: str
    target_group: str
    target_cluster: str

    @classmethod
    def of(cls, body: Any) -> "Order":
        """Raise Refusal if it is not one. Atlas's own words for that were never recorded."""
        names = ("snapshotId", "targetGroupId", "targetClusterName")
        if not isinstance(body, Mapping) or body.get("deliveryType") != "automated":
            raise _invalid("deliveryType")
        for name in names:
            if not isinstance(body.get(name), str):
                raise _invalid(name)
        return cls(*(body[name] for name in names))


def _invalid(name: str) -> Refusal:
    return Refusal(atlas_error(400, "INVALID_ATTRIBUTE", f"{name} is not right.", [name]))
