"""A record that Lambda's poller delivers from a queue. Pure."""

from typing import Any, Literal

from pydantic import StrictStr, ValidationError

from foundation.outside import FromOutside
from restore_watch.errors import InvalidEventError


class SqsRecord(FromOutside):
    """What every function reads of a record. A queue holds any `body`."""

    event_source: Literal["aws:sqs"]
    message_id: StrictStr
    body: Any = None


def read_record[Record: SqsRecord](form: type[Record], value: object, path: str) -> Record:
    """
    Read a record as this form.

    Raises InvalidEventError, which fails the whole batch, so that all of it is delivered again: a
    record without an id cannot be reported alone.
    """
    try:
        return form.read(value)
    except ValidationError:
        raise InvalidEventError(
            path, "expected an SQS record with eventSource aws:sqs and a messageId"
        ) from None
