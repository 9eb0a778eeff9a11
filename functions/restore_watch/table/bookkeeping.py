"""
The bookkeeping of sweeps: the marks of each watched project, and how it is seen.

The stack's own item has when its credentials expire, too.

One query reads all of it; of several workers, each reads its part. Every write is conditional, so a
sweep that outlives its lease does no harm.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from foundation.deadline import Deadline
from restore_watch.model.credentials_expiry import CredentialsExpiry
from restore_watch.model.marks import Marks
from restore_watch.model.outage import Watched
from restore_watch.model.shares import ALONE, Worker
from restore_watch.model.status_change import utc_text
from restore_watch.model.summary import Summary
from restore_watch.table.expiry_item import expiry_as_value
from restore_watch.table.items import Items
from restore_watch.table.lease import read_success, read_summaries
from restore_watch.table.project_item import (
    ABSENT_AT_ONCE,
    MOVED_FOR,
    MOVING_TIME,
    LastList,
    Project,
    marks_as_values,
    parts_of,
    project_key,
    read_project,
    sort_out,
    values_to_move,
)
from restore_watch.table.stored_fields import AHEAD, PARTITION, expires_at
from restore_watch.table.watched_item import LARGEST_COUNT, watched_as_values

_STILL = "#mark = :known"
_STILL_OR_NONE = f"attribute_not_exists(#mark) OR {_STILL}"
_LISTED = ("firstMark", "mark", "behind", "listedAt", "readable")
_OF_PROJECT = (*_LISTED, "removedAt", "watchVersion", *watched_as_values(Watched(None)))
_NOT_SINCE = "NOT (attribute_type(#listedAt, :text) AND #listedAt BETWEEN :listedAt AND :ahead)"
_AS_READ = "#watchVersion = :version"
# A value that cannot be a version counts as absent.
_FIRST = (
    "NOT (attribute_type(#watchVersion, :number) AND #watchVersion BETWEEN :first AND :largest)"
)


class Books(NamedTuple):
    """What the table remembers for a sweep. `succeeded_at`: when the last one did, in UTC."""

    projects: dict[str, Project]
    stack: Watched
    expiry: CredentialsExpiry
    succeeded_at: datetime | None
    summaries: Mapping[str, Summary]
    last_list: LastList | None


class Bookkeeping(Items):
    """The bookkeeping items of the table, in a stack of so many workers."""

    def __init__(self, client: Any, table_name: str, workers: int = 1) -> None:
        super().__init__(client, table_name)
        self._workers = workers

    def read(self, deadline: Deadline, now: datetime, worker: Worker | None = None) -> Books:
        """
        Return what is known, of projects those of the worker; the first one moves strays.

        Without a worker, return everything, and move nothing.
        """
        reader = worker or ALONE
        entries = [
            entry
            for part in parts_of(reader)
            for entry in self._query({"cluster": PARTITION}, deadline, between=part)
        ]
        known, strays = sort_out(entries, reader, now)
        moving = deadline.within(MOVING_TIME if worker else 0.0)
        known += [self._move(one, now, deadline) if moving.remaining() else one for one in strays]
        # Of two items of a project, the last one counts.
        read = [project for one in known if (project := read_project(one, now))]
        stack = next((one for one in read if not one.group_id), Project(""))
        seen = stack.stored_watched or Watched(None)
        own = {one.group_id: one for one in read if one.group_id and reader.has(one.group_id)}
        summaries = {} if reader.of == 1 else read_summaries(entries, now)
        success, listed = read_success(entries, reader, now), stack.last_list
        return Books(own, seen, stack.expiry, success, summaries, listed if reader.of > 1 else None)

    def find(self, group_id: str, now: datetime, deadline: Deadline) -> Project:
        """Return a project that was not read. It may be a stray, or have been one."""
        stray, own = project_key(group_id), project_key(group_id, self._workers)
        if stray == own:  # one worker has read everything
            return Project(group_id)
        item = self._read(stray, deadline, "mark")
        item = self._move(item, now, deadline) if item else self._read(own, deadline, "mark")
        return (read_project(item, now) if item else None) or Project(group_id)

    def _move(
        self, stray: Mapping[str, Any], now: datetime, deadline: Deadline
    ) -> Mapping[str, Any]:
        """Copy a stray to its key, unless a later item with marks lies there. Return that item."""
        place = project_key(stray["restoreId"]["S"].rpartition("/")[2], self._workers)
        values = values_to_move(stray)
        written = {"written": values.get("expiresAt", 0)}
        stored = self._update(
            place,
            deadline,
            sets=dict.fromkeys(_OF_PROJECT) | values,
            condition="attribute_not_exists(#mark) OR #expiresAt < :written",
            values=written,
        )
        # Unless an older version goes on with it, the stray expires.
        self._update(
            {name: stray[name] for name in place},
            deadline,
            sets={"expiresAt": int((now + MOVED_FOR).timestamp())},
            condition="#expiresAt = :written",
            values=written,
        )
        return {**place, **stored}

    def begin(
        self,
        group_id: str,
        marks: Marks,
        now: datetime,
        deadline: Deadline,
        *,
        lost: object = None,
    ) -> None:
        """
        Store the first marks of a project, unless it has some, or replace the `lost` mark.

        Only this write may move a mark back.
        """
        self._update(
            project_key(group_id, self._workers),
            deadline,
            sets=marks_as_values(marks) | {"expiresAt": expires_at(now)},
            condition=_STILL_OR_NONE,
            values={"known": lost},
        )

    def move(
        self,
        project: Project,
        marks: Marks,
        now: datetime,
        readable: Collection[str],
        deadline: Deadline,
        *,
        is_full: bool,
    ) -> None:
        """
        Store the marks after a listing, and the families of endpoints that it could read.

        Nothing is stored if somebody else has moved the marks since they were read. Only a full
        listing stores when the project was last listed.
        """
        if project.marks is None:
            return
        sets = marks_as_values(marks) | {"expiresAt": expires_at(now)}
        del sets["firstMark"]
        if is_full:
            sets["listedAt"] = utc_text(now)
        if readable:
            sets["readable"] = {*project.readable, *readable}
        self._update(
            project_key(project.group_id, self._workers),
            deadline,
            sets=sets,
            condition=_STILL,
            values={"known": _stored_mark(project.marks)},
        )

    def drop(self, project: Project, now: datetime, deadline: Deadline) -> None:
        """Forget the marks of a project that is no longer watched, and store when that was."""
        if project.marks is not None:
            self._update(
                project_key(project.group_id, self._workers),
                deadline,
                sets={"removedAt": utc_text(now), **dict.fromkeys(_LISTED)},
                condition=_STILL_OR_NONE,
                values={"known": _stored_mark(project.marks)},
            )

    def watch(self, watched: Watched, now: datetime, deadline: Deadline) -> Watched | None:
        """
        Store how a project is seen; None if somebody else has stored it since it was read.

        A write whose answer was lost counts as written by somebody else.
        """
        version = watched.version + 1
        first = {"number": "N", "first": 1, "largest": LARGEST_COUNT}
        key = project_key(watched.group_id, self._workers)
        stored = self._update(
            key,
            deadline,
            # Nothing else renews the item of a project that is not listed.
            sets={
                **watched_as_values(watched),
                "watchVersion": version,
                "expiresAt": expires_at(now),
            },
            condition=_AS_READ if watched.version else _FIRST,
            values={"version": watched.version} if watched.version else first,
        )
        written = read_project({**key, **stored}, now)
        if written is None or written.watched.version != version:
            return None
        return written.watched

    def note_list(self, absent: Mapping[str, bool], now: datetime, deadline: Deadline) -> None:
        """Store that all projects were listed, and which were `absent`, as far as there is room."""
        told = dict(sorted(absent.items())[:ABSENT_AT_ONCE])
        self._update(
            project_key(None),
            deadline,
            sets={"listedAt": utc_text(now), "absent": told, "expiresAt": expires_at(now)},
            condition=_NOT_SINCE,
            values={"text": "S", "ahead": utc_text(now + AHEAD)},
        )

    def note_expiry(
        self, expiry: CredentialsExpiry, now: datetime, deadline: Deadline
    ) -> CredentialsExpiry | None:
        """Store when the credentials expire; None if somebody else has, since it was read."""
        value = expiry_as_value(expiry)
        stored = self._update(
            project_key(None),
            deadline,
            sets={"credentials": value, "expiresAt": expires_at(now)},
            condition="attribute_not_exists(#credentials) OR #credentials = :known"
            if expiry.stored is None
            else "#credentials = :known",
            values={"known": expiry.stored},
        )
        written = read_project({**project_key(None), **stored}, now)
        if written is None or written.expiry.stored != value:
            return None
        return written.expiry


def _stored_mark(marks: Marks) -> object:
    return utc_text(marks.whole) if marks.stored is None else marks.stored
