"""
What invokes the function, as restore targets. No I/O happens here.

Four shapes are understood:

- one target: `{"groupId", "clusterName", "restoreId", "kind"}`, as a direct invocation, an
  EventBridge Scheduler input or a Step Functions task input;
- several: `{"targets": [target, ...]}`;
- an EventBridge event of detail-type `Atlas Restore Watch Requested`, with either in `detail`;
- an SQS batch, each body being any of the above.

Values are never quoted in an error: a secret pasted into the wrong field must not reach a log.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from restore_watch.errors import InvalidEventError
from restore_watch.restore_job import RestoreKind, RestoreTarget

DETAIL_TYPE = "Atlas Restore Watch Requested"

TARGETS_LIMIT = 100
"""Targets of one event. More would not fit in one invocation and belong in a queue."""

# Both spellings of a field, as Atlas's own endpoints use both.
_SPELLINGS = {"groupId": "projectId", "restoreId": "restoreJobId"}

_EXPECTED = {
    "groupId": "Atlas's project id, 24 lowercase hexadecimal digits",
    "clusterName": "the source cluster's name: letters, digits and hyphens, 64 characters at most",
    "restoreId": "the restore job's id, 24 lowercase hexadecimal digits",
    "kind": 'one of "auto", ' + ", ".join(f'"{kind}"' for kind in RestoreKind),
    "envelope": "true or false",
    "pretty": "true or false",
}

_JSON_TYPES = {
    type(None): "nothing",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "an object",
}

# Credentials go to the base URL, so only the operator may choose it.
_REFUSED = ("baseUrl", "base_url", "BaseUrl")


@dataclass(frozen=True)
class RefusedTarget:
    """
    One of several targets that names no job; it fails alone.

    Only its place in the event is kept: what it holds may be anything, a secret in the wrong field
    included.
    """

    path: str
    error: InvalidEventError

    def as_json(self) -> dict[str, str]:
        """What stands for the target in the list of failures."""
        return {"path": self.path}


@dataclass(frozen=True)
class OneTarget:
    """The caller named one job and gets its result."""

    target: RestoreTarget


@dataclass(frozen=True)
class SeveralTargets:
    """The caller named several jobs and gets a list of results and one of failures."""

    targets: tuple[RestoreTarget | RefusedTarget, ...]


@dataclass(frozen=True)
class QueueRecord:
    """One SQS record: `request` is what its body asks for, or why it cannot be read."""

    message_id: str
    request: OneTarget | SeveralTargets | InvalidEventError


@dataclass(frozen=True)
class QueueBatch:
    """An SQS batch; records that fail are reported by their message id and delivered again."""

    records: tuple[QueueRecord, ...]


def parse(event: object) -> OneTarget | SeveralTargets | QueueBatch:
    """
    Read an invocation event.

    Raises InvalidEventError, naming the field and what was expected.
    """
    if isinstance(event, Mapping) and "Records" in event:
        return QueueBatch(_queue_records(event["Records"]))
    return _request(event, path="")


def _request(event: object, *, path: str) -> OneTarget | SeveralTargets:
    fields = _object(event, path or "event")
    if "detail-type" in fields or "detail" in fields:
        if fields.get("detail-type") != DETAIL_TYPE:
            raise InvalidEventError(f"{path}detail-type", f'expected "{DETAIL_TYPE}"')
        path = f"{path}detail"
        fields = _object(fields.get("detail"), path)
        path += "."
    if "targets" not in fields:
        return OneTarget(_target(fields, path))
    targets = fields["targets"]
    if not isinstance(targets, Sequence) or isinstance(targets, str) or not targets:
        raise InvalidEventError(
            f"{path}targets", f"expected a list of targets, got {_kind_of(targets)}"
        )
    if len(targets) > TARGETS_LIMIT:
        problem = f"expected at most {TARGETS_LIMIT} targets, got {len(targets)}"
        raise InvalidEventError(f"{path}targets", problem)
    return SeveralTargets(
        tuple(_target_or_refusal(target, f"{path}targets[{n}]") for n, target in enumerate(targets))
    )


def _target_or_refusal(value: object, path: str) -> RestoreTarget | RefusedTarget:
    try:
        return _target(_object(value, path), f"{path}.")
    except InvalidEventError as error:
        return RefusedTarget(path, error)


def _target(fields: Mapping[str, Any], path: str) -> RestoreTarget:
    for name in _REFUSED:
        if name in fields:
            problem = "not accepted in an event: the operator sets ATLAS_BASE_URL"
            raise InvalidEventError(path + name, problem)
    known = {name: fields[name] for name in _EXPECTED if name in fields}
    spelt = {name: name for name in _EXPECTED}
    for name, other in _SPELLINGS.items():
        if other not in fields:
            continue
        if name in known and known[name] != fields[other]:
            problem = f"expected {name} and {other} to be the same or only one of them"
            raise InvalidEventError(path + other, problem)
        if name not in known:
            known[name], spelt[name] = fields[other], other
    if known.get("kind") == "auto":
        del known["kind"]
    try:
        return RestoreTarget.model_validate(known)
    except ValidationError as error:
        name = str(error.errors(include_input=False, include_url=False)[0]["loc"][0])
        problem = f"expected {_EXPECTED[name]}, got {_kind_of(known.get(name))}"
        raise InvalidEventError(path + spelt[name], problem) from None


def _queue_records(records: object) -> tuple[QueueRecord, ...]:
    if not isinstance(records, Sequence) or isinstance(records, str) or not records:
        raise InvalidEventError(
            "Records", f"expected a list of SQS records, got {_kind_of(records)}"
        )
    return tuple(_queue_record(record, f"Records[{n}]") for n, record in enumerate(records))


def _queue_record(value: object, path: str) -> QueueRecord:
    record = _object(value, path)
    message_id = record.get("messageId")
    # Without an id the record cannot be reported alone, so the whole batch must come back.
    if record.get("eventSource") != "aws:sqs" or not isinstance(message_id, str):
        raise InvalidEventError(
            path, "expected an SQS record with eventSource aws:sqs and a messageId"
        )
    try:
        body = json.loads(record.get("body", ""))
    except (TypeError, ValueError, RecursionError):
        return QueueRecord(message_id, InvalidEventError(f"{path}.body", "expected JSON text"))
    try:
        return QueueRecord(message_id, _request(body, path=f"{path}.body."))
    except InvalidEventError as error:
        return QueueRecord(message_id, error)


def _object(value: object, path: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidEventError(path.rstrip("."), f"expected a JSON object, got {_kind_of(value)}")
    return value


def _kind_of(value: object) -> str:
    """What was given, never its value."""
    if isinstance(value, str):
        return f"text of {len(value)} characters"
    if value == []:
        return "an empty list"
    return _JSON_TYPES.get(type(value), "something else")
