"""
The table of restore jobs.

One conditional update records a change: it sets the job's state and appends to `history`
(`job_item`). A crash at any moment leaves the entry marked as pending.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from foundation.deadline import Deadline
from restore_watch.model.restore_job import RestoreJob, RestoreStatus, RestoreTarget
from restore_watch.model.status_change import (
    UNKNOWN_LIMIT,
    has_room_for_unknown,
    is_new_unknown,
    utc_text,
)
from restore_watch.model.validation import Validation
from restore_watch.model.workflow_wait import WAITS_LIMIT, Wait
from restore_watch.table.items import Items
from restore_watch.table.job_item import (
    Acknowledgement,
    Recorded,
    history_entry,
    key_of,
    open_shard,
    read_item,
    same_item,
    same_waits,
    state_of,
    validation_entry,
)
from restore_watch.table.stored_fields import expires_at

_MAY_REPLACE = "attribute_not_exists(#status) OR NOT #status IN ({kept})"
_STILL_UNKNOWN = "#status = :unknown AND #sequence = :known"
_AS_READ = "#sequence = :known"
_COUNTED = (
    "#sequence = if_not_exists(#sequence, :zero) + :one",
    "#publishedSequence = if_not_exists(#publishedSequence, :zero)",
)
_FIRST_OBSERVED = "#firstObservedAt = if_not_exists(#firstObservedAt, :observedAt)"
_NOT_FOLLOWED = "(attribute_not_exists(#openShard) OR attribute_exists(#missingSince))"
_HAS_ROOM = (
    "attribute_exists(#status) AND (attribute_not_exists(#waiting) OR size(#waiting) < :limit "
    "OR contains(#waiting, :text))"
)


class RestoreJobsTable(Items):
    """The items of restore jobs."""

    def record(self, job: RestoreJob, observed_at: datetime, deadline: Deadline) -> Recorded:
        """
        Record the job if its status may replace the stored status. Return the job as stored then.

        Otherwise nothing is written: the job is unchanged, another check was faster, or Atlas
        contradicts the stored status.

        A job that has not ended is followed again if it had left the index OpenJobs, and counts no
        longer as missing.
        """
        # List the statuses that stay, so that an unlisted status of a newer version is replaced.
        replaced = job.may_replace
        stays = [status for status in RestoreStatus if status not in replaced]
        kept = {f"kept{n}": status for n, status in enumerate(stays)}
        condition = _MAY_REPLACE.format(kept=", ".join(f":{name}" for name in kept))
        recorded = self._record(job, observed_at, deadline, condition, kept)
        for _ in range(UNKNOWN_LIMIT):
            if recorded.change is not None or not _continues_unknown(job, recorded):
                break
            # Only the history says whether a further unknown word is new. If another check was
            # faster again, read the history again.
            same, values = same_item(recorded)
            values |= {"unknown": RestoreStatus.UNKNOWN, "known": len(recorded.history)}
            recorded = self._record(job, observed_at, deadline, _STILL_UNKNOWN + same, values)
        is_followed = recorded.is_open and recorded.missing_since is None
        if not is_followed and not recorded.job.terminal:
            self._update(
                key_of(recorded.job),
                deadline,
                sets={"openShard": open_shard(recorded.job), "missingSince": None},
                condition=f"{_NOT_FOLLOWED} AND {_AS_READ}",
                values={"known": len(recorded.history)},
            )
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

        Return the job as stored then, None if the item is gone. The job's state stays as it is.
        The item is in the index OpenJobs until the validation is published, so that sweeps see it,
        and does not expire before.
        """
        job = recorded.job
        entry = validation_entry(job, validation, observed_at, request_id)
        same, values = same_item(recorded)
        item = self._update(
            key_of(job),
            deadline,
            # The age of pending entries counts from the newest one.
            sets={
                "observedAt": utc_text(observed_at),
                "openShard": open_shard(job),
                "expiresAt": None,
            },
            computes=["#history = list_append(#history, :entry)", *_COUNTED],
            condition=_AS_READ + same,
            values=values | {"known": len(recorded.history), "entry": [entry], "zero": 0, "one": 1},
        )
        return read_item(item, entry) if item else None

    def recall(self, target: RestoreTarget, deadline: Deadline) -> Recorded | None:
        """Return the job as it is stored, or None."""
        item = self._look_up(key_of(target), deadline, "sequence")
        return read_item(item) if item else None

    def wait(
        self, target: RestoreTarget, wait: Wait, now: datetime, deadline: Deadline
    ) -> Recorded | None:
        """
        Store that a workflow waits for a job. Return the job as stored then, None if it is unknown.

        The wait is not among the stored waits if the job has WAITS_LIMIT others. The same wait may
        be stored again. A job that somebody waits for is in the index OpenJobs, so that sweeps see
        that an answer may be due.
        """
        text = wait.as_text()
        item = self._update(
            key_of(target),
            deadline,
            sets={"openShard": open_shard(target), "expiresAt": None},
            computes=["#unansweredSince = if_not_exists(#unansweredSince, :now)"],
            elements="ADD #waiting :wait",
            condition=_HAS_ROOM,
            values={"now": utc_text(now), "wait": {text}, "text": text, "limit": WAITS_LIMIT},
        )
        return read_item(item) if item else None

    def acknowledge(self, recorded: Recorded, done: Acknowledgement, deadline: Deadline) -> None:
        """
        Store the work that was done. `publishedSequence` never decreases.

        Nothing is stored if the item was deleted and recorded again. If nothing seems left to do,
        nothing is stored either when another workflow waits meanwhile or a finished job has a newer
        entry: the invocation that wrote it acknowledges both.
        """
        same, values = same_item(recorded)
        sets: dict[str, Any] = {"publishedSequence": done.published_of(recorded)}
        condition = "#publishedSequence <= :publishedSequence" + same
        computes, elements = [], ""
        if done.due_since is not None:
            computes.append("#unansweredSince = if_not_exists(#unansweredSince, :due)")
            values["due"] = utc_text(done.due_since)
        if done.answered:
            elements = "DELETE #waiting :answered"
            values["answered"] = {wait.as_text() for wait in done.answered}
        if done.answers_all(recorded):
            sets["unansweredSince"] = None
        if done.settles(recorded):
            sets |= _settled(recorded)
            condition += " AND #sequence = :publishedSequence"
        if done.answers_all(recorded) or done.settles(recorded):
            same, waits = same_waits(recorded)
            condition += same
            values |= waits
        self._update(
            key_of(recorded.job),
            deadline,
            sets=sets,
            computes=computes,
            elements=elements,
            condition=condition,
            values=values,
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
        entry = history_entry(state, job.restore_id, observed_at)
        appended = "#history = list_append(if_not_exists(#history, :nothing), :change)"
        item = self._update(
            key_of(job),
            deadline,
            sets={
                **state,
                "observedAt": utc_text(observed_at),
                "openShard": open_shard(job),
                "expiresAt": None,
                "missingSince": None,
            },
            computes=[_FIRST_OBSERVED, appended, *_COUNTED],
            condition=condition,
            values={**condition_values, "change": [entry], "nothing": [], "zero": 0, "one": 1},
        )
        return read_item(item, entry)


def _settled(recorded: Recorded) -> dict[str, Any]:
    """The retention begins. The job leaves the index, unless it is a download that may change."""
    settled = {"expiresAt": expires_at(recorded.history[-1].observed_at)}
    return settled if recorded.job.is_ready_download else settled | {"openShard": None}


def _continues_unknown(job: RestoreJob, recorded: Recorded) -> bool:
    """The stored status is unknown, and the job adds an unknown word that is new and fits."""
    return (
        recorded.job.status is RestoreStatus.UNKNOWN
        and is_new_unknown(job, recorded.changes)
        and has_room_for_unknown(job, recorded.changes)
    )
