"""
The DynamoDB item of a restore job: its last recorded state, and the outbox of its changes.

One conditional UpdateItem records a change: it sets the job's state and appends to `history`. What
lies beyond `publishedSequence` in `history` has still to be published, so a crash at any moment
leaves the mark behind. Nothing is read before the write: when the condition fails, DynamoDB hands
the stored item back in the same round trip.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from pydantic import Field, TypeAdapter, ValidationError

from restore_watch.aws_call import AwsCallError, aws_call
from restore_watch.deadline import Deadline
from restore_watch.errors import TableUnavailableError
from restore_watch.restore_job import RestoreJob, RestoreStatus, StatusChange, UtcDate, utc_text

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

RETENTION = timedelta(days=400)
"""How long a finished job is kept: an auditor looks back on a year."""

OPEN_SHARDS = 4
"""Partitions of the index OpenJobs, so that no single one takes every write."""

# Late enough for any clock, and early enough for the retention to be counted from it.
_observed_at: Callable[[object], datetime] = TypeAdapter(
    Annotated[UtcDate, Field(lt=datetime.max.replace(tzinfo=UTC) - RETENTION)]
).validate_python
_serialize = TypeSerializer().serialize
_deserialize = TypeDeserializer().deserialize
_NAME = re.compile(r"#(\w+)")

_RECORD = """
SET {state},
    #firstObservedAt = if_not_exists(#firstObservedAt, :observedAt),
    #observedAt = :observedAt,
    #history = list_append(if_not_exists(#history, :nothing), :change),
    #sequence = if_not_exists(#sequence, :zero) + :one,
    #publishedSequence = if_not_exists(#publishedSequence, :zero),
    #openShard = :openShard
REMOVE #expiresAt{absent}
"""
_ACKNOWLEDGE = "SET #publishedSequence = :sequence"
_SETTLE = ", #expiresAt = :expiresAt REMOVE #openShard"


@dataclass(frozen=True)
class Recorded:
    """
    What the table holds once a check is recorded.

    `history` has every recorded change in order; the first `published` of them are known to be
    published. `change` is the one that this check recorded, None when there was none to record.
    """

    job: RestoreJob
    history: tuple[StatusChange, ...]
    published: int
    change: StatusChange | None

    @property
    def pending(self) -> tuple[StatusChange, ...]:
        """What has still to be published, in order."""
        return self.history[self.published :]


class RestoreJobsTable:
    """
    The table of restore jobs.

    Its methods raise TableUnavailableError when DynamoDB refuses or does not answer, and
    TimeBudgetExceededError when too little time is left to begin.
    """

    def __init__(self, client: "DynamoDBClient", name: str) -> None:
        self._client = client
        self._name = name

    def record(self, job: RestoreJob, observed_at: datetime, deadline: Deadline) -> Recorded:
        """
        Record the job if its status may follow the stored one; return what is stored then.

        Otherwise nothing is written: the job is unchanged, another check was faster, or Atlas
        contradicts itself.
        """
        state = _state(job)
        change = _present(state) | {
            "restoreId": job.restore_id,
            "observedAt": utc_text(observed_at),
        }
        # A status that a newer version has written, and this one does not know, is followed too.
        stays = [status for status in RestoreStatus if status not in job.follows]
        kept = {f":kept{n}": status for n, status in enumerate(stays)}
        item = self._update(
            job,
            deadline,
            update=_RECORD.format(
                state=_assignments(state),
                absent="".join(f", #{name}" for name in state if state[name] is None),
            ),
            condition=f"attribute_not_exists(#status) OR NOT #status IN ({', '.join(kept)})",
            values=kept
            | _assigned(state)
            | {
                ":observedAt": utc_text(observed_at),
                ":change": [change],
                ":nothing": [],
                ":zero": 0,
                ":one": 1,
                ":openShard": _open_shard(job),
            },
        )
        return _recorded(item, change)

    def acknowledge(self, recorded: Recorded, deadline: Deadline) -> None:
        """
        Note that all of `recorded` is published. `publishedSequence` is only ever raised.

        A job that is done leaves the index of open jobs, and its retention begins, unless a newer
        change was recorded meanwhile: whoever recorded that publishes and acknowledges it.
        """
        last = recorded.history[-1]
        values: dict[str, Any] = {":sequence": last.sequence}
        condition = "#publishedSequence < :sequence"
        if recorded.job.terminal:
            values[":expiresAt"] = _expires_at(last.observed_at)
            condition += " AND #sequence = :sequence"
        self._update(
            recorded.job,
            deadline,
            update=_ACKNOWLEDGE + (_SETTLE if recorded.job.terminal else ""),
            condition=condition,
            values=values,
        )

    def settle(self, job: RestoreJob, observed_at: datetime, deadline: Deadline) -> None:
        """
        Close a job of unknown status that has got its finish date, and with it an end.

        That is no change of status, so nothing is appended and nothing published.
        """
        state = _state(job)
        self._update(
            job,
            deadline,
            update=f"SET {_assignments(state)}{_SETTLE}",
            condition="#status = :status AND #publishedSequence = #sequence",
            values=_assigned(state) | {":expiresAt": _expires_at(observed_at)},
        )

    def _update(
        self,
        job: RestoreJob,
        deadline: Deadline,
        *,
        update: str,
        condition: str,
        values: dict[str, Any],
    ) -> dict[str, Any]:
        """Return the item as it is then, whether the condition held or not."""
        try:
            answer = aws_call(
                deadline,
                "write to the table",
                self._client.update_item,
                "Attributes",
                TableName=self._name,
                Key={
                    "cluster": {"S": f"{job.group_id}/{job.cluster_name}"},
                    "restoreId": {"S": job.restore_id},
                },
                UpdateExpression=update,
                ConditionExpression=condition,
                # Every name by a placeholder: DynamoDB reserves hundreds of words.
                ExpressionAttributeNames={
                    f"#{name}": name for name in _NAME.findall(update + condition)
                },
                ExpressionAttributeValues={
                    name: _serialize(value) for name, value in values.items()
                },
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except AwsCallError as error:
            if error.code == "ConditionalCheckFailedException":
                return _values(error.answer.get("Item", {}))
            msg = f"DynamoDB {error}; the next check makes it good"
            raise TableUnavailableError(msg) from None
        return _values(answer["Attributes"])


def _recorded(item: Mapping[str, Any], own: Mapping[str, Any]) -> Recorded:
    """
    Read an item of this or another version; attributes that are not known are left alone.

    `own` is the entry of `history` that this check would write. It is looked for, since the answer
    to a write that was made may be lost, and its repetition then fails.
    """
    try:
        history: list[StatusChange] = []
        written = None
        for entry in item.get("history", ()):
            change = StatusChange(
                job=RestoreJob.model_validate(entry),
                previous_status=history[-1].job.status if history else None,
                sequence=len(history) + 1,
                observed_at=_observed_at(entry["observedAt"]),
            )
            history.append(change)
            if entry == own:
                written = change
        return Recorded(
            job=RestoreJob.model_validate(item),
            history=tuple(history),
            published=int(item.get("publishedSequence", 0)),
            change=written,
        )
    except (ValidationError, KeyError, TypeError, ValueError):
        msg = (
            "the table holds an item of a form that this version cannot read; nothing was published"
        )
        raise TableUnavailableError(msg) from None


def _values(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _deserialize(value) for name, value in attributes.items()}


def _state(job: RestoreJob) -> dict[str, Any]:
    """The attributes of an item that say how the job is; its id is part of the key."""
    return {name: value for name, value in job.as_json().items() if name != "restoreId"}


def _assignments(state: Mapping[str, Any]) -> str:
    return ", ".join(f"#{name} = :{name}" for name in _present(state))


def _assigned(state: Mapping[str, Any]) -> dict[str, Any]:
    return {f":{name}": value for name, value in _present(state).items()}


def _present(state: Mapping[str, Any]) -> dict[str, Any]:
    """An absent value is an absent attribute."""
    return {name: value for name, value in state.items() if value is not None}


def _open_shard(job: RestoreJob) -> str:
    # The last digits of an ObjectId count, so jobs spread evenly.
    return str(int(job.restore_id[-1], 16) % OPEN_SHARDS)


def _expires_at(observed_at: datetime) -> int:
    return int((observed_at + RETENTION).timestamp())
