"""The paths that the emulated Atlas has, and what each of them answers."""

import re
from dataclasses import dataclass
from typing import Literal, NamedTuple

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request

from local_stack.refusal import Refusal, atlas_error
from local_stack.restores import Kind
from local_stack.wire import Predicate

type Family = (
    Kind
    | Literal[
        "projects",
        "events",
        "flex_clusters",
        "dedicated_clusters",
        "snapshots",
        "sharded_snapshots",
        "flex_snapshots",
        "system",
        "service_account",
        "processes",
    ]
)
"""Endpoints with the same role and the same bucket: those of a kind of job, or of one list."""

_SYSTEM = "/api/atlas/v2"
_PROJECTS = f"{_SYSTEM}/groups"
_GROUP = f"{_PROJECTS}/<group_id>"
_VERSION = re.compile(r"application/vnd\.atlas\.(\d{4}-\d{2}-\d{2})\+json")


class Address(NamedTuple):
    """What a request asks for. A part that its path does not have is empty."""

    family: Family
    group_id: str = ""
    cluster: str = ""
    restore_id: str = ""
    client_id: str = ""
    process_id: str = ""
    database: str = ""
    part: str = ""


@dataclass(frozen=True)
class Operation:
    """What is asked for at a path: one restore job, a new one, or a list of jobs or others."""

    family: Family
    path: str
    declared: str
    java_method: str
    lists: bool
    method: Literal["GET", "POST"] = "GET"

    def content_type(self, request: Request) -> str:
        """Return the one of the resolved version: any date from the declared one on works."""
        asked = _VERSION.search(request.headers.get("Accept", ""))
        if asked is None or asked[1] < self.declared:
            detail = "No version of this resource has such a date."
            raise Refusal(atlas_error(406, "UNEXPECTED_ERROR", detail))
        return f"application/vnd.atlas.{self.declared}+json;charset=utf-8"


def _operations(kind: Kind, path: str, declared: str, java: str) -> dict[str, Operation]:
    path, method = f"{_GROUP}/{path}", f"{java}::getRestoreJob"
    return {
        kind: Operation(kind, f"{path}/<restore_id>", declared, method, lists=False),
        f"{kind}_list": Operation(kind, path, declared, f"{method}s", lists=True),
    }


def _list(family: Family, path: str, declared: str, java: str) -> dict[str, Operation]:
    return {family: Operation(family, path, declared, java, lists=True)}


OPERATIONS: dict[str, Operation] = {
    **_operations(
        "flex",
        "flexClusters/<cluster>/backup/restoreJobs",
        "2024-11-13",
        "ApiAtlasFlexBackupResource",
    ),
    **_operations(
        "dedicated",
        "clusters/<cluster>/backup/restoreJobs",
        "2023-01-01",
        "ApiAtlasDiskBackupRestoreJobsResource",
    ),
    "dedicated_start": Operation(
        "dedicated",
        f"{_GROUP}/clusters/<cluster>/backup/restoreJobs",
        "2023-01-01",
        "ApiAtlasDiskBackupRestoreJobsResource::createRestoreJob",
        lists=False,
        method="POST",
    ),
    **_list(
        "snapshots",
        f"{_GROUP}/clusters/<cluster>/backup/snapshots",
        "2023-01-01",
        "ApiAtlasDiskBackupSnapshotsResource::getSnapshots",
    ),
    # Never recorded: the names of these resources are ours.
    **_list(
        "sharded_snapshots",
        f"{_GROUP}/clusters/<cluster>/backup/snapshots/shardedClusters",
        "2023-01-01",
        "ApiAtlasDiskBackupSnapshotsResource::getShardedClusterSnapshots",
    ),
    **_list(
        "flex_snapshots",
        f"{_GROUP}/flexClusters/<cluster>/backup/snapshots",
        "2024-11-13",
        "ApiAtlasFlexBackupResource::getSnapshots",
    ),
    **_operations(
        "tenant",
        "clusters/<cluster>/backup/tenant/restores",
        "2023-01-01",
        "ApiAtlasTenantBackupResource",
    ),
    # Never recorded: the name of the resource is ours.
    **_operations(
        "collection",
        "clusters/<cluster>/collectionRestoreJobs",
        "2025-03-12",
        "ApiAtlasCollectionRestoreJobsResource",
    ),
    "restored_collections": Operation(
        "collection",
        f"{_GROUP}/clusters/<cluster>/collectionRestoreJobs/<restore_id>/<any(collections):part>",
        "2025-03-12",
        "ApiAtlasCollectionRestoreJobsResource::getCollections",
        lists=True,
    ),
    # Never recorded either, like the two after it.
    "system": Operation(
        "system", _SYSTEM, "2023-01-01", "ApiRootResource::getSystemStatus", lists=False
    ),
    "service_account": Operation(
        "service_account",
        f"{_GROUP}/serviceAccounts/<client_id>",
        "2024-08-05",
        "ApiAtlasServiceAccountsResource::getGroupServiceAccount",
        lists=False,
    ),
    **_list("projects", _PROJECTS, "2023-01-01", "ApiAtlasGroupsResource::getAllGroups"),
    **_list("events", f"{_GROUP}/events", "2023-01-01", "ApiGroupEventsResource::getAllEvents"),
    **_list(
        "flex_clusters",
        f"{_GROUP}/flexClusters",
        "2024-11-13",
        "ApiAtlasFlexClusterResource::getAllFlexClusters",
    ),
    # Older versions describe clusters in another way; they are refused here.
    **_list(
        "dedicated_clusters",
        f"{_GROUP}/clusters",
        "2024-08-05",
        "ApiAtlasClusterDescriptionResource20240805::getAllClusters",
    ),
    # Never recorded: the name of the resource is ours.
    "dedicated_cluster": Operation(
        "dedicated_clusters",
        f"{_GROUP}/clusters/<cluster>",
        "2024-08-05",
        "ApiAtlasClusterDescriptionResource20240805::getCluster",
        lists=False,
    ),
    **_list(
        "processes",
        f"{_GROUP}/processes",
        "2023-01-01",
        "ApiAtlasProcessesResource::getAllAtlasProcesses",
    ),
    "databases": Operation(
        "processes",
        f"{_GROUP}/processes/<process_id>/databases",
        "2023-01-01",
        "ApiAtlasProcessMeasurementsResource::getDatabaseMeasurementLinks",
        lists=True,
    ),
    "figures": Operation(
        "processes",
        f"{_GROUP}/processes/<process_id>/databases/<database>/measurements",
        "2023-01-01",
        "ApiAtlasProcessMeasurementsResource::getSpecificDatabaseMeasurements",
        lists=False,
    ),
}
"""Every operation for which credentials are needed, by the name that the wire gives to it."""

_ROUTES = Map(
    [
        Rule("/api/oauth/token", methods=["POST"], endpoint="token"),
        *(
            Rule(operation.path, methods=[operation.method], endpoint=name)
            for name, operation in OPERATIONS.items()
        ),
    ],
    merge_slashes=False,
)


def matched(request: Request) -> tuple[str, dict[str, str]]:
    """Return "token" or the name of an operation, and the path's parts. Raise HTTPException."""
    endpoint, names = _ROUTES.bind_to_environ(request.environ).match()
    return endpoint, dict(names)


def operation_of(request: Request) -> tuple[str, str]:
    """The wire's name for a request: its operation, "token" or "other"."""
    try:
        name, _ = matched(request)
    except HTTPException:
        name = "other"
    return "atlas", name


def in_group(group_id: str) -> Predicate:
    """Select the calls about one project, for `when` of a fault or a gate."""
    prefix = f"{_GROUP.partition('<')[0]}{group_id}/"
    return lambda call: f"{call.path}/".startswith(prefix)
