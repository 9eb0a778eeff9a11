"""What a message and an item say of a job, in the words of the contract."""

from datetime import UTC, datetime
from typing import Any

from local_stack.atlas import EmulatedRestore, Kind


def expected_job(restore: EmulatedRestore, kind: Kind, status: str) -> dict[str, Any]:
    """From what Atlas answers."""
    answer = restore.body(kind)
    ends = {"COMPLETED": True, "FAILED": False, "CANCELLED": False, "EXPIRED": False}
    if kind == "dedicated":
        created = datetime.fromtimestamp(int(restore.restore_id[:8], 16), UTC)
        job = {
            "atlasStatus": None,
            "snapshotFinishedDate": answer["timestamp"],
            "restoreScheduledDate": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "restoreFinishedDate": answer.get("finishedAt"),
            "expirationDate": answer.get("expiresAt"),
            "targetProjectId": answer.get("targetGroupId"),
            "targetDeploymentItemName": answer.get("targetClusterName"),
            "downloadAvailable": bool(answer.get("deliveryUrl")) and status == "COMPLETED",
        }
    elif kind == "collection":
        job = {
            "atlasStatus": answer["state"],
            "snapshotFinishedDate": None,
            "restoreScheduledDate": answer["createdAt"],
            "restoreFinishedDate": answer.get("finishedAt"),
            "expirationDate": None,
            "targetProjectId": answer["targetGroupId"],
            "targetDeploymentItemName": answer["targetClusterName"],
            "downloadAvailable": False,
        }
    else:
        job = {
            "atlasStatus": answer["status"],
            "snapshotFinishedDate": answer["snapshotFinishedDate"],
            "restoreScheduledDate": answer["restoreScheduledDate"],
            "restoreFinishedDate": answer.get("restoreFinishedDate"),
            "expirationDate": answer["expirationDate"],
            "targetProjectId": answer["targetProjectId"],
            "targetDeploymentItemName": answer["targetDeploymentItemName"],
            "downloadAvailable": "snapshotUrl" in answer,
        }
    return job | {
        "groupId": restore.group_id,
        "clusterName": restore.cluster,
        "restoreId": restore.restore_id,
        "kind": kind,
        "deliveryType": answer.get("deliveryType"),
        "status": status,
        "snapshotId": answer["snapshotId"],
        "terminal": status in ends,
        "succeeded": ends.get(status),
        "durationSeconds": _between(job["restoreScheduledDate"], job["restoreFinishedDate"]),
        "snapshotAgeSeconds": _between(job["snapshotFinishedDate"], job["restoreScheduledDate"]),
    }


def _between(start: str | None, end: str | None) -> int | None:
    if start is None or end is None:
        return None
    seconds = datetime.fromisoformat(end) - datetime.fromisoformat(start)
    return int(seconds.total_seconds())
