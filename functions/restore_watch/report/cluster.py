"""A cluster as Atlas lists it, with what is said about its backups. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from foundation.json_text import as_list, as_map
from restore_watch.atlas.entries import is_free
from restore_watch.model.fields import (
    date_or_null,
    flag_or_null,
    id_made_at,
    is_object_id,
    text_or_null,
)
from restore_watch.model.restore_job import RestoreKind


@dataclass(frozen=True)
class Cluster:
    """
    A cluster that Atlas lists: `kind` says in which of its two lists, flex or dedicated.

    A name may be used again after a deletion; `id` is used once. `has_backups`, `is_continuous`
    (restorable to a point in time) and `is_paused` are None if Atlas says nothing. It `is_internal`
    if Atlas keeps it for itself.
    """

    group_id: str
    name: str
    kind: RestoreKind
    id: str | None = None
    created_at: datetime | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    has_backups: bool | None = None
    is_continuous: bool | None = None
    is_paused: bool | None = None
    is_sharded: bool = False
    is_free: bool = False
    is_internal: bool = False

    @property
    def key(self) -> tuple[str, str]:
        """Its project and its name, by which restore jobs name it."""
        return self.group_id, self.name


def read_cluster(group_id: str, kind: RestoreKind, entry: Mapping[str, Any]) -> Cluster:
    """
    Read an entry of a list of clusters. What cannot be read counts as not said.

    Without a date, the cluster is as old as its id.
    """
    id_ = text_or_null(entry.get("id"))
    made = id_made_at(id_) if id_ and is_object_id(id_) else None
    is_flex = kind is RestoreKind.FLEX
    backups = as_map(entry.get("backupSettings")).get("enabled")
    tags = (as_map(tag) for tag in as_list(entry.get("tags")))
    named = ((text_or_null(tag.get("key")), text_or_null(tag.get("value"))) for tag in tags)
    return Cluster(
        group_id,
        text_or_null(entry.get("name")) or "",
        kind,
        id=id_,
        created_at=date_or_null(entry.get("createDate")) or made,
        tags={key: value or "" for key, value in named if key},
        has_backups=flag_or_null(backups if is_flex else entry.get("backupEnabled")),
        is_continuous=False if is_flex else flag_or_null(entry.get("pitEnabled")),
        is_paused=False if is_flex else flag_or_null(entry.get("paused")),
        is_sharded=text_or_null(entry.get("clusterType")) in {"SHARDED", "GEOSHARDED"},
        is_free=is_free(entry),
        is_internal=text_or_null(entry.get("internalClusterRole")) not in {None, "", "NONE"},
    )
