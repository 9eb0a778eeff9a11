"""
The bookkeeping of sweeps: an item for each watched project, and one for the stack.

One query reads all of it. Every write is conditional, so a sweep that outlives its lease does no
harm.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from boto3.dynamodb.conditions import Attr, ConditionBase

from foundation.clock import utc_text
from foundation.deadline import Deadline
from foundation.retention import expires_at
from restore_watch.model.credentials_expiry import NOT_ASKED, CredentialsExpiry
from restore_watch.model.health import Health
from restore_watch.model.marks import Marks
from restore_watch.model.watch_change import LARGEST_COUNT
from restore_watch.table.items import Items, lies_between
from restore_watch.table.project_item import (
    Project,
    expiry_as_value,
    health_as_values,
    marks_as_values,
    read_project,
)
from restore_watch.table.stored_fields import PARTITION, project_key
from restore_watch.table.sweep_lease import read_success

_LISTED = ("firstMark", "mark", "behind", "listedAt", "readable")
_mark, _version, _credentials = Attr("mark"), Attr("watchVersion"), Attr("credentials")


class Books(NamedTuple):
    """The memory of the table for a sweep. `succeeded_at`: of the last successful sweep, in UTC."""

    projects: dict[str, Project]
    stack: Health
    expiry: CredentialsExpiry
    succeeded_at: datetime | None

    @classmethod
    def of_no_tick(cls) -> "Books":
        """What a sweep without a tick knows, which reads no bookkeeping: nothing."""
        return cls(projects={}, stack=Health(group_id=None), expiry=NOT_ASKED, succeeded_at=None)


class Bookkeeping(Items):
    """The bookkeeping items of the table."""

    def read_books(self, deadline: Deadline, now: datetime) -> Books:
        """Return the stored bookkeeping of all projects and of the stack."""
        entries = list(self._query({"cluster": PARTITION}, deadline))
        read = (read_project(entry, now) for entry in entries)
        projects = {project.group_id: project for project in read if project}
        stack = projects.pop("", Project("", stored_health=Health(group_id=None)))
        return Books(projects, stack.health, stack.expiry, read_success(entries, now))

    def begin_marks(
        self, project: Project, marks: Marks, now: datetime, deadline: Deadline
    ) -> None:
        """Store the first marks, or replace lost ones. Only this write may move a mark back."""
        is_unknown = _mark.not_exists() | _mark.eq(project.marks and project.marks.stored)
        self._store(project.group_id, marks_as_values(marks), is_unknown, now, deadline)

    def move_marks(
        self, before: Project, after: Project, now: datetime, deadline: Deadline
    ) -> None:
        """Store what a listing has changed, unless somebody else has moved the marks meanwhile."""
        if before.marks is None or after.marks is None:
            return
        sets = marks_as_values(after.marks)
        del sets["firstMark"]
        if after.listed_at and after.listed_at != before.listed_at:
            sets["listedAt"] = utc_text(after.listed_at)
        if after.readable != before.readable:
            sets["readable"] = set(after.readable)
        self._store(before.group_id, sets, _is_still(before.marks), now, deadline)

    def store_name(self, group_id: str, name: str, now: datetime, deadline: Deadline) -> None:
        """Store the name of a project, if it has marks."""
        sets = {"name": name}
        self._store(group_id, sets, _mark.exists(), now, deadline)

    def drop_marks(self, project: Project, now: datetime, deadline: Deadline) -> None:
        """Forget the marks of a project that is no longer watched, and store when that was."""
        if project.marks is not None:
            self._update(
                project_key(project.group_id),
                deadline,
                _mark.not_exists() | _is_still(project.marks),
                sets={"removedAt": utc_text(now), **dict.fromkeys(_LISTED)},
            )

    def store_health(self, health: Health, now: datetime, deadline: Deadline) -> Health | None:
        """
        Store a health, and return it; None if somebody else has stored one since it was read.

        A write whose answer was lost counts as written by somebody else.
        """
        version = health.version + 1
        has_version = lies_between("watchVersion", 1, LARGEST_COUNT)
        is_as_read = _version.eq(health.version) if health.version else ~has_version
        sets = {**health_as_values(health), "watchVersion": version}
        # Nothing else renews the item of a project that is not listed.
        written = self._store(health.group_id, sets, is_as_read, now, deadline)
        return written.health if written and written.health.version == version else None

    def store_expiry(
        self, expiry: CredentialsExpiry, now: datetime, deadline: Deadline
    ) -> CredentialsExpiry | None:
        """Store when the credentials expire; None if somebody else has, since it was read."""
        value = expiry_as_value(expiry)
        is_still: ConditionBase = _credentials.eq(expiry.stored)
        if expiry.stored is None:
            is_still |= _credentials.not_exists()
        written = self._store(None, {"credentials": value}, is_still, now, deadline)
        return written.expiry if written and written.expiry.stored == value else None

    def _store(
        self,
        group_id: str | None,
        sets: Mapping[str, Any],
        condition: ConditionBase,
        now: datetime,
        deadline: Deadline,
    ) -> Project | None:
        """Store this, and renew the item. Return what is stored then."""
        key, renewed = project_key(group_id), {**sets, "expiresAt": expires_at(now)}
        return read_project({**key, **self._update(key, deadline, condition, sets=renewed)}, now)


def _is_still(marks: Marks) -> ConditionBase:
    """Whether the mark of the whole project is as it was read or written last."""
    return _mark.eq(utc_text(marks.whole) if marks.stored is None else marks.stored)
