"""Which clusters of a list can be watched. Pure."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from foundation.json_text import as_list, as_map
from restore_watch.atlas.entries import Entries
from restore_watch.model.forms_of_fields import NAME_LIMIT, is_cluster_name
from restore_watch.redaction import redact

UNWATCHED = (
    "This cluster cannot be watched: its name is not of letters, digits and hyphens, "
    f"{NAME_LIMIT} at most"
)
"""Other signs could change a path. Atlas allows some that its specification does not."""


class ClustersToWatch(NamedTuple):
    """
    The clusters on a page, by name.

    `names`: those to watch. `free`: those without backups. `unwatched`: names of another form, as
    far as they can be quoted. `problem`: an entry without any name.
    """

    names: list[str]
    free: list[str]
    unwatched: list[str]
    problem: str | None


def clusters_to_watch(entries: Entries) -> ClustersToWatch:
    """Return which clusters of a page can be watched."""
    free = [entry.id for entry in entries.readable if is_free(entry.content)]
    names = [entry.id for entry in entries.readable if entry.id not in free]
    odd = [redact(name)[:NAME_LIMIT] for name in names if not is_cluster_name(name)]
    usable = list(filter(is_cluster_name, names))
    problem = entries.unreadable[0].problem if entries.unreadable else None
    return ClustersToWatch(usable, free, odd, problem)


def is_free(cluster: Mapping[str, Any]) -> bool:
    """Whether an entry of the list of dedicated clusters names the provider of free ones alone."""
    named = {
        name
        for spec in as_list(cluster.get("replicationSpecs"))
        for region in as_list(as_map(spec).get("regionConfigs"))
        if isinstance(name := as_map(region).get("providerName"), str)
    }
    return named == {"TENANT"}
