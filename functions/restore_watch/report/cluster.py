"""A cluster as Atlas lists it, with what is said about its backups. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from foundation.outside import FromOutside, IfReadable, UtcDate
from restore_watch.atlas.clusters_to_watch import is_free
from restore_watch.atlas.listed_tags import ListedTags, tags_of
from restore_watch.model.cluster_tags import ClusterTags, read_cluster_tags
from restore_watch.model.forms_of_fields import AtlasText, Flag, id_made_at, is_object_id
from restore_watch.model.restore_target import ClusterKey, RestoreKind


@dataclass(frozen=True)
class Cluster:
    """
    A cluster that Atlas lists: `kind` says in which of its two lists, flex or dedicated.

    A name may be used again after a deletion; `id` is used once. `repeated_tags`: the keys of tags
    that Atlas lists more than once. `has_backups`, `is_continuous` (restorable to a point in time)
    and `is_paused` are None if Atlas says nothing. It `is_internal` if Atlas keeps it for itself.
    It is not `is_listed` if only the table knows it, because a list of Atlas could not be read:
    then its tags are not known either.
    """

    group_id: str
    name: str
    kind: RestoreKind
    id: str | None = None
    created_at: datetime | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    repeated_tags: frozenset[str] = frozenset()
    has_backups: bool | None = None
    is_continuous: bool | None = None
    is_paused: bool | None = None
    is_sharded: bool = False
    is_free: bool = False
    is_internal: bool = False
    is_listed: bool = True

    @property
    def key(self) -> ClusterKey:
        """Its project and its name, by which restore jobs name it."""
        return self.group_id, self.name

    @cached_property
    def by_tags(self) -> ClusterTags:
        """What its tags ask for."""
        return read_cluster_tags(self.tags, self.repeated_tags)

    def existed_at(self, moment: datetime) -> bool:
        """Whether it was there: what was before is of an older cluster of its name."""
        return self.created_at is None or self.created_at <= moment


class _BackupSettings(FromOutside):
    enabled: IfReadable[Flag]


class _ListedCluster(FromOutside):
    """What an entry of either list says. What cannot be read counts as not said."""

    id: IfReadable[AtlasText]
    name: IfReadable[AtlasText]
    create_date: IfReadable[UtcDate]
    tags: ListedTags = ()
    cluster_type: IfReadable[AtlasText]
    internal_cluster_role: IfReadable[AtlasText]
    backup_settings: IfReadable[_BackupSettings]
    """Of a Flex cluster. The next three are of a dedicated cluster."""
    backup_enabled: IfReadable[Flag]
    pit_enabled: IfReadable[Flag]
    paused: IfReadable[Flag]

    @property
    def made_at(self) -> datetime | None:
        """When the cluster was made. Without a date, it is as old as its id."""
        if self.create_date is not None:
            return self.create_date
        return id_made_at(self.id) if self.id and is_object_id(self.id) else None

    @property
    def has_flex_backups(self) -> bool | None:
        """Whether a Flex cluster has backups."""
        return self.backup_settings.enabled if self.backup_settings else None


def read_cluster(group_id: str, kind: RestoreKind, entry: Mapping[str, Any]) -> Cluster:
    """Read an entry of a list of clusters."""
    read = _ListedCluster.read(entry)
    is_flex = kind is RestoreKind.FLEX
    tags = tags_of(read.tags)
    return Cluster(
        group_id,
        read.name or "",
        kind,
        id=read.id,
        created_at=read.made_at,
        tags=tags.values,
        repeated_tags=tags.repeated,
        has_backups=read.has_flex_backups if is_flex else read.backup_enabled,
        is_continuous=False if is_flex else read.pit_enabled,
        is_paused=False if is_flex else read.paused,
        is_sharded=read.cluster_type in {"SHARDED", "GEOSHARDED"},
        is_free=is_free(entry),
        is_internal=read.internal_cluster_role not in {None, "", "NONE"},
    )
