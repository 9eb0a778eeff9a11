"""Atlas's answers for one restore job, in the recorded or else the specified shapes."""

import json

from restore_watch.atlas.read_restore_job import restore_job
from restore_watch.model.restore_job import RestoreJob
from restore_watch.model.restore_target import RestoreKind, RestoreTarget

ID = "69f88a400000000000000b01"  # created at noon
SNAPSHOT = "69f000000000000000000c01"
PROJECT = "5f0000000000000000000a01"
TARGET = RestoreTarget(PROJECT, "orders", ID)
URL = "https://restore-1.orders.example.net:27017/downloadToken000000000000/restore-1.tar.gz"


def flex(**fields: object) -> dict[str, object]:
    """A Flex job in the recorded shape."""
    return {
        "deliveryType": "RESTORE",
        "expirationDate": "2026-05-04T18:00:00Z",
        "id": ID,
        "instanceName": "orders",
        "projectId": PROJECT,
        "restoreScheduledDate": "2026-05-04T12:00:00Z",
        "snapshotFinishedDate": "2026-05-04T06:00:00Z",
        "snapshotId": SNAPSHOT,
        "status": "PENDING",
        "targetDeploymentItemName": "carts",
        "targetProjectId": PROJECT,
    } | fields


def dedicated(**fields: object) -> dict[str, object]:
    """A dedicated job in the recorded shape, with nulls and undeclared fields."""
    return {
        "cancelled": False,
        "deliveryType": "automated",
        "deliveryUrl": [],
        "desiredTimestamp": {"increment": None, "time": None, "date": None},
        "expired": False,
        "failed": False,
        "id": ID,
        "links": [{"href": "http://localhost:8080/api/atlas/v2", "rel": "self"}],
        "snapshotId": SNAPSHOT,
        "targetClusterName": "carts",
        "targetDeploymentItemName": "atlas-abc123",
        "targetGroupId": PROJECT,
        "timestamp": "2026-05-04T06:00:00Z",
    } | fields


def collection(**fields: object) -> dict[str, object]:
    """A collection restore in the specified shape; none was recorded."""
    return {
        "collectionSuffix": "",
        "collections": [{"sourceNamespace": "sales.orders", "targetNamespace": "sales.copies"}],
        "createdAt": "2026-05-04T12:00:00Z",
        "databaseSuffix": "",
        "databases": [],
        "id": ID,
        "indexStatus": {"failedCollectionCount": 0, "state": "IN_PROGRESS"},
        "indexStrategy": "ALL",
        "restoredDocuments": 15500,
        "snapshotId": SNAPSHOT,
        "state": "INITIALIZING",
        "targetClusterName": "carts",
        "targetGroupId": PROJECT,
        "totalDocuments": 20000,
        "writeStrategy": "CREATE_NEW",
    } | fields


def read(answer: object, kind: RestoreKind) -> RestoreJob:
    return restore_job(json.dumps(answer).encode(), TARGET, kind)


RESTORE_EVENTS = [
    *("TENANT_RESTORE_REQUESTED_AUDIT", "TENANT_RESTORE_COMPLETED_AUDIT", "TENANT_RESTORE_FAILED"),
    *("CPS_RESTORE_REQUESTED_AUDIT", "CPS_RESTORE_AUTH_AUDIT", "CPS_RESTORE_SUCCESSFUL"),
    *("CPS_RESTORE_FAILED", "CPS_COLLECTION_RESTORE_SUCCESSFUL", "CPS_COLLECTION_RESTORE_FAILED"),
    *("CPS_COLLECTION_RESTORE_PARTIAL_SUCCESS", "CPS_COLLECTION_RESTORE_CANCELED"),
]
"""The types of the events of restore jobs."""
