"""The events of a project that tell of its restore jobs, and of which kinds. Pure."""

from restore_watch.atlas.families import LISTED_KINDS
from restore_watch.model.restore_target import RestoreKind

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

_KINDS = {
    "TENANT": (RestoreKind.FLEX,),
    "CPS": (RestoreKind.DEDICATED, RestoreKind.COLLECTION),
}
"""The kinds of listed jobs, by the first word of the types of their events."""


def kinds_of_event(event_type: str) -> tuple[RestoreKind, ...]:
    """Return the kinds of listed job that an event of this type may be of; of an unknown, all."""
    first_word, _, _ = event_type.partition("_")
    return _KINDS.get(first_word, LISTED_KINDS)
