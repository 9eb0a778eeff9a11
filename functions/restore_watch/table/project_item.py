"""
The form of the bookkeeping items: one for each watched project, one for the stack. Pure.

They lie in the partition of the sweeps' lease, where no job can be. Moments are ISO 8601, in UTC.
A field counts as absent if it cannot be read, or lies too far ahead to be true. The others stay.

With several workers, projects have other keys than with one, so that each worker reads its own. An
item of before their number was changed is a stray, until it is moved.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from boto3.dynamodb.types import TypeDeserializer

from restore_watch.atlas.endpoints import CLUSTER_LISTS
from restore_watch.model.credentials_expiry import NOT_ASKED, CredentialsExpiry
from restore_watch.model.fields import is_cluster_name, is_object_id
from restore_watch.model.marks import OLDEST_MARK, Marks, Part
from restore_watch.model.outage import Watched
from restore_watch.model.restore_job import RestoreKind
from restore_watch.model.shares import SHARES, Worker, share_of
from restore_watch.model.status_change import utc_text
from restore_watch.table.expiry_item import read_expiry
from restore_watch.table.lease import lease_name
from restore_watch.table.stored_fields import RETENTION, past_moment, read_map, sweeps_key
from restore_watch.table.watched_item import read_watched

STACK = "stack"

MOVING_TIME = 15.0
"""Seconds of a sweep that moving strays may take. The next one goes on with it."""

MOVED_FOR = OLDEST_MARK
"""A stray that was moved stays so long, because an older version may have to go on with it."""

ABSENT_AT_ONCE = 1_000
"""So many projects that a list leaves out are stored: an item has room for 400 KB."""

_OF_ONE_WORKER, _OF_SEVERAL = "project/", "share/"

_deserialize = TypeDeserializer().deserialize


class LastList(NamedTuple):
    """
    When the first of several workers last read the list of all projects.

    It has left out the known projects that were `absent`, of which some were reported already.
    """

    read_at: datetime | None
    absent: Mapping[str, bool]

    def is_younger(self, now: datetime, seconds: float) -> bool:
        """Whether it was read so lately."""
        return self.read_at is not None and 0 <= (now - self.read_at).total_seconds() < seconds


NO_LIST = LastList(None, {})


@dataclass(frozen=True)
class Project:
    """
    A project, as the table has it.

    `marks` is None if nobody has tried to list it, `listed_at` if nothing was ever read. `readable`
    has the families of endpoints that were read before. `removed_at` is when it was last dropped.
    Only the stack has an `expiry`, of its credentials, and a `last_list`.
    """

    group_id: str
    marks: Marks | None = None
    listed_at: datetime | None = None
    readable: frozenset[str] = frozenset()
    stored_watched: Watched | None = None
    removed_at: datetime | None = None
    expiry: CredentialsExpiry = NOT_ASKED
    last_list: LastList = NO_LIST

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


def project_key(group_id: str | None, workers: int = 1) -> dict[str, Any]:
    """The primary key of a project's item, or of the stack's, in DynamoDB's types."""
    return sweeps_key(STACK if group_id is None else _name(group_id, workers))


def parts_of(worker: Worker) -> Sequence[Sequence[str]]:
    """
    The first and the last sort key of each part that a worker reads. One worker reads everything.

    There may be so many strays that only the first of several workers reads them, and the leases.
    """
    if worker.of == 1:
        return [()]
    lease = lease_name(worker)
    last = f"{_OF_ONE_WORKER}~" if worker.leads else lease
    first, end = (number * SHARES // worker.of for number in (worker.number, worker.number + 1))
    own = (f"{_OF_SEVERAL}{first:x}/", f"{_OF_SEVERAL}{end - 1:x}/~")
    return [(lease, last), own, (STACK, STACK)]


def sort_out(
    items: Sequence[Mapping[str, Any]], worker: Worker, now: datetime
) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    """
    Return the items, in DynamoDB's types, that have their keys, and the strays to be moved.

    One that expires soon was moved, and nobody has written it since. Where that is the key again,
    only the first worker sees whether a later one is still to be moved back.
    """
    elsewhere = _OF_ONE_WORKER if worker.of > 1 else _OF_SEVERAL
    moved = (now + MOVED_FOR).timestamp()
    known, strays = list[Mapping[str, Any]](), list[Mapping[str, Any]]()
    for one in items:
        is_left = float(one.get("expiresAt", {}).get("N", "inf")) > moved
        if one["restoreId"]["S"].startswith(elsewhere):
            strays += [one] if is_left else []
        elif is_left or worker.leads:
            known.append(one)
    return known, strays


def values_to_move(stray: Mapping[str, Any]) -> dict[str, Any]:
    """The values of an item but its key, and those that somebody gave a name of another form."""
    names = [name for name in stray if name.isascii() and name.isidentifier()]
    return {one: _deserialize(stray[one]) for one in names if one not in {"cluster", "restoreId"}}


def read_project(attributes: Mapping[str, Any], now: datetime) -> Project | None:
    """
    Read an item of the partition, in DynamoDB's types. None if its key is not that of a project.

    The stack counts as a project with an empty `group_id`. The next write replaces values in a form
    that this version cannot read.
    """
    name = attributes["restoreId"]["S"]
    group_id = None if name == STACK else name.rpartition("/")[2]
    if group_id is not None:
        is_key = name == _name(group_id, 1) or name == _name(group_id, SHARES)
        if not is_key or not is_object_id(group_id):
            return None
    values = {key: _deserialize(one) for key, one in attributes.items()}
    readable = stored if isinstance(stored := values.get("readable"), set | list) else ()
    return Project(
        group_id=group_id or "",
        marks=_marks(values, now),
        listed_at=past_moment(values.get("listedAt"), now),
        readable=frozenset(one for one in readable if isinstance(one, str)),
        stored_watched=read_watched(group_id, values, now),
        removed_at=past_moment(values.get("removedAt"), now),
        expiry=NOT_ASKED if group_id else read_expiry(values.get("credentials")),
        last_list=NO_LIST if group_id else _last_list(values, now),
    )


def marks_as_values(marks: Marks) -> dict[str, Any]:
    """The attributes of the marks."""
    return {
        "firstMark": utc_text(marks.first),
        "mark": utc_text(marks.whole),
        "behind": {str(part): utc_text(mark) for part, mark in marks.behind.items()},
    }


def _name(group_id: str, workers: int) -> str:
    start = _OF_ONE_WORKER if workers == 1 else f"{_OF_SEVERAL}{share_of(group_id):x}/"
    return f"{start}{group_id}"


def _last_list(values: Mapping[str, Any], now: datetime) -> LastList:
    absent = {name: one is True for name, one in read_map(values.get("absent")).items()}
    return LastList(past_moment(values.get("listedAt"), now), absent)


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
    for name, mark in read_map(stored).items():
        kind, _, cluster_name = name.partition("/")
        if kind in CLUSTER_LISTS and (not cluster_name or is_cluster_name(cluster_name)):
            part = Part(RestoreKind(kind), cluster_name or None)
            behind[part] = _mark(mark, now) or now - OLDEST_MARK
    return Marks(first or whole, whole, behind, values.get("mark"), is_lost)


def _mark(stored: object, now: datetime) -> datetime | None:
    """None for a mark so old that its item would have been deleted."""
    mark = past_moment(stored, now)
    return mark if mark and now - mark <= RETENTION else None
