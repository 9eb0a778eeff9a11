"""Tables and topics that are broken in one place, for `reliability.broken_copies`."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from foundation.deadline import Deadline
from restore_watch.aws.topic import StatusChangesTopic
from restore_watch.model.restore_job import RestoreJob, RestoreStatus, RestoreTarget
from restore_watch.model.validation import Entry
from restore_watch.table.job_item import Acknowledgement, Recorded
from restore_watch.table.jobs import RestoreJobsTable

type Parameters = dict[str, Any]
type ChangedParameters = Callable[[Any, Parameters], Parameters]


class Client:
    """A boto3 client that calls one operation with other parameters."""

    def __init__(self, client: Any, operation: str, change: ChangedParameters) -> None:
        self._client = client
        self._operation = operation
        self._change = change

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._client, name)
        if name != self._operation:
            return call
        return lambda **parameters: call(**self._change(self._client, parameters))


def update_item(change: ChangedParameters) -> Callable[..., RestoreJobsTable]:
    return partial(_changed, RestoreJobsTable, "update_item", change)


def publish(change: ChangedParameters) -> Callable[..., StatusChangesTopic]:
    return partial(_changed, StatusChangesTopic, "publish", change)


def _changed[Part](
    part: Callable[..., Part],
    operation: str,
    change: ChangedParameters,
    client: Any,
    *names: str,
) -> Part:
    return part(Client(client, operation, change), *names)


# The table


def records(parameters: Parameters) -> bool:
    """An UpdateItem records a change."""
    return ":change" in parameters.get("ExpressionAttributeValues", {})


def without_condition(_: Any, parameters: Parameters) -> Parameters:
    """Record what was seen, regardless of what is stored."""
    if not records(parameters):
        return parameters
    values = parameters["ExpressionAttributeValues"]
    update = parameters["UpdateExpression"]
    # DynamoDB takes no value and no name that no expression uses.
    used = {
        name: value
        for name, value in values.items()
        if f"{name}," in f"{update}," or name in update
    }
    kept = {name: value for name, value in parameters.items() if name != "ConditionExpression"}
    return kept | {"ExpressionAttributeValues": used}


def condition_in_a_read(client: Any, parameters: Parameters) -> Parameters:
    """Look first, and then record: what is stored may have changed in between."""
    if not records(parameters):
        return parameters
    item = client.get_item(
        TableName=parameters["TableName"], Key=parameters["Key"], ConsistentRead=True
    ).get("Item", {})
    values = parameters["ExpressionAttributeValues"]
    stays = [value for name, value in values.items() if name.startswith(":kept")]
    if not stays or item.get("status") in stays:
        return parameters
    return without_condition(client, parameters)


def condition_without_order(_: Any, parameters: Parameters) -> Parameters:
    """Record everything that differs: a slow check takes back what a faster one recorded."""
    values = parameters.get("ExpressionAttributeValues", {})
    if ":kept0" not in values:
        return parameters
    stays = {":kept0": values[":status"]}
    rest = {name: value for name, value in values.items() if not name.startswith(":kept")}
    return parameters | {
        "ConditionExpression": "attribute_not_exists(#status) OR NOT #status IN (:kept0)",
        "ExpressionAttributeValues": stays | rest,
    }


def history_of_one(_: Any, parameters: Parameters) -> Parameters:
    """The first change begins the history; no further one is appended."""
    if not records(parameters):
        return parameters
    appended = "list_append(if_not_exists(#history, :nothing), :change)"
    begun = "if_not_exists(#history, :change)"
    assert appended in parameters["UpdateExpression"]
    values = parameters["ExpressionAttributeValues"]
    return parameters | {
        "UpdateExpression": parameters["UpdateExpression"].replace(appended, begun),
        "ExpressionAttributeValues": {
            name: value for name, value in values.items() if name != ":nothing"
        },
    }


def acknowledges(parameters: Parameters) -> bool:
    """An UpdateItem acknowledges what was published."""
    return ":publishedSequence" in parameters.get("ExpressionAttributeValues", {})


def acknowledge_all(_: Any, parameters: Parameters) -> Parameters:
    """Acknowledge what is recorded by now, and not what was published."""
    update = parameters["UpdateExpression"]
    if not acknowledges(parameters):
        return parameters
    return parameters | {
        "UpdateExpression": update.replace(":publishedSequence", "#sequence", 1),
        "ExpressionAttributeNames": parameters["ExpressionAttributeNames"]
        | {"#sequence": "sequence"},
    }


def acknowledge_any_item(_: Any, parameters: Parameters) -> Parameters:
    """Acknowledge in the item that is there, even if it was recorded anew."""
    if not acknowledges(parameters):
        return parameters
    named = " AND #firstObservedAt = :firstObservedAt"
    assert named in parameters["ConditionExpression"]
    names, values = parameters["ExpressionAttributeNames"], parameters["ExpressionAttributeValues"]
    return parameters | {
        "ConditionExpression": parameters["ConditionExpression"].replace(named, ""),
        "ExpressionAttributeNames": _without("#firstObservedAt", names),
        "ExpressionAttributeValues": _without(":firstObservedAt", values),
    }


def append_to_any_item(_: Any, parameters: Parameters) -> Parameters:
    """Append an unknown word to the item that is there, even if it was recorded anew."""
    named = " AND #firstObservedAt = :firstObservedAt"
    if not records(parameters) or named not in parameters["ConditionExpression"]:
        return parameters
    return parameters | {
        "ConditionExpression": parameters["ConditionExpression"].replace(named, ""),
        "ExpressionAttributeValues": _without(
            ":firstObservedAt", parameters["ExpressionAttributeValues"]
        ),
    }


def ready_is_final(_: Any, parameters: Parameters) -> Parameters:
    """COMPLETED of a download stays, as that of any other job."""
    values = parameters.get("ExpressionAttributeValues", {})
    completed = {"S": "COMPLETED"}
    if ":kept0" not in values or completed in [values[name] for name in values if "kept" in name]:
        return parameters
    condition = parameters["ConditionExpression"].replace("(:kept0", "(:ready, :kept0")
    return parameters | {
        "ConditionExpression": condition,
        "ExpressionAttributeValues": values | {":ready": completed},
    }


def validation_out_of_the_index(_: Any, parameters: Parameters) -> Parameters:
    """A validation is appended, but no sweep sees that it is pending."""
    if not _validates(parameters):
        return parameters
    update = parameters["UpdateExpression"]
    assert ", #openShard = :openShard" in update
    return parameters | {
        "UpdateExpression": update.replace(", #openShard = :openShard", ""),
        "ExpressionAttributeNames": _without("#openShard", parameters["ExpressionAttributeNames"]),
        "ExpressionAttributeValues": _without(
            ":openShard", parameters["ExpressionAttributeValues"]
        ),
    }


def validation_that_expires(_: Any, parameters: Parameters) -> Parameters:
    """A validation is appended, and the item may expire before it is published."""
    if not _validates(parameters):
        return parameters
    assert "REMOVE #expiresAt" in parameters["UpdateExpression"]
    return parameters | {
        "UpdateExpression": parameters["UpdateExpression"].replace("REMOVE #expiresAt", ""),
        "ExpressionAttributeNames": _without("#expiresAt", parameters["ExpressionAttributeNames"]),
    }


def _validates(parameters: Parameters) -> bool:
    return ":entry" in parameters.get("ExpressionAttributeValues", {})


def _without(name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {one: value for one, value in values.items() if one != name}


class AcknowledgesFirst(RestoreJobsTable):
    """What is recorded counts as published before it is."""

    def record(self, job: RestoreJob, observed_at: datetime, deadline: Deadline) -> Recorded:
        recorded = super().record(job, observed_at, deadline)
        if recorded.pending:
            super().acknowledge(recorded, Acknowledgement(recorded.pending[-1]), deadline)
        return recorded


class NeverAcknowledges(RestoreJobsTable):
    """What was published stays pending."""

    def acknowledge(
        self, recorded: Recorded, done: Acknowledgement, deadline: Deadline
    ) -> None: ...


class AcknowledgesAllOrNothing(RestoreJobsTable):
    """What was published before a failure is published again."""

    def acknowledge(self, recorded: Recorded, done: Acknowledgement, deadline: Deadline) -> None:
        if done.last is recorded.history[-1]:
            super().acknowledge(recorded, done, deadline)


class NewestFirst(Recorded):
    """What is pending, in the wrong order."""

    @property
    def pending(self) -> tuple[Entry, ...]:
        return super().pending[::-1]


class ListsNewestFirst(RestoreJobsTable):
    def record(self, job: RestoreJob, observed_at: datetime, deadline: Deadline) -> Recorded:
        return NewestFirst(**vars(super().record(job, observed_at, deadline)))


class OnlyNewest(Recorded):
    """What is pending, except what a newer change has overtaken."""

    @property
    def pending(self) -> tuple[Entry, ...]:
        return super().pending[-1:]


class ListsOnlyNewest(RestoreJobsTable):
    def record(self, job: RestoreJob, observed_at: datetime, deadline: Deadline) -> Recorded:
        return OnlyNewest(**vars(super().record(job, observed_at, deadline)))


class RecordsOneUnknownWord(RestoreJobsTable):
    """An unknown status stays the same, whichever word it has."""

    def record(self, job: RestoreJob, observed_at: datetime, deadline: Deadline) -> Recorded:
        stored = None
        if job.status is RestoreStatus.UNKNOWN:
            target = RestoreTarget.model_validate(job.as_json())
            stored = self.recall(target, deadline)
        if stored is not None and stored.job.status is RestoreStatus.UNKNOWN:
            return stored
        return super().record(job, observed_at, deadline)


class IgnoresAFinishDate(RestoreJobsTable):
    """An unknown status never ends."""

    def record(self, job: RestoreJob, observed_at: datetime, deadline: Deadline) -> Recorded:
        if job.status is RestoreStatus.UNKNOWN:
            job = job.model_copy(update={"restore_finished_date": None})
        return super().record(job, observed_at, deadline)


# The topic


class ChangesWhenRepeated:
    """The first publication of a change is right; in a repetition this field is another one."""

    def __init__(self, field: str) -> None:
        self._field = field
        self._published: set[str] = set()

    def __call__(self, _: Any, parameters: Parameters) -> Parameters:
        event = json.loads(parameters["Message"])
        if event["id"] not in self._published:
            self._published.add(event["id"])
            return parameters
        event[self._field] += f":{datetime.now(UTC).isoformat()}"
        return parameters | {"Message": json.dumps(event)}


def id_without_the_word(_: Any, parameters: Parameters) -> Parameters:
    """All unknown words share one id."""
    event = json.loads(parameters["Message"])
    event["id"] = ":".join(event["id"].split(":")[:2])
    return parameters | {"Message": json.dumps(event)}
