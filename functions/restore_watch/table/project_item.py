"""
The form of the bookkeeping items: one for each watched project, one for the stack. Pure.

They lie in the partition of the sweeps' lease, where no job can be. Moments are ISO 8601, in UTC.
A field counts as absent if it cannot be read, or lies too far ahead to be true. The others stay.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from foundation.how_long_kept import RETENTION
from foundation.json_text import as_list, as_map
from restore_watch.atlas.families import LISTED_KINDS
from restore_watch.model.credentials_expiry import NOT_ASKED, CredentialsExpiry
from restore_watch.model.field_types import OrNull
from restore_watch.model.fields import is_cluster_name, is_object_id
from restore_watch.model.marks import OLDEST_MARK, Marks, Part
from restore_watch.model.outage import LARGEST_COUNT, Watched
from restore_watch.model.restore_job import RestoreKind
from restore_watch.model.status_change import utc_text
from restore_watch.table.stored_fields import deserialize, past_moment, sweeps_key

STACK = "stack"

_PROJECT = "project/"

# A check needs no adapter, and making one takes milliseconds of a cold start.
_adapter: Callable[[Any], TypeAdapter[Any]] = cache(TypeAdapter)
_EXPIRY = OrNull[CredentialsExpiry]


@dataclass(frozen=True)
class Project:
    """
    A project, as the table has it.

    `marks` is None if nobody has tried to list it, `listed_at` if nothing was ever read. `readable`
    has the families of endpoints that were read before. `removed_at` is when it was last dropped.
    Only the stack has an `expiry`, of its credentials.
    """

    group_id: str
    marks: Marks | None = None
    listed_at: datetime | None = None
    readable: frozenset[str] = frozenset()
    stored_watched: Watched | None = None
    removed_at: datetime | None = None
    expiry: CredentialsExpiry = NOT_ASKED

    @property
    def is_removed(self) -> bool:
        """Whether it was dropped, and is not watched again."""
        return self.removed_at is not None and self.marks is None

    @property
    def has_begun(self) -> bool:
        """Its marks are stored, and of use."""
        return self.marks is not None and not self.marks.is_lost

    @property
    def watched(self) -> Watched:
        """How the project is seen."""
        return self.stored_watched or Watched(self.group_id)


def project_key(group_id: str | None) -> dict[str, Any]:
    """The primary key of a project's item, or of the stack's, in DynamoDB's types."""
    return sweeps_key(STACK if group_id is None else f"{_PROJECT}{group_id}")


def read_project(attributes: Mapping[str, Any], now: datetime) -> Project | None:
    """
    Read an item of the partition, in DynamoDB's types. None if its key names no project.

    The stack counts as a project with an empty `group_id`. The next write replaces values in a form
    that this version cannot read.
    """
    name = attributes["restoreId"]["S"]
    other, _, group_id = name.partition(_PROJECT)
    if name != STACK and (other or not is_object_id(group_id)):
        return None
    values = {key: deserialize(one) for key, one in attributes.items()}
    readable = stored if isinstance(stored := values.get("readable"), set | list) else ()
    return Project(
        group_id=group_id,
        marks=_marks(values, now),
        listed_at=past_moment(values.get("listedAt"), now),
        readable=frozenset(one for one in readable if isinstance(one, str)),
        stored_watched=read_watched(group_id or None, values, now),
        removed_at=past_moment(values.get("removedAt"), now),
        expiry=NOT_ASKED if group_id else read_expiry(values.get("credentials")),
    )


def marks_as_values(marks: Marks) -> dict[str, Any]:
    """The attributes of the marks."""
    return {
        "firstMark": utc_text(marks.first),
        "mark": utc_text(marks.whole),
        "behind": {str(part): utc_text(mark) for part, mark in marks.behind.items()},
    }


def _marks(values: Mapping[str, Any], now: datetime) -> Marks | None:
    """The marks. An unknown mark lies as far back as possible, so that nothing is missed."""
    if not values.keys() & {"firstMark", "mark", "behind", "listedAt"}:
        return None
    first, whole = (_mark(values.get(name), now) for name in ("firstMark", "mark"))
    stored = values.get("behind", {})
    is_lost = first is None or whole is None
    if whole is None or not isinstance(stored, dict):
        is_lost, whole = True, now - OLDEST_MARK
    behind: dict[Part, datetime] = {}
    for name, mark in as_map(stored).items():
        kind, _, cluster_name = name.partition("/")
        if kind in LISTED_KINDS and (not cluster_name or is_cluster_name(cluster_name)):
            part = Part(RestoreKind(kind), cluster_name or None)
            behind[part] = _mark(mark, now) or now - OLDEST_MARK
    return Marks(first or whole, whole, behind, values.get("mark"), is_lost)


def _mark(stored: object, now: datetime) -> datetime | None:
    """None for a mark so old that its item would have been deleted."""
    mark = past_moment(stored, now)
    return mark if mark and now - mark <= RETENTION else None


def expiry_as_value(expiry: CredentialsExpiry) -> dict[str, Any]:
    """The map, without values that are absent."""
    dump = _adapter(_EXPIRY).dump_python
    return dict(dump(expiry, mode="json", by_alias=True, exclude_defaults=True))


def read_expiry(stored: object) -> CredentialsExpiry:
    """Read the map. If somebody has changed it so that it cannot be read, nothing is known."""
    return replace(_adapter(_EXPIRY).validate_python(stored) or NOT_ASKED, stored=stored)


def watched_as_values(watched: Watched) -> dict[str, Any]:
    """The attributes of how the project is seen; None for an absent value."""
    values = _adapter(Watched).dump_python(watched, mode="json", by_alias=True, exclude_none=True)
    values["unsent"] = [one.pop("trouble") | one for one in values["unsent"]]
    names = ("troubles", "failingSince", "degraded", "recoveringSince", "lastSuccessAt", "unsent")
    return {name: values.get(name) or None for name in names}


def read_watched(group_id: str | None, values: Mapping[str, Any], now: datetime) -> Watched:
    """Read the attributes of an item. A value that cannot be read counts as absent."""
    group, version = {"groupId": group_id}, values.get("watchVersion")
    is_version = isinstance(version, Decimal) and 1 <= version <= LARGEST_COUNT
    unsent = as_list(values.get("unsent"))
    stored = {
        **values,
        **group,
        "version": version if is_version else 0,
        "troubles": as_map(values.get("troubles")),
        "unsent": [as_map(one) | group | {"trouble": one} for one in unsent],
    }
    watched: Watched = _adapter(Watched).validate_python(stored, context=now)
    if watched.failing_since or not watched.troubles:
        return watched
    # 1.0.0 stored no `failingSince`.
    return replace(watched, failing_since=min(one.since for one in watched.troubles.values()))
