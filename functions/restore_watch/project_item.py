"""
The form of the bookkeeping items: one for each watched project, one for the stack. Pure.

They lie in the partition of the sweeps' lease, where no job can be. Moments are ISO 8601, in UTC.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from restore_watch.atlas.families import CLUSTER_LISTS
from restore_watch.marks import FIRST_MARK, Marks, Part
from restore_watch.restore_job import RestoreKind, UtcDate
from restore_watch.status_change import utc_text
from restore_watch.watch_change import Trouble, WatchChange, Watched, WatchState

PARTITION = "sweeps"
"""A job's partition key contains a slash."""

STACK = "stack"

_PROJECT = "project/"

RETENTION = timedelta(days=30)
"""How long an item is kept that no sweep writes."""

_deserialize = TypeDeserializer().deserialize


@dataclass(frozen=True)
class Project:
    """
    What the table remembers of a project.

    `marks` is None if nobody has tried to list it, `listed_at` if nothing was ever read. `readable`
    has the families of endpoints that were read before. `removed_at` is when it was last dropped.
    """

    group_id: str
    marks: Marks | None = None
    listed_at: datetime | None = None
    readable: frozenset[str] = frozenset()
    stored_watched: Watched | None = None
    removed_at: datetime | None = None

    @property
    def is_removed(self) -> bool:
        """Whether it was dropped, and is not watched again."""
        return self.removed_at is not None and self.marks is None

    @property
    def watched(self) -> Watched:
        """How the project is seen."""
        return self.stored_watched or Watched(self.group_id)

    @property
    def waits_since(self) -> datetime | None:
        """When it was last listed, or else when it was to be listed for the first time."""
        first = self.marks.first + FIRST_MARK if self.marks else None
        return self.listed_at or first


class _Model(BaseModel):
    model_config = ConfigDict(extra="ignore", alias_generator=to_camel, frozen=True)


class _Trouble(_Model):
    since: UtcDate
    error: str
    message: str
    fix: str = ""

    def read(self) -> Trouble:
        return Trouble(self.since, self.error, self.message, self.fix)


class _Change(_Trouble):
    state: WatchState
    at: UtcDate
    last_success_at: UtcDate | None = None
    open_jobs: int = 0
    reason: str | None = None


class _Listed(_Model):
    first_mark: UtcDate | None = None
    mark: UtcDate | None = None
    listed_at: UtcDate | None = None
    behind: dict[str, UtcDate] = {}
    readable: frozenset[str] = frozenset()
    removed_at: UtcDate | None = None


class _Seen(_Model):
    troubles: dict[str, _Trouble] = {}
    failing_since: UtcDate | None = None
    degraded: _Trouble | None = None
    recovering_since: UtcDate | None = None
    last_success_at: UtcDate | None = None
    unsent: tuple[_Change, ...] = ()
    watch_version: int = 0
    expires_at: int | None = None


def project_key(group_id: str | None) -> dict[str, Any]:
    """The primary key of a project's item, or of the stack's, in DynamoDB's types."""
    name = STACK if group_id is None else f"{_PROJECT}{group_id}"
    return {"cluster": {"S": PARTITION}, "restoreId": {"S": name}}


def expires_at(now: datetime) -> int:
    """When DynamoDB deletes the item, in Unix seconds."""
    return int((now + RETENTION).timestamp())


def read_project(attributes: Mapping[str, Any]) -> Project | None:
    """
    Read an item of the partition, in DynamoDB's types. None if it is the lease or cannot be read.

    The stack's is a project without an id: its `group_id` is empty. If only how it is seen is in a
    form that this version cannot read, it counts as healthy, and what is written replaces that.
    """
    name = attributes["restoreId"]["S"]
    if name != STACK and not name.startswith(_PROJECT):
        return None
    group_id = name.removeprefix(_PROJECT) if name != STACK else None
    values = {key: _deserialize(one) for key, one in attributes.items()}
    try:
        listed = _Listed.model_validate(values)
    except ValueError:
        return None
    return Project(
        group_id=group_id or "",
        marks=_marks(listed),
        listed_at=listed.listed_at,
        readable=listed.readable,
        stored_watched=_watched(group_id, values),
        removed_at=listed.removed_at,
    )


def marks_as_values(marks: Marks) -> dict[str, Any]:
    """The attributes of the marks."""
    return {
        "firstMark": utc_text(marks.first),
        "mark": utc_text(marks.whole),
        "behind": {str(part): utc_text(mark) for part, mark in marks.behind.items()},
    }


def watched_as_values(watched: Watched) -> dict[str, Any]:
    """The attributes of how the project is seen; None for what is absent."""
    troubles = {name: _trouble(one) for name, one in watched.troubles.items()}
    return {
        "troubles": troubles or None,
        "failingSince": _moment(watched.failing_since),
        "degraded": _trouble(watched.degraded) if watched.degraded else None,
        "recoveringSince": _moment(watched.recovering_since),
        "lastSuccessAt": _moment(watched.last_success_at),
        "unsent": [_change(one) for one in watched.unsent] or None,
    }


def _marks(item: _Listed) -> Marks | None:
    if item.mark is None:
        return None
    behind: dict[Part, datetime] = {}
    for name, mark in item.behind.items():
        kind, _, cluster_name = name.partition("/")
        if kind in CLUSTER_LISTS:
            behind[Part(RestoreKind(kind), cluster_name or None)] = mark
    return Marks(item.first_mark or item.mark, item.mark, behind)


def _watched(group_id: str | None, values: Mapping[str, Any]) -> Watched:
    try:
        return _read_watched(group_id, _Seen.model_validate(values))
    except (ValueError, OverflowError):
        version = values.get("watchVersion")
        return Watched(group_id, int(version) if isinstance(version, Decimal) else 0)


def _read_watched(group_id: str | None, item: _Seen) -> Watched:
    # 1.0.0 stored no `failingSince`.
    first = min((one.since for one in item.troubles.values()), default=None)
    return Watched(
        group_id=group_id,
        version=item.watch_version,
        troubles={name: one.read() for name, one in item.troubles.items()},
        failing_since=item.failing_since or first,
        degraded=item.degraded.read() if item.degraded else None,
        recovering_since=item.recovering_since,
        last_success_at=item.last_success_at,
        kept_until=datetime.fromtimestamp(item.expires_at, UTC) if item.expires_at else None,
        unsent=tuple(
            WatchChange(
                state=one.state,
                group_id=group_id,
                trouble=one.read(),
                at=one.at,
                last_success_at=one.last_success_at,
                open_jobs=one.open_jobs,
                reason=one.reason,
            )
            for one in item.unsent
        ),
    )


def _moment(moment: datetime | None) -> str | None:
    return utc_text(moment) if moment else None


def _trouble(trouble: Trouble) -> dict[str, Any]:
    return {
        "since": utc_text(trouble.since),
        "error": trouble.error,
        "message": trouble.message,
        **({"fix": trouble.fix} if trouble.fix else {}),
    }


def _change(change: WatchChange) -> dict[str, Any]:
    optional = {"lastSuccessAt": _moment(change.last_success_at), "reason": change.reason}
    return {
        **_trouble(change.trouble),
        **{name: value for name, value in optional.items() if value is not None},
        "state": change.state,
        "at": utc_text(change.at),
        "openJobs": change.open_jobs,
    }
