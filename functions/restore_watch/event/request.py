"""
The invocation event as restore targets or an action. Pure: no I/O.

There are six shapes:

- one target: `{"groupId", "clusterName", "restoreId", "kind"}`, as a direct invocation, an
  EventBridge Scheduler input or a Step Functions task input;
- several targets: `{"targets": [target, ...]}`;
- an EventBridge event of detail-type `Atlas Restore Watch Requested`, with either in `detail`;
- an SQS batch, where each body is any of the above;
- one target with the `taskToken` of a workflow that waits for it, or with `waitUntil` alone to ask
  whether such a wait would be over, at the top level only;
- an action (`restore_watch.event.actions`), at the top level only.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple

from pydantic import PlainValidator

from foundation.json_text import read_json
from foundation.outside import unreadable
from restore_watch.errors import InvalidEventError
from restore_watch.event.actions import Action, read_action
from restore_watch.event.event_fields import EventFields, one_word_of, require_list, require_object
from restore_watch.event.sqs_record import SqsRecord, read_record
from restore_watch.event.target_fields import read_target
from restore_watch.model.restore_target import RestoreTarget
from restore_watch.model.workflow_wait import ENDED, TOKEN_LIMIT, UNTIL, Wait

DETAIL_TYPE = "Atlas Restore Watch Requested"

# A token is visible ASCII, and is stored behind a space.
_TOKEN = re.compile(rf"[\x21-\x7e]{{1,{TOKEN_LIMIT}}}")

TARGETS_LIMIT = 100
"""Targets of one event at most. More do not fit in one invocation: use the queue."""


class RefusedTarget(NamedTuple):
    """A target or queue record that names no job. Its content is not kept: it may be a secret."""

    path: str
    error: InvalidEventError

    def as_json(self) -> dict[str, str]:
        """The target in the list of failures."""
        return {"path": self.path}


type Target = RestoreTarget | RefusedTarget


class OneTarget(NamedTuple):
    """The caller named one job. With `until`, the result says whether such a wait would be over."""

    target: RestoreTarget
    until: str | None = None


class SeveralTargets(NamedTuple):
    """The caller named several jobs. EventBridge only repeats what fails: `all_must_succeed`."""

    targets: tuple[Target, ...]
    all_must_succeed: bool = False


class QueueRecord(NamedTuple):
    """One SQS record and the targets that its body names."""

    message_id: str
    targets: tuple[Target, ...]


class QueueBatch(NamedTuple):
    """An SQS batch. Records that fail are reported by their message id and delivered again."""

    records: tuple[QueueRecord, ...]


class WaitForJob(NamedTuple):
    """A workflow waits for a job."""

    target: RestoreTarget
    wait: Wait


type Request = OneTarget | WaitForJob | SeveralTargets | QueueBatch | Action


def read_request(event: object) -> Request:
    """Read an event. Raises InvalidEventError, naming the field and what was expected."""
    fields = require_object(event, "event")
    if "Records" in fields:
        records = require_list(fields["Records"], "Records", "SQS records")
        read = (_queue_record(record, f"Records[{n}]") for n, record in enumerate(records))
        return QueueBatch(tuple(read))
    action = read_action(fields)
    if action is not None:
        return action
    if "taskToken" in fields:
        target, token = read_target(fields), _TokenField.of(fields).task_token
        return WaitForJob(target, Wait(token, _read_until(fields)))
    if "waitUntil" in fields:
        return OneTarget(read_target(fields), _read_until(fields))
    return _request(fields, path="")


def _token(value: object) -> str:
    if isinstance(value, str) and _TOKEN.fullmatch(value):
        return value
    raise unreadable(f"expected a task token of Step Functions, {TOKEN_LIMIT} characters at most")


class _TokenField(EventFields):
    task_token: Annotated[str, PlainValidator(_token)]


class _UntilField(EventFields):
    wait_until: Annotated[str, PlainValidator(one_word_of(UNTIL))] | None = None


def _read_until(event: Mapping[str, Any]) -> str:
    # A workflow may fill in a field with nothing.
    return _UntilField.of(event).wait_until or ENDED


def _request(fields: Mapping[str, Any], *, path: str) -> OneTarget | SeveralTargets:
    if "detail-type" not in fields and "detail" not in fields:
        return _named(fields, path)
    if fields.get("detail-type") != DETAIL_TYPE:
        raise InvalidEventError(f"{path}detail-type", f'expected "{DETAIL_TYPE}"')
    path = f"{path}detail"
    return _named(require_object(fields.get("detail"), path), f"{path}.", all_must_succeed=True)


def _named(
    fields: Mapping[str, Any], path: str, *, all_must_succeed: bool = False
) -> OneTarget | SeveralTargets:
    if "action" in fields:
        raise InvalidEventError(f"{path}action", "accepted at the top level of an event only")
    if "targets" not in fields:
        return OneTarget(read_target(fields, path))
    targets = require_list(fields["targets"], f"{path}targets", "targets")
    if len(targets) > TARGETS_LIMIT:
        problem = f"expected at most {TARGETS_LIMIT} targets, got {len(targets)}"
        raise InvalidEventError(f"{path}targets", problem)
    read = (_target_or_refusal(target, f"{path}targets[{n}]") for n, target in enumerate(targets))
    return SeveralTargets(tuple(read), all_must_succeed)


def _target_or_refusal(value: object, path: str) -> Target:
    try:
        return read_target(require_object(value, path), f"{path}.")
    except InvalidEventError as error:
        return RefusedTarget(path, error)


def _queue_record(value: object, path: str) -> QueueRecord:
    record = read_record(SqsRecord, require_object(value, path), path)
    return QueueRecord(record.message_id, _record_targets(record.body, f"{path}.body"))


def _record_targets(body: object, path: str) -> tuple[Target, ...]:
    read = read_json(body)
    if read is None:
        return (RefusedTarget(path, InvalidEventError(path, "expected JSON text")),)
    try:
        request = _request(require_object(read, path), path=f"{path}.")
    except InvalidEventError as error:
        return (RefusedTarget(path, error),)
    return (request.target,) if isinstance(request, OneTarget) else request.targets
