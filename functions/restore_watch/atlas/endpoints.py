"""
Atlas's endpoints: their families, their paths, and which role reads each.

A family is read with one role and has one rate limit in a project.
"""

from enum import StrEnum

from restore_watch.model.restore_job import RestoreKind


class AtlasList(StrEnum):
    """The lists by which restore jobs are found. The values are their names in messages."""

    PROJECTS = "projects"
    EVENTS = "events"
    FLEX_CLUSTERS = "Flex clusters"
    CLUSTERS = "dedicated clusters"


class AtlasStatus(StrEnum):
    """The paths about the credentials. The values are their names in messages."""

    SYSTEM = "the status of the API"
    SERVICE_ACCOUNT = "the service account"


class SnapshotList(StrEnum):
    """The lists of the snapshots of a cluster. The values are their names in messages."""

    FLEX = "Flex snapshots"
    DEDICATED = "dedicated snapshots"
    SHARDED = "sharded snapshots"


type Family = RestoreKind | AtlasList | SnapshotList | AtlasStatus
"""The restore jobs of a kind, a list, or a path about the credentials."""

_READ_ONLY = "the role Project Read Only in this project"
_BACKUP_MANAGER = "the role Project Backup Manager in this project"

_ENDPOINTS: dict[Family, tuple[str, str]] = {
    AtlasStatus.SYSTEM: ("any role", ""),
    AtlasStatus.SERVICE_ACCOUNT: (_READ_ONLY, "/groups/{}/serviceAccounts/{}"),
    AtlasList.PROJECTS: ("a role in the organization", "/groups"),
    AtlasList.EVENTS: (_READ_ONLY, "/groups/{}/events"),
    AtlasList.FLEX_CLUSTERS: (_READ_ONLY, "/groups/{}/flexClusters"),
    AtlasList.CLUSTERS: (_READ_ONLY, "/groups/{}/clusters"),
    RestoreKind.FLEX: (_READ_ONLY, "/groups/{}/flexClusters/{}/backup/restoreJobs"),
    RestoreKind.TENANT: (_READ_ONLY, "/groups/{}/clusters/{}/backup/tenant/restores"),
    RestoreKind.DEDICATED: (_BACKUP_MANAGER, "/groups/{}/clusters/{}/backup/restoreJobs"),
    RestoreKind.COLLECTION: (_BACKUP_MANAGER, "/groups/{}/clusters/{}/collectionRestoreJobs"),
    SnapshotList.FLEX: (_READ_ONLY, "/groups/{}/flexClusters/{}/backup/snapshots"),
    SnapshotList.DEDICATED: (_READ_ONLY, "/groups/{}/clusters/{}/backup/snapshots"),
    SnapshotList.SHARDED: (_READ_ONLY, "/groups/{}/clusters/{}/backup/snapshots/shardedClusters"),
}

ROLES = {family: role for family, (role, _) in _ENDPOINTS.items()}
"""The role that each family needs, from the specification's x-rolesRequirements."""

CLUSTER_LISTS = {
    RestoreKind.FLEX: AtlasList.FLEX_CLUSTERS,
    RestoreKind.DEDICATED: AtlasList.CLUSTERS,
    RestoreKind.COLLECTION: AtlasList.CLUSTERS,
}
"""The list of the clusters that have restore jobs of a kind."""

LISTED_KINDS = tuple(CLUSTER_LISTS)
"""Atlas retired the lists of tenant jobs; those jobs are in the lists of Flex clusters."""

ACCEPT = "application/vnd.atlas.2025-03-12+json"
"""Atlas answers in its newest version that is not later than this date."""

TOKEN_PATH = "/api/oauth/token"  # noqa: S105 - a path, not a password

EVENTS_ON_PAGE = 100
"""Events of a page. Between two sweeps a project has a few."""

SNAPSHOTS_ON_PAGE = 100
"""Snapshots of a page. Nobody documents their order, so one entry may not be the newest."""

RESTORE_EVENTS = (
    "TENANT_RESTORE_REQUESTED_AUDIT",
    "TENANT_RESTORE_COMPLETED_AUDIT",
    "TENANT_RESTORE_FAILED",
    "CPS_RESTORE_REQUESTED_AUDIT",
    "CPS_RESTORE_AUTH_AUDIT",
    "CPS_RESTORE_SUCCESSFUL",
    "CPS_RESTORE_FAILED",
    "CPS_COLLECTION_RESTORE_SUCCESSFUL",
    "CPS_COLLECTION_RESTORE_FAILED",
    "CPS_COLLECTION_RESTORE_PARTIAL_SUCCESS",
    "CPS_COLLECTION_RESTORE_CANCELED",
)
"""The events of restore jobs. The start of a collection restore has none."""


def path_of(family: Family, *names: str) -> str:
    """The path of a family, with the id of its project and the name of its cluster or account."""
    return f"/api/atlas/v2{_ENDPOINTS[family][1].format(*names)}"


def named(family: Family, *, is_list: bool = False) -> str:
    """Return the words for a family in a message: for a job of it, unless it `is_list`."""
    if isinstance(family, RestoreKind):
        return f"the list of {family} restore jobs" if is_list else f"a {family} restore job"
    return family if isinstance(family, AtlasStatus) else f"the list of {family}"
