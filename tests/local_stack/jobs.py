"""The class of emulated restore job that each kind has, and the defaults of its jobs."""

from collections.abc import Mapping, Sequence

from local_stack.collection_restores import COLLECTION_TIMELINE, CollectionRestore
from local_stack.restores import (
    AUTOMATED_TIMELINE,
    DOWNLOAD_TIMELINE,
    FLEX_TIMELINE,
    EmulatedRestore,
    FlagRestore,
    Kind,
    StatusRestore,
)

CLASSES: Mapping[Kind, type[EmulatedRestore]] = {
    "flex": StatusRestore,
    "tenant": StatusRestore,
    "dedicated": FlagRestore,
    "collection": CollectionRestore,
}


def defaults_of(kind: Kind, delivery_type: str | None) -> tuple[str, Sequence[str]]:
    """Return the default delivery type of a kind, and the default steps of such a restore."""
    match kind:
        case "dedicated":
            is_download = delivery_type == "download"
            return "automated", DOWNLOAD_TIMELINE if is_download else AUTOMATED_TIMELINE
        case "collection":
            return "", COLLECTION_TIMELINE  # it has none
        case _:
            return "RESTORE", FLEX_TIMELINE
