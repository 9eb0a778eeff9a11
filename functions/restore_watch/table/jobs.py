"""
The table of restore jobs.

One conditional update records a change: it sets the job's state and appends to `history`
(`job_item`). A crash at any moment leaves the entry marked as pending.
"""

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.conditions import Attr, ConditionBase

from foundation.clock import utc_text
from foundation.deadline import Deadline
from foundation.retention import expires_at
from restore_watch.model.history_entry import HistoryEntry
from restore_watch.model.restore_job import RestoreJob
from restore_watch.model.restore_status import RestoreStatus
from restore_watch.model.restore_target import RestoreTarget
from restore_watch.model.unknown_statuses import UNKNOWN_LIMIT, has_room_for_unknown, is_new_unknown
from restore_watch.model.workflow_wait import WAITS_LIMIT, Wait
from restore_watch.table.items import Items
from restore_watch.table.job_item import (
    Recorded,
    history_entry,
    key_of,
    measurement_entry,
    read_item,
    state_of,
    validation_entry,
)
from restore_watch.table.open_shards import open_shard

if TYPE_CHECKING:
    from restore_watch.model.measurement import Measurement
    from restore_watch.model.validation import Validation


class RestoreJobsTable(Items):
    """The items of restore jobs."""

    def record(self, job: RestoreJob, observed_at: datetime, deadline: Deadline) -> Recorded:
        """
        Record the job if its status may replace the stored status. Return the job as stored then.

        A job that has not ended is followed again if it had left the index OpenJobs, and counts no
        longer as missing.
        """
        # List the statuses that stay, so that an unlisted status of a newer version is replaced.
        replaced = job.may_replace
        stays = [status for status in RestoreStatus if status not in replaced]
        condition: ConditionBase = Attr("status").not_exists() | ~Attr("status").is_in(stays)
        recorded = self._record(job, observed_at, deadline, condition)
        for _ in range(UNKNOWN_LIMIT):
            if recorded.change is not None or not _continues_unknown(job, recorded):
                break
            # Only the history says whether a further unknown word is new. If another check was
            # faster again, read the history again.
            condition = Attr("status").eq(RestoreStatus.UNKNOWN) & _is_as_read(recorded)
            recorded = self._record(job, observed_at, deadline, condition)
        is_followed = recorded.is_open and recorded.missing_since is None
        if not is_followed and not recorded.job.terminal:
            left = Attr("openShard").not_exists() | Attr("missingSince").exists()
            self._update(
                key_of(recorded.job),
                deadline,
                left & Attr("sequence").eq(len(recorded.history)),
                sets={"openShard": open_shard(recorded.job.restore_id), "missingSince": None},
            )
        return recorded

    def validate(
        self,
        recorded: Recorded,
        validation: "Validation",
        observed_at: datetime,
        deadline: Deadline,
        request_id: str | None = None,
    ) -> Recorded | None:
        """
        Append a validation to the history, if the item is as it was read.

        Return the job as stored then, None if the item is gone. The item is in the index OpenJobs
        until the validation is published, so that sweeps see it, and does not expire before.
        """
        entry = validation_entry(recorded.job, validation, observed_at, request_id)
        return self._append(recorded, entry, observed_at, deadline)

    def measure(
        self,
        recorded: Recorded,
        measurement: "Measurement",
        observed_at: datetime,
        deadline: Deadline,
    ) -> Recorded | None:
        """
        Append the measurement to the history, as `validate` does with a validation.

        A job has one: the caller has read that there is none, and the item has to be as it was.
        """
        entry = measurement_entry(recorded.job, measurement, observed_at)
        return self._append(recorded, entry, observed_at, deadline)

    def recall(self, target: RestoreTarget, deadline: Deadline) -> Recorded | None:
        """Return the job as it is stored, or None."""
        item = self._look_up(key_of(target), deadline, "sequence")
        return read_item(item) if item else None

    def add_wait(
        self, target: RestoreTarget, wait: Wait, now: datetime, deadline: Deadline
    ) -> Recorded | None:
        """
        Store that a workflow waits for a job. Return the job as stored then, None if it is unknown.

        The wait is not among the stored waits if the job has WAITS_LIMIT others. A job that
        somebody waits for is in the index OpenJobs, so that sweeps see that an answer may be due.
        """
        text, waiting = wait.as_text(), Attr("waiting")
        has_room = waiting.not_exists() | waiting.size().lt(WAITS_LIMIT) | waiting.contains(text)
        item = self._update(
            key_of(target),
            deadline,
            Attr("status").exists() & has_room,
            sets={"openShard": open_shard(target.restore_id), "expiresAt": None},
            defaults={"unansweredSince": utc_text(now)},
            adds={"waiting": {text}},
        )
        return read_item(item) if item else None

    def acknowledge(
        self,
        recorded: Recorded,
        deadline: Deadline,
        *,
        last: HistoryEntry | None = None,
        answered: Collection[Wait] = (),
        due_since: datetime | None = None,
    ) -> None:
        """
        Store the work that was done: the `last` entry published, and the waits `answered`.

        `due_since` is when Step Functions did not take an answer. A sweep sends that answer again.
        If nothing seems left to do, nothing is stored when another workflow waits meanwhile or a
        finished job has a newer entry: the invocation that wrote it acknowledges both.
        """
        published = last.sequence if last else recorded.published
        is_all = published == len(recorded.history)
        has_answered = is_all and recorded.is_unanswered and due_since is None
        is_settled = is_all and recorded.job.terminal and len(answered) == len(recorded.waits)
        sets: dict[str, Any] = {"publishedSequence": published}
        condition = _is_same_item(recorded, _may_be_replaced_by(published))
        if has_answered:
            sets["unansweredSince"] = None
        if is_settled:
            sets |= _settled(recorded)
            condition &= Attr("sequence").eq(published)
        if has_answered or is_settled:
            waits = {wait.as_text() for wait in recorded.waits}
            condition &= Attr("waiting").eq(waits) if waits else Attr("waiting").not_exists()
        self._update(
            key_of(recorded.job),
            deadline,
            condition,
            sets=sets,
            defaults={"unansweredSince": utc_text(due_since)} if due_since else {},
            deletes={"waiting": {wait.as_text() for wait in answered}} if answered else {},
        )

    def _append(
        self,
        recorded: Recorded,
        entry: dict[str, Any],
        observed_at: datetime,
        deadline: Deadline,
    ) -> Recorded | None:
        """Append an entry that is no change to the history, if the item is as it was read."""
        job = recorded.job
        item = self._update(
            key_of(job),
            deadline,
            _is_as_read(recorded),
            # The age of pending entries counts from the newest one.
            sets={
                "observedAt": utc_text(observed_at),
                "openShard": open_shard(job.restore_id),
                "expiresAt": None,
            },
            defaults={"publishedSequence": 0},
            adds={"history": [entry], "sequence": 1},
        )
        return read_item(item, entry) if item else None

    def _record(
        self, job: RestoreJob, observed_at: datetime, deadline: Deadline, condition: ConditionBase
    ) -> Recorded:
        entry = history_entry(job, observed_at)
        item = self._update(
            key_of(job),
            deadline,
            condition,
            sets={
                **state_of(job),
                "observedAt": utc_text(observed_at),
                "openShard": open_shard(job.restore_id),
                "expiresAt": None,
                "missingSince": None,
            },
            defaults={"firstObservedAt": utc_text(observed_at), "publishedSequence": 0},
            adds={"history": [entry], "sequence": 1},
        )
        return read_item(item, entry)


def _is_same_item(recorded: Recorded, condition: ConditionBase) -> ConditionBase:
    """The condition, and that the item was not deleted and recorded again meanwhile."""
    if recorded.first_observed_at is None:
        return condition
    return condition & Attr("firstObservedAt").eq(recorded.first_observed_at)


def _may_be_replaced_by(published: int) -> ConditionBase:
    """Not so many changes are known to be published yet, or more than there are."""
    stored = Attr("publishedSequence")
    return stored.lte(published) | stored.gt(Attr("sequence"))


def _is_as_read(recorded: Recorded) -> ConditionBase:
    """The condition that no entry was added since the item was read."""
    return _is_same_item(recorded, Attr("sequence").eq(len(recorded.history)))


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
