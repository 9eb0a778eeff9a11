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

The fields that only some shapes have are imported when an event has that shape.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from foundation.json_text import read_json
from restore_watch.errors import InvalidEventError
from restore_watch.event.actions import Action, has_action
from restore_watch.event.event_fields import require_list, require_object
from restore_watch.event.several_targets import RefusedTarget, SeveralTargets, Target, read_targets
from restore_watch.event.target_fields import read_target
from restore_watch.model.restore_target import RestoreTarget
from restore_watch.model.workflow_wait import Wait

DETAIL_TYPE = "Atlas Restore Watch Requested"


class OneTarget(NamedTuple):
    """The caller named one job. With `until`, the result says whether such a wait would be over."""

    target: RestoreTarget
    until: str | None = None


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
        return _queue_batch(fields["Records"])
    if has_action(fields):
        from restore_watch.event.action_fields import read_action

        return read_action(fields)
    if "taskToken" in fields or "waitUntil" in fields:
        return _wait(fields)
    return _request(fields, path="")


def _wait(fields: Mapping[str, Any]) -> WaitForJob | OneTarget:
    from restore_watch.event.wait_fields import read_token, read_until

    target = read_target(fields)
    if "taskToken" in fields:
        return WaitForJob(target, Wait(read_token(fields), read_until(fields)))
    return OneTarget(target, read_until(fields))


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
    return SeveralTargets(read_targets(fields["targets"], f"{path}targets"), all_must_succeed)


def _queue_batch(value: object) -> QueueBatch:
    from restore_watch.event.sqs_record import SqsRecord, read_record

    batch: list[QueueRecord] = []
    for number, given in enumerate(require_list(value, "Records", "SQS records")):
        path = f"Records[{number}]"
        record = read_record(SqsRecord, require_object(given, path), path)
        targets = _record_targets(record.body, f"{path}.body")
        batch.append(QueueRecord(record.message_id, targets))
    return QueueBatch(tuple(batch))


def _record_targets(body: object, path: str) -> tuple[Target, ...]:
    read = read_json(body)
    if read is None:
        return (RefusedTarget(path, InvalidEventError(path, "expected JSON text")),)
    try:
        request = _request(require_object(read, path), path=f"{path}.")
    except InvalidEventError as error:
        return (RefusedTarget(path, error),)
    return (request.target,) if isinstance(request, OneTarget) else request.targets
