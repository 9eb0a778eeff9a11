"""
The event that asks for measurements: of one restore by hand, or what the queue delivers. Pure.

The queue has the messages of the topic about restores that have completed, as they were published.
"""

from typing import Annotated, NamedTuple

from pydantic import Field

from foundation.json_text import as_map, read_object
from foundation.outside import FromOutside
from restore_watch.errors import InvalidEventError
from restore_watch.event.event_fields import refuse_others, require_list, require_object
from restore_watch.event.sqs_record import SqsRecord, read_record
from restore_watch.event.target_fields import NAMES_OF_A_JOB, read_target
from restore_watch.model.restore_target import RestoreTarget

MEASURE = "measure"
"""The action of the measuring function."""

DELIVERIES = 6
"""
At the last of these deliveries, it is recorded that a restore was not measured, and why.

The queue delivers 15 minutes after the message was published, and every 15 minutes again.
"""


class MeasureByHand(NamedTuple):
    """Measure a restore, and record nothing."""

    target: RestoreTarget


class Delivery(NamedTuple):
    """
    A message of the queue, and the restore that it is about.

    `is_last`: nobody waits any longer for what is not there.
    """

    message_id: str
    target: RestoreTarget | InvalidEventError
    is_last: bool


class Deliveries(NamedTuple):
    """What the queue delivers at a time."""

    records: tuple[Delivery, ...]


def read_event(event: object) -> MeasureByHand | Deliveries:
    """
    Read `{"action": "measure", ...target}`, or SQS records.

    Raises InvalidEventError, naming the field and what was expected.
    """
    fields = require_object(event, "event")
    if "Records" in fields:
        records = require_list(fields["Records"], "Records", "SQS records")
        return Deliveries(tuple(_read_delivery(one, number) for number, one in enumerate(records)))
    if fields.get("action") != MEASURE:
        raise InvalidEventError("action", f'expected "{MEASURE}"')
    refuse_others(fields, MEASURE, NAMES_OF_A_JOB)
    return MeasureByHand(read_target(fields))


class _Attributes(FromOutside):
    count: Annotated[str, Field(alias="ApproximateReceiveCount", pattern=r"^[1-9][0-9]{0,8}$")]


class _CountedRecord(SqsRecord):
    attributes: _Attributes


def _read_delivery(value: object, number: int) -> Delivery:
    path = f"Records[{number}]"
    record = read_record(_CountedRecord, value, path)
    is_last = int(record.attributes.count) >= DELIVERIES
    return Delivery(record.message_id, _target_of(record.body, f"{path}.body"), is_last)


def _target_of(body: object, path: str) -> RestoreTarget | InvalidEventError:
    """Return the job that a message is about. Its content is not kept in the error."""
    message = read_object(body)
    if message is None:
        return InvalidEventError(path, "expected JSON text")
    data = as_map(message.get("data"))
    try:
        return read_target(
            {name: data.get(name) for name in ("groupId", "clusterName", "restoreId", "kind")},
            f"{path}.data.",
        )
    except InvalidEventError as error:
        return error
