"""
The bookkeeping of sweeps: the marks of each watched project, and how it is seen.

The stack's own item has when its credentials expire, too.

One query reads all of it. Every write is conditional, so a sweep that outlives its lease does no
harm.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from boto3.dynamodb.conditions import Attr, ConditionBase

from foundation.deadline import Deadline
from restore_watch.model.credentials_expiry import CredentialsExpiry
from restore_watch.model.marks import Marks
from restore_watch.model.outage import LARGEST_COUNT, Watched
from restore_watch.model.status_change import utc_text
from restore_watch.table.how_long_kept import expires_at
from restore_watch.table.items import Items, lies_between
from restore_watch.table.lease import read_success
from restore_watch.table.project_item import (
    Project,
    expiry_as_value,
    marks_as_values,
    project_key,
    read_project,
    watched_as_values,
)
from restore_watch.table.stored_fields import PARTITION

_LISTED = ("firstMark", "mark", "behind", "listedAt", "readable")
_mark, _version, _credentials = Attr("mark"), Attr("watchVersion"), Attr("credentials")


class Books(NamedTuple):
    """The memory of the table for a sweep. `succeeded_at`: of the last successful sweep, in UTC."""

    projects: dict[str, Project]
    stack: Watched
    expiry: CredentialsExpiry
    succeeded_at: datetime | None


class Bookkeeping(Items):
    """The bookkeeping items of the table."""

    def read_books(self, deadline: Deadline, now: datetime) -> Books:
        """Return the stored bookkeeping of all projects and of the stack."""
        entries = list(self._query({"cluster": PARTITION}, deadline))
        read = [project for entry in entries if (project := read_project(entry, now))]
        stack = next((one for one in read if not one.group_id), Project("", None))
        seen = stack.stored_watched or Watched(None)
        projects = {one.group_id: one for one in read if one.group_id}
        return Books(projects, seen, stack.expiry, read_success(entries, now))

    def begin_marks(
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
        is_lost = _mark.not_exists() | _mark.eq(lost)
        self._store(group_id, marks_as_values(marks), is_lost, now, deadline)

    def move_marks(
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
        sets = marks_as_values(marks)
        del sets["firstMark"]
        if is_full:
            sets["listedAt"] = utc_text(now)
        if readable:
            sets["readable"] = {*project.readable, *readable}
        is_still = _mark.eq(_stored_mark(project.marks))
        self._store(project.group_id, sets, is_still, now, deadline)

    def drop_marks(self, project: Project, now: datetime, deadline: Deadline) -> None:
        """Forget the marks of a project that is no longer watched, and store when that was."""
        if project.marks is not None:
            self._update(
                project_key(project.group_id),
                deadline,
                _mark.not_exists() | _mark.eq(_stored_mark(project.marks)),
                sets={"removedAt": utc_text(now), **dict.fromkeys(_LISTED)},
            )

    def store_watched(self, watched: Watched, now: datetime, deadline: Deadline) -> Watched | None:
        """
        Store how a project is seen; None if somebody else has stored it since it was read.

        A write whose answer was lost counts as written by somebody else.
        """
        version = watched.version + 1
        has_version = lies_between("watchVersion", 1, LARGEST_COUNT)
        is_as_read = _version.eq(watched.version) if watched.version else ~has_version
        sets = {**watched_as_values(watched), "watchVersion": version}
        # Nothing else renews the item of a project that is not listed.
        stored = self._store(watched.group_id, sets, is_as_read, now, deadline)
        written = read_project(stored, now)
        if written is None or written.watched.version != version:
            return None
        return written.watched

    def store_expiry(
        self, expiry: CredentialsExpiry, now: datetime, deadline: Deadline
    ) -> CredentialsExpiry | None:
        """Store when the credentials expire; None if somebody else has, since it was read."""
        value = expiry_as_value(expiry)
        is_still: ConditionBase = _credentials.eq(expiry.stored)
        if expiry.stored is None:
            is_still |= _credentials.not_exists()
        stored = self._store(None, {"credentials": value}, is_still, now, deadline)
        written = read_project(stored, now)
        if written is None or written.expiry.stored != value:
            return None
        return written.expiry

    def _store(
        self,
        group_id: str | None,
        sets: Mapping[str, Any],
        condition: ConditionBase,
        now: datetime,
        deadline: Deadline,
    ) -> Mapping[str, Any]:
        """Store this, and renew the item. Return the item as stored then."""
        key, renewed = project_key(group_id), {**sets, "expiresAt": expires_at(now)}
        return {**key, **self._update(key, deadline, condition, sets=renewed)}


def _stored_mark(marks: Marks) -> object:
    return utc_text(marks.whole) if marks.stored is None else marks.stored
