"""
The form of the bookkeeping items: one for each watched project, one for the stack. Pure.

They lie in the partition of the sweeps' lease, where no job can be. Moments are ISO 8601, in UTC.
A field that cannot be read, or that lies too far ahead to be true, counts as absent, and the others
stay.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

from boto3.dynamodb.types import TypeDeserializer
from pydantic import (
    BaseModel,
    ConfigDict,
    TypeAdapter,
    ValidationError,
)
from pydantic.alias_generators import to_camel

from restore_watch.atlas.endpoints import CLUSTER_LISTS
from restore_watch.model.fields import ClusterName, ObjectId, OrNull
from restore_watch.model.marks import FIRST_MARK, OLDEST_MARK, Marks, Part
from restore_watch.model.outage import Trouble, WatchChange, Watched, WatchState
from restore_watch.model.restore_job import RestoreKind
from restore_watch.model.status_change import utc_text
from restore_watch.table.stored_fields import AHEAD, Moment, Words

PARTITION = "sweeps"
"""A job's partition key contains a slash."""

STACK = "stack"

_PROJECT = "project/"

RETENTION = timedelta(days=400)
"""How long an item is kept that no sweep writes: as long as a job, so that no break is too long."""

LARGEST_VERSION = 10**15
"""No number of writes is larger."""

_deserialize = TypeDeserializer().deserialize
_ID, _NAME = TypeAdapter(ObjectId), TypeAdapter(ClusterName)


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
    def has_begun(self) -> bool:
        """Its marks are stored, and of use."""
        return self.marks is not None and not self.marks.is_lost

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
    since: Moment
    error: Words
    message: Words
    fix: OrNull[Words] = None

    def read(self) -> Trouble:
        return Trouble(self.since, self.error, self.message, self.fix or "")


class _Change(_Trouble):
    state: WatchState
    at: Moment
    last_success_at: OrNull[Moment] = None
    open_jobs: OrNull[int] = None
    reason: OrNull[Literal["removed"]] = None


class _Listed(_Model):
    first_mark: OrNull[Moment] = None
    mark: OrNull[Moment] = None
    listed_at: OrNull[Moment] = None
    behind: OrNull[dict[str, OrNull[Moment]]] = None
    readable: OrNull[frozenset[str]] = None
    removed_at: OrNull[Moment] = None


class _Seen(_Model):
    troubles: OrNull[dict[str, OrNull[_Trouble]]] = None
    failing_since: OrNull[Moment] = None
    degraded: OrNull[_Trouble] = None
    recovering_since: OrNull[Moment] = None
    last_success_at: OrNull[Moment] = None
    unsent: OrNull[tuple[OrNull[_Change], ...]] = None
    watch_version: Any = None
    expires_at: OrNull[int] = None


def project_key(group_id: str | None) -> dict[str, Any]:
    """The primary key of a project's item, or of the stack's, in DynamoDB's types."""
    name = STACK if group_id is None else f"{_PROJECT}{group_id}"
    return {"cluster": {"S": PARTITION}, "restoreId": {"S": name}}


def expires_at(now: datetime) -> int:
    """When DynamoDB deletes the item, in Unix seconds."""
    return int((now + RETENTION).timestamp())


def read_project(attributes: Mapping[str, Any], now: datetime) -> Project | None:
    """
    Read an item of the partition, in DynamoDB's types. None if its key is not that of a project.

    The stack's is a project without an id: its `group_id` is empty. What is in a form that this
    version cannot read is replaced when something is written.
    """
    name = attributes["restoreId"]["S"]
    if name != STACK and not name.startswith(_PROJECT):
        return None
    group_id = name.removeprefix(_PROJECT) if name != STACK else None
    if group_id is not None and not _is_a(_ID, group_id):
        return None
    values = {key: _deserialize(one) for key, one in attributes.items()}
    listed = _Listed.model_validate(values, context=now)
    return Project(
        group_id=group_id or "",
        marks=_marks(listed, values, now),
        listed_at=listed.listed_at,
        readable=listed.readable or frozenset(),
        stored_watched=_watched(group_id, _Seen.model_validate(values, context=now), now),
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


def _marks(item: _Listed, values: Mapping[str, Any], now: datetime) -> Marks | None:
    """The marks. What is not known lies as far back as a mark may, so that nothing is missed."""
    if not values.keys() & {"firstMark", "mark", "behind", "listedAt"}:
        return None
    first, whole = (_believed(mark, now) for mark in (item.first_mark, item.mark))
    is_lost = first is None or whole is None
    if whole is None or ("behind" in values and item.behind is None):
        is_lost, whole = True, now - OLDEST_MARK
    behind: dict[Part, datetime] = {}
    for name, mark in (item.behind or {}).items():
        kind, _, cluster_name = name.partition("/")
        if kind in CLUSTER_LISTS and (not cluster_name or _is_a(_NAME, cluster_name)):
            part = Part(RestoreKind(kind), cluster_name or None)
            behind[part] = _believed(mark, now) or now - OLDEST_MARK
    return Marks(first or whole, whole, behind, values.get("mark"), is_lost)


def _believed(mark: datetime | None, now: datetime) -> datetime | None:
    """An item with an older mark would have been deleted."""
    return mark if mark and now - mark <= RETENTION else None


def _watched(group_id: str | None, item: _Seen, now: datetime) -> Watched:
    latest = (now + RETENTION + AHEAD).timestamp()
    kept = item.expires_at if item.expires_at and 0 < item.expires_at <= latest else None
    version = item.watch_version
    is_version = isinstance(version, Decimal) and 1 <= version <= LARGEST_VERSION
    troubles = {name: one.read() for name, one in (item.troubles or {}).items() if one}
    # 1.0.0 stored no `failingSince`.
    first = min((one.since for one in troubles.values()), default=None)
    return Watched(
        group_id=group_id,
        version=version if is_version else 0,
        troubles=troubles,
        failing_since=item.failing_since or first,
        degraded=item.degraded.read() if item.degraded else None,
        recovering_since=item.recovering_since,
        last_success_at=item.last_success_at,
        kept_until=datetime.fromtimestamp(kept, UTC) if kept else None,
        unsent=tuple(
            WatchChange(
                state=one.state,
                group_id=group_id,
                trouble=one.read(),
                at=one.at,
                last_success_at=one.last_success_at,
                open_jobs=one.open_jobs or 0,
                reason=one.reason,
            )
            for one in item.unsent or ()
            if one
        ),
    )


def _moment(moment: datetime | None) -> str | None:
    return utc_text(moment) if moment else None


def _is_a(form: TypeAdapter[str], text: str) -> bool:
    try:
        form.validate_python(text)
    except ValidationError:
        return False
    return True


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
