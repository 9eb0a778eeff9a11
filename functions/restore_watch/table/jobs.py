"""
The table of restore jobs, written and read only by conditional updates.

One conditional UpdateItem records a change: it sets the job's state and appends to `history`
(`job_item`). Another one appends a validation. A crash at any moment leaves the entry marked as
pending.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from foundation.deadline import Deadline
from restore_watch.model.restore_job import RestoreJob, RestoreStatus, RestoreTarget
from restore_watch.model.status_change import (
    UNKNOWN_LIMIT,
    has_room_for_unknown,
    is_new_unknown,
    utc_text,
)
from restore_watch.model.validation import Validation
from restore_watch.model.wait import WAITS_LIMIT, Wait
from restore_watch.table.acknowledgement import SAME_ITEM, Acknowledgement, acknowledging
from restore_watch.table.job_item import (
    Recorded,
    history_entry,
    key,
    open_shard,
    read_item,
    state_of,
    validation_entry,
)
from restore_watch.table.updates import Updates

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_RECORD = """
SET {state},
    #firstObservedAt = if_not_exists(#firstObservedAt, :observedAt),
    #observedAt = :observedAt,
    #history = list_append(if_not_exists(#history, :nothing), :change),
    #sequence = if_not_exists(#sequence, :zero) + :one,
    #publishedSequence = if_not_exists(#publishedSequence, :zero),
    #openShard = :openShard
REMOVE #expiresAt, #missingSince{absent}
"""
_MAY_REPLACE = "attribute_not_exists(#status) OR NOT #status IN ({kept})"
_STILL_UNKNOWN = "#status = :unknown AND #sequence = :known"

# `observedAt` is the time of the newest entry: the age of what is pending counts from it.
_VALIDATE = """
SET #observedAt = :observedAt,
    #history = list_append(#history, :entry),
    #sequence = #sequence + :one,
    #publishedSequence = if_not_exists(#publishedSequence, :zero),
    #openShard = :openShard
REMOVE #expiresAt
"""

# Any job that somebody waits for is in the index, so that sweeps see that an answer may be due.
_WAIT = """
SET #openShard = :openShard,
    #unansweredSince = if_not_exists(#unansweredSince, :now)
REMOVE #expiresAt
ADD #waiting :wait
"""
_HAS_ROOM = (
    "attribute_exists(#status) AND (attribute_not_exists(#waiting) OR size(#waiting) < :limit "
    "OR contains(#waiting, :text))"
)

_REOPEN = "SET #openShard = :openShard REMOVE #missingSince"
_NOT_FOLLOWED = "(attribute_not_exists(#openShard) OR attribute_exists(#missingSince))"
_AS_READ = "#sequence = :sequence"

_READ = "SET #sequence = #sequence"
_NEVER = "attribute_exists(#status) AND attribute_not_exists(#status)"


class RestoreJobsTable:
    """
    The table of restore jobs.

    Its methods raise TableUnavailableError when DynamoDB refuses or does not answer, and
    TimeBudgetExceededError when too little time is left to begin.
    """

    def __init__(self, client: "DynamoDBClient", name: str) -> None:
        self._updates = Updates(client, name)

    def record(self, job: RestoreJob, observed_at: datetime, deadline: Deadline) -> Recorded:
        """
        Record the job if its status may replace the stored one. Return what is stored afterwards.

        Otherwise nothing is written: the job is unchanged, another check was faster, or Atlas
        contradicts the stored status.

        A job that has not ended is followed again if it had left the index OpenJobs, and counts no
        longer as missing.
        """
        # List the statuses that stay, so that one which only a newer version knows is replaced.
        replaced = job.may_replace
        stays = [status for status in RestoreStatus if status not in replaced]
        kept = {f":kept{n}": status for n, status in enumerate(stays)}
        condition = _MAY_REPLACE.format(kept=", ".join(kept))
        recorded = self._record(job, observed_at, deadline, condition, kept)
        for _ in range(UNKNOWN_LIMIT):
            if recorded.change is not None or not _continues_unknown(job, recorded):
                break
            # Only the history says whether a further unknown word is new. If another check was
            # faster again, read the history again.
            known = {":unknown": RestoreStatus.UNKNOWN, ":known": len(recorded.history)}
            same_item, first_observed_at = _same_item(recorded)
            recorded = self._record(
                job, observed_at, deadline, _STILL_UNKNOWN + same_item, known | first_observed_at
            )
        is_followed = recorded.is_open and recorded.missing_since is None
        if not is_followed and not recorded.job.terminal:
            self._reopen(recorded, deadline)
        return recorded

    def validate(
        self,
        recorded: Recorded,
        validation: Validation,
        observed_at: datetime,
        deadline: Deadline,
        request_id: str | None = None,
    ) -> Recorded | None:
        """
        Append a validation to the history, if the item is as it was read.

        Return what is stored afterwards, None if the item is gone. The job's state stays as it is.
        The item is in the index OpenJobs until the validation is published, so that sweeps see it,
        and does not expire before.
        """
        job = recorded.job
        entry = validation_entry(job, validation, observed_at, request_id)
        same_item, first_observed_at = _same_item(recorded)
        item = self._updates.update(
            key(job.group_id, job.cluster_name, job.restore_id),
            deadline,
            update=_VALIDATE,
            condition=_AS_READ + same_item,
            values={
                **first_observed_at,
                ":sequence": len(recorded.history),
                ":observedAt": utc_text(observed_at),
                ":entry": [entry],
                ":zero": 0,
                ":one": 1,
                ":openShard": open_shard(job),
            },
        )
        return read_item(item, entry) if item else None

    def recall(self, target: RestoreTarget, deadline: Deadline) -> Recorded | None:
        """
        Return what is stored for a job, or None.

        The condition of this update always fails. So reading needs no permission beyond UpdateItem.
        """
        item = self._updates.update(
            key(target.group_id, target.cluster_name, target.restore_id),
            deadline,
            update=_READ,
            condition=_NEVER,
        )
        return read_item(item) if item else None

    def wait(
        self, target: RestoreTarget, wait: Wait, now: datetime, deadline: Deadline
    ) -> Recorded | None:
        """
        Store that a workflow waits for a job. Return what is stored afterwards, None if nothing is.

        The wait is not among the stored ones if the job has WAITS_LIMIT others. The same one may be
        stored again.
        """
        item = self._updates.update(
            key(target.group_id, target.cluster_name, target.restore_id),
            deadline,
            update=_WAIT,
            condition=_HAS_ROOM,
            values={
                ":openShard": open_shard(target),
                ":now": utc_text(now),
                ":wait": {wait.as_text()},
                ":text": wait.as_text(),
                ":limit": WAITS_LIMIT,
            },
        )
        return read_item(item) if item else None

    def acknowledge(self, recorded: Recorded, done: Acknowledgement, deadline: Deadline) -> None:
        """
        Store what was published and answered. `publishedSequence` never decreases.

        The newest entry of a finished job that nobody waits for starts its retention. It also
        removes the job from the index OpenJobs, except a ready download, which can still change.
        Nothing is stored if the item was deleted and recorded again; nor, when nothing is left to
        be done, if another workflow waits meanwhile or, for a finished job, a newer entry was
        recorded: the invocation that wrote that acknowledges both.
        """
        job, write = recorded.job, acknowledging(recorded, done)
        self._updates.update(
            key(job.group_id, job.cluster_name, job.restore_id),
            deadline,
            update=write.update,
            condition=write.condition,
            values=write.values,
        )

    def _reopen(self, recorded: Recorded, deadline: Deadline) -> None:
        job = recorded.job
        self._updates.update(
            key(job.group_id, job.cluster_name, job.restore_id),
            deadline,
            update=_REOPEN,
            condition=f"{_NOT_FOLLOWED} AND {_AS_READ}",
            values={":openShard": open_shard(job), ":sequence": len(recorded.history)},
        )

    def _record(
        self,
        job: RestoreJob,
        observed_at: datetime,
        deadline: Deadline,
        condition: str,
        condition_values: Mapping[str, Any],
    ) -> Recorded:
        state = state_of(job)
        present = {name: value for name, value in state.items() if value is not None}
        entry = history_entry(state, job.restore_id, observed_at)
        item = self._updates.update(
            key(job.group_id, job.cluster_name, job.restore_id),
            deadline,
            update=_RECORD.format(
                state=", ".join(f"#{name} = :{name}" for name in present),
                absent="".join(f", #{name}" for name in state if name not in present),
            ),
            condition=condition,
            values={
                **condition_values,
                **{f":{name}": value for name, value in present.items()},
                ":observedAt": utc_text(observed_at),
                ":change": [entry],
                ":nothing": [],
                ":zero": 0,
                ":one": 1,
                ":openShard": open_shard(job),
            },
        )
        return read_item(item, entry)


def _same_item(recorded: Recorded) -> tuple[str, dict[str, str]]:
    """A condition that the item was not deleted and recorded again meanwhile, and its values."""
    if recorded.first_observed_at is None:
        return "", {}
    return f" AND {SAME_ITEM}", {":firstObservedAt": recorded.first_observed_at}


def _continues_unknown(job: RestoreJob, recorded: Recorded) -> bool:
    """The stored status is unknown, and the job adds an unknown word that is new and fits."""
    return (
        recorded.job.status is RestoreStatus.UNKNOWN
        and is_new_unknown(job, recorded.changes)
        and has_room_for_unknown(job, recorded.changes)
    )
