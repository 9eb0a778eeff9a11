"""The paths of Atlas's endpoints."""

from restore_watch.atlas.families import AtlasList
from restore_watch.restore_job import RestoreKind, RestoreTarget

ACCEPT = "application/vnd.atlas.2025-03-12+json"
"""Atlas answers in its newest version that is not later than this date."""

TOKEN_PATH = "/api/oauth/token"  # noqa: S105 - a path, not a password

_LISTS = {
    RestoreKind.TENANT: "clusters/{}/backup/tenant/restores",
    RestoreKind.FLEX: "flexClusters/{}/backup/restoreJobs",
    RestoreKind.DEDICATED: "clusters/{}/backup/restoreJobs",
    RestoreKind.COLLECTION: "clusters/{}/collectionRestoreJobs",
}

_PROJECT_LISTS = {
    AtlasList.EVENTS: "events",
    AtlasList.FLEX_CLUSTERS: "flexClusters",
    AtlasList.CLUSTERS: "clusters",
}

SYSTEM_PATH = "/api/atlas/v2"
PROJECTS_PATH = f"{SYSTEM_PATH}/groups"


def auditing_path(group_id: str) -> str:
    """The path of the auditing of a project."""
    return f"{PROJECTS_PATH}/{group_id}/auditLog"


def project_list_path(group_id: str, which: AtlasList) -> str:
    """The path of a list of a project."""
    return f"{PROJECTS_PATH}/{group_id}/{_PROJECT_LISTS[which]}"


def jobs_path(group_id: str, cluster_name: str, kind: RestoreKind) -> str:
    """The path of the restore jobs of a cluster."""
    return f"{PROJECTS_PATH}/{group_id}/{_LISTS[kind].format(cluster_name)}"


def job_path(target: RestoreTarget, kind: RestoreKind) -> str:
    """The path of one restore job."""
    return f"{jobs_path(*target.cluster, kind)}/{target.restore_id}"
