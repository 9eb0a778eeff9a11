"""The types of the events that Atlas records about restores, and which step of a job leaves one."""

from collections.abc import Mapping

from local_stack.restores import Kind

_TENANT = "TENANT_RESTORE"
_CPS = "CPS_RESTORE"
_COLLECTION = "CPS_COLLECTION_RESTORE"

STARTS: Mapping[Kind, str] = {
    "flex": f"{_TENANT}_REQUESTED_AUDIT",
    "tenant": f"{_TENANT}_REQUESTED_AUDIT",
    "dedicated": f"{_CPS}_REQUESTED_AUDIT",
}
"""Of the start of a job. Atlas has no type for the start of a collection restore."""

_STATUS_ENDS = {"COMPLETED": f"{_TENANT}_COMPLETED_AUDIT", "FAILED": f"{_TENANT}_FAILED"}

ENDS: Mapping[Kind, Mapping[str, str]] = {
    "flex": _STATUS_ENDS,
    "tenant": _STATUS_ENDS,
    "dedicated": {
        "finished": f"{_CPS}_SUCCESSFUL",
        "finished+expired": f"{_CPS}_SUCCESSFUL",
        "failed": f"{_CPS}_FAILED",
    },
    "collection": {
        word: f"{_COLLECTION}_{word}"
        for word in ("SUCCESSFUL", "FAILED", "PARTIAL_SUCCESS", "CANCELED")
    },
}
"""Of a step that ends a job. There is no type for a cancelled job that is not a collection's."""

REQUESTED = frozenset(STARTS.values())
"""Such an event says with which API key the restore was asked for."""

_RESTORE_TYPES = frozenset(
    {f"{_CPS}_AUTH_AUDIT", *REQUESTED}.union(*(ends.values() for ends in ENDS.values()))
)

# Some of the others, which were recorded beside them.
_OTHER_TYPES = frozenset(
    {
        "CLUSTER_CREATED",
        "CLUSTER_UPDATE_COMPLETED",
        "CLUSTER_UPDATE_STARTED",
        "MONGODB_USER_ADDED",
        "PROJECT_SCHEDULED_MAINTENANCE",
    }
)

EVENT_TYPES = _RESTORE_TYPES | _OTHER_TYPES
