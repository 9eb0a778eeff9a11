"""
The bookkeeping of sweeps: up to when each watched project is known, and how it is seen.

One query reads all of it. Every write is conditional and only moves forward, so a sweep that
outlives its lease does no harm.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from foundation.deadline import Deadline
from restore_watch.model.marks import Marks
from restore_watch.model.outage import Watched
from restore_watch.model.status_change import utc_text
from restore_watch.table.project_item import (
    PARTITION,
    Project,
    expires_at,
    marks_as_values,
    project_key,
    read_project,
)
from restore_watch.table.updates import Updates
from restore_watch.table.watched_item import LARGEST_VERSION, watched_as_values

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_BEGIN = "SET #firstMark = :firstMark, #mark = :mark, #behind = :behind, #expiresAt = :expiresAt"
_MOVE = "SET #mark = :mark, #behind = :behind, #expiresAt = :expiresAt"
_LISTED = ", #listedAt = :listedAt"
_READABLE = ", #readable = :readable"
_STILL = "#mark = :known"
_STILL_OR_NONE = f"attribute_not_exists(#mark) OR {_STILL}"
_DROP = "SET #removedAt = :now REMOVE #firstMark, #mark, #behind, #listedAt, #readable"
_AS_READ = "#watchVersion = :version"
# What cannot be a version counts as absent.
_FIRST = (
    "NOT (attribute_type(#watchVersion, :number) AND #watchVersion BETWEEN :first AND :largest)"
)


class Bookkeeping:
    """
    The bookkeeping items of the table.

    Its methods raise TableUnavailableError when DynamoDB refuses or does not answer, and
    TimeBudgetExceededError when too little time is left to begin.
    """

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        self._updates = Updates(client, table_name)

    def read(self, deadline: Deadline, now: datetime) -> tuple[dict[str, Project], Watched]:
        """Return the known projects by id, and how the stack is seen."""
        entries = self._updates.query({"cluster": PARTITION}, deadline)
        read = [project for entry in entries if (project := read_project(entry, now))]
        stack = next((one.watched for one in read if not one.group_id), Watched(None))
        return {one.group_id: one for one in read if one.group_id}, stack

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
        Store the first marks of a project, unless it has some, or replace what was `lost`.

        This is the one write after which a mark may lie further back.
        """
        self._updates.update(
            project_key(group_id),
            deadline,
            update=_BEGIN,
            condition=_STILL_OR_NONE,
            values=_given(marks_as_values(marks) | {"expiresAt": expires_at(now), "known": lost}),
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
        Store the marks after a listing, and which families of endpoints it could read.

        Nothing is stored if somebody else has moved the marks since they were read. A listing that
        is not full leaves alone when the project was last listed.
        """
        if project.marks is None:
            return
        values = marks_as_values(marks) | {"expiresAt": expires_at(now)}
        del values["firstMark"]
        values |= {"known": _stored_mark(project.marks)}
        update = _MOVE
        if is_full:
            update += _LISTED
            values["listedAt"] = utc_text(now)
        if readable:
            update += _READABLE
            values["readable"] = {*project.readable, *readable}
        self._updates.update(
            project_key(project.group_id),
            deadline,
            update=update,
            condition=_STILL,
            values=_given(values),
        )

    def drop(self, project: Project, now: datetime, deadline: Deadline) -> None:
        """Forget the marks of a project that is not watched any more, and store that it is not."""
        if project.marks is not None:
            self._updates.update(
                project_key(project.group_id),
                deadline,
                update=_DROP,
                condition=_STILL_OR_NONE,
                values=_given({"known": _stored_mark(project.marks), "now": utc_text(now)}),
            )

    def watch(self, watched: Watched, now: datetime, deadline: Deadline) -> Watched | None:
        """
        Store how a project is seen; None if somebody else has stored it since it was read.

        What may have been written although no answer came counts as written by somebody else.
        """
        values = watched_as_values(watched)
        present = {name: value for name, value in values.items() if value is not None}
        absent = [name for name, value in values.items() if value is None]
        # A project that is not listed has nothing that renews it.
        present |= {"watchVersion": watched.version + 1, "expiresAt": expires_at(now)}
        sets = ", ".join(f"#{name} = :{name}" for name in present)
        removes = ", ".join(f"#{name}" for name in absent)
        if watched.version:
            condition = _AS_READ
            present["version"] = watched.version
        else:
            condition = _FIRST
            present |= {"number": "N", "first": 1, "largest": LARGEST_VERSION}
        stored = self._updates.update(
            project_key(watched.group_id),
            deadline,
            update=f"SET {sets}" + (f" REMOVE {removes}" if removes else ""),
            condition=condition,
            values=_given(present),
        )
        written = read_project({**project_key(watched.group_id), **stored}, now)
        if written is None or written.watched.version != watched.version + 1:
            return None
        return written.watched


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {f":{name}": value for name, value in values.items()}


def _stored_mark(marks: Marks) -> object:
    return utc_text(marks.whole) if marks.stored is None else marks.stored
