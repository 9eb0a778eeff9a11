"""
The form of the bookkeeping items: one for each watched project, one for the stack. Pure.

They lie in the partition of the sweeps' lease, where no job can be. Moments are ISO 8601, in UTC.
A field counts as absent if it cannot be read, or lies too far ahead to be true. The others stay.
"""

from collections.abc import Mapping
from copy import replace
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, OnErrorOmit, StrictStr, ValidationError

from foundation.clock import utc_text
from foundation.json_text import as_list, as_map
from foundation.outside import FromOutside, IfReadable, if_unreadable
from foundation.retention import RETENTION
from restore_watch.atlas.families import LISTED_KINDS
from restore_watch.model.credentials_expiry import NOT_ASKED, CredentialsExpiry
from restore_watch.model.forms_of_fields import (
    PastMoment,
    ProjectName,
    is_cluster_name,
    is_object_id,
)
from restore_watch.model.health import Health
from restore_watch.model.marks import OLDEST_MARK, Marks, Part
from restore_watch.model.restore_target import RestoreKind
from restore_watch.model.watch_change import LARGEST_COUNT, WatchChange
from restore_watch.table.stored_fields import (
    PROJECT,
    STACK,
    StoredInteger,
    deserialized,
)


@dataclass(frozen=True)
class Project:
    """
    A project, as the table has it.

    `marks` is None if nobody has tried to list it, `listed_at` if nothing was ever read. `readable`
    has the families of endpoints that were read before. `removed_at` is when it was last dropped.
    `name`: as the list of projects showed it last. Only the stack has an `expiry`, of its
    credentials.
    """

    group_id: str
    marks: Marks | None = None
    listed_at: datetime | None = None
    readable: frozenset[str] = frozenset()
    stored_health: Health | None = None
    removed_at: datetime | None = None
    expiry: CredentialsExpiry = NOT_ASKED
    name: str | None = None

    @property
    def is_removed(self) -> bool:
        """Whether it was dropped, and is not watched again."""
        return self.removed_at is not None and self.marks is None

    @property
    def has_begun(self) -> bool:
        """Its marks are stored, and of use."""
        return self.marks is not None and not self.marks.is_lost

    @property
    def health(self) -> Health:
        """How well sweeps see the project. Without anything stored, nothing fails."""
        return self.stored_health or Health(group_id=self.group_id)


class _ProjectItem(FromOutside):
    """The attributes of an item, but for those of its outages. Nothing has to be right."""

    first_mark: IfReadable[PastMoment]
    mark: IfReadable[PastMoment]
    behind: IfReadable[dict[str, Annotated[PastMoment | None, if_unreadable(None)]]]
    listed_at: IfReadable[PastMoment]
    removed_at: IfReadable[PastMoment]
    readable: Annotated[frozenset[OnErrorOmit[StrictStr]], if_unreadable(frozenset())] = frozenset()
    name: ProjectName = None
    watch_version: Annotated[StoredInteger, Field(ge=1, le=LARGEST_COUNT), if_unreadable(0)] = 0


def read_project(attributes: Mapping[str, Any], now: datetime) -> Project | None:
    """
    Read an item of the partition, in DynamoDB's types. None if its key names no project.

    The stack counts as a project with an empty `group_id`. The next write replaces values in a form
    that this version cannot read.
    """
    name = attributes["restoreId"]["S"]
    other, _, group_id = name.partition(PROJECT)
    if name != STACK and (other or not is_object_id(group_id)):
        return None
    values = deserialized(attributes)
    read = _ProjectItem.read(values, now)
    return Project(
        group_id=group_id,
        marks=_marks(read, values, now),
        listed_at=read.listed_at,
        readable=read.readable,
        stored_health=_health(group_id or None, read.watch_version, values, now),
        removed_at=read.removed_at,
        expiry=NOT_ASKED if group_id else read_expiry(values.get("credentials")),
        name=read.name if group_id else None,
    )


def marks_as_values(marks: Marks) -> dict[str, Any]:
    """The attributes of the marks."""
    return {
        "firstMark": utc_text(marks.first),
        "mark": utc_text(marks.whole),
        "behind": {str(part): utc_text(mark) for part, mark in marks.behind.items()},
    }


def _marks(read: _ProjectItem, values: Mapping[str, Any], now: datetime) -> Marks | None:
    """The marks. An unknown mark lies as far back as possible, so that nothing is missed."""
    if not values.keys() & {"firstMark", "mark", "behind", "listedAt"}:
        return None
    oldest = now - OLDEST_MARK
    first, whole = _kept(read.first_mark, now), _kept(read.mark, now)
    is_lost = first is None or whole is None
    if whole is None or ("behind" in values and read.behind is None):
        is_lost, whole = True, oldest
    behind: dict[Part, datetime] = {}
    for name, mark in (read.behind or {}).items():
        kind, _, cluster_name = name.partition("/")
        if kind in LISTED_KINDS and (not cluster_name or is_cluster_name(cluster_name)):
            part = Part(RestoreKind(kind), cluster_name or None)
            behind[part] = _kept(mark, now) or oldest
    return Marks(first or whole, whole, behind, values.get("mark"), is_lost)


def _kept(mark: datetime | None, now: datetime) -> datetime | None:
    """None for a mark so old that its item would have been deleted."""
    return mark if mark and now - mark <= RETENTION else None


def expiry_as_value(expiry: CredentialsExpiry) -> dict[str, Any]:
    """The map, without values that are absent."""
    return expiry.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def read_expiry(stored: object) -> CredentialsExpiry:
    """Read the map. If somebody has changed it so that it cannot be read, nothing is known."""
    try:
        read = CredentialsExpiry.read(stored)
    except ValidationError:
        read = NOT_ASKED
    return replace(read, stored=stored)


def health_as_values(health: Health) -> dict[str, Any]:
    """The attributes of a health; None for an absent value."""
    values = health.model_dump(mode="json", by_alias=True, exclude_none=True)
    values["unsent"] = [_change_as_value(change) for change in health.unsent]
    names = ("troubles", "failingSince", "degraded", "recoveringSince", "lastSuccessAt", "unsent")
    return {name: values.get(name) or None for name in names}


def _change_as_value(change: WatchChange) -> dict[str, Any]:
    """One map: the values of its trouble, and its own."""
    values = change.model_dump(mode="json", by_alias=True, exclude_none=True)
    trouble = values.pop("trouble")
    return {**trouble, **values}


def _health(group_id: str | None, version: int, values: Mapping[str, Any], now: datetime) -> Health:
    """Read the health. A value that cannot be read counts as absent."""
    group = {"groupId": group_id}
    unsent = [as_map(change) for change in as_list(values.get("unsent"))]
    stored = {
        **values,
        **group,
        "version": version,
        # In an item, the values of the trouble stand beside those of the change.
        "unsent": [{**change, **group, "trouble": change} for change in unsent],
    }
    health = Health.read(stored, now)
    if health.failing_since or not health.troubles:
        return health
    # 1.0.0 stored no `failingSince`.
    first = min(trouble.since for trouble in health.troubles.values())
    return replace(health, failing_since=first)
