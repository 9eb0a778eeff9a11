"""The paths of Atlas's endpoints."""

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


def list_path(target: RestoreTarget, kind: RestoreKind) -> str:
    """The path of the restore jobs of the target's cluster."""
    return f"/api/atlas/v2/groups/{target.group_id}/{_LISTS[kind].format(target.cluster_name)}"


def job_path(target: RestoreTarget, kind: RestoreKind) -> str:
    """The path of one restore job."""
    return f"{list_path(target, kind)}/{target.restore_id}"
