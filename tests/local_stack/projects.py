"""The projects of the emulated Atlas and their clusters, as its lists describe them."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from local_stack.cluster_data import ClusterData
from local_stack.restores import Kind, date, object_id

ORGANISATION = "5f00000000000000000000f1"

HOSTS = "clusters.example.net"
PORT = 27017
MEMBERS = 3
"""The members of the replica set of a dedicated cluster."""

_VERSION = "8.0.29"
_NODE = {"diskIOPS": 3000, "diskSizeGB": 30.0, "ebsVolumeType": "STANDARD", "instanceSize": "M10"}

ABSENT = object()
"""Among the fields that a test gives to an entry: the entry does not have this field."""


@dataclass
class EmulatedCluster:
    """A test may change its fields, such as `state_name`."""

    group_id: str
    name: str
    kind: Kind
    created: datetime
    state_name: str = "IDLE"
    provider_name: str = "AWS"
    cluster_id: str = ""
    said: dict[str, Any] = field(default_factory=dict)
    """Fields that the entry of the cluster has instead of its own, or ABSENT."""
    data: ClusterData = field(default_factory=ClusterData)
    """What a dedicated cluster holds."""

    def __post_init__(self) -> None:
        self.cluster_id = self.cluster_id or object_id(self.created)

    @property
    def is_dedicated(self) -> bool:
        return self.kind == "dedicated"

    def host(self, number: int) -> str:
        """Return the name of a member's host in the connection string."""
        return f"{self.name.lower()}-shard-00-0{number}.{HOSTS}"

    def body(self, host: str) -> dict[str, Any]:
        """Return a Flex cluster as recorded, of a dedicated one the fields that say what it is."""
        host_name = f"{self.name.lower()}.{HOSTS}"
        names = [self.host(number) for number in range(MEMBERS if self.is_dedicated else 1)]
        addresses = ",".join(f"{name}:{PORT}" for name in names)
        body: dict[str, Any] = {
            "clusterType": "REPLICASET",
            "connectionStrings": {
                "standard": f"mongodb://{addresses}/?ssl=true&authSource=admin",
                "standardSrv": f"mongodb+srv://{host_name}",
            },
            "createDate": date(self.created),
            "groupId": self.group_id,
            "id": self.cluster_id,
            "mongoDBVersion": _VERSION,
            "name": self.name,
            "stateName": self.state_name,
            "tags": [],
            "terminationProtectionEnabled": False,
            "versionReleaseSystem": "LTS",
        }
        body |= self._dedicated(host) if self.is_dedicated else self._flex()
        body |= self.said
        return {name: value for name, value in sorted(body.items()) if value is not ABSENT}

    def _flex(self) -> dict[str, Any]:
        return {
            "backupSettings": {"enabled": True},
            "providerSettings": {
                "backingProviderName": "AWS",
                "diskSizeGB": 5.0,
                "providerName": "FLEX",
                "regionName": "US_EAST_1",
            },
        }

    def _region(self) -> dict[str, Any]:
        nodes = {"electable": 3, "readOnly": 0, "analytics": 0}
        specs = {name: {**_NODE, "nodeCount": count} for name, count in nodes.items()}
        return {
            "autoScaling": {
                "compute": {"enabled": False, "scaleDownEnabled": False},
                "diskGB": {"enabled": False},
            },
            "priority": 7,
            "providerName": self.provider_name,
            "regionName": "US_EAST_1",
            **{f"{name}Specs": spec for name, spec in specs.items()},
            **{f"effective{name[0].upper()}{name[1:]}Specs": spec for name, spec in specs.items()},
        }

    def _dedicated(self, host: str) -> dict[str, Any]:
        path = f"{host}/api/atlas/v2/groups/{self.group_id}/clusters/{self.name}"
        words = "https://cloud.mongodb.com"
        return {
            "backupEnabled": True,
            "links": [
                {"href": path, "rel": "self"},
                {"href": f"{path}/backup/restoreJobs", "rel": f"{words}/restoreJobs"},
                {"href": f"{path}/backup/snapshots", "rel": f"{words}/snapshots"},
            ],
            "mongoDBMajorVersion": _VERSION[:3],
            "paused": False,
            "pitEnabled": False,
            "replicationSpecs": [
                {
                    "id": self.cluster_id,
                    "regionConfigs": [self._region()],
                    "zoneId": self.cluster_id,
                    "zoneName": "Zone 1",
                }
            ],
        }


@dataclass
class Project:
    group_id: str
    created: datetime
    name: str
    clusters: dict[str, EmulatedCluster] = field(default_factory=dict)
    is_listed: bool = True

    @property
    def flex(self) -> list[EmulatedCluster]:
        return [one for one in self.clusters.values() if not one.is_dedicated]

    @property
    def dedicated(self) -> list[EmulatedCluster]:
        return [one for one in self.clusters.values() if one.is_dedicated]

    def body(self, host: str) -> dict[str, Any]:
        """Return the entry of the list of projects as the specification has it."""
        href = f"{host}/api/atlas/v2/groups/{self.group_id}"
        return {
            "clusterCount": len(self.clusters),
            "created": date(self.created),
            "id": self.group_id,
            "links": [{"href": href, "rel": "self"}],
            "name": self.name,
            "orgId": ORGANISATION,
        }
