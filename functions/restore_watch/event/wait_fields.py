"""The fields of an event that says until when a workflow waits for a restore job. Pure."""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import PlainValidator

from foundation.outside import unreadable
from restore_watch.event.event_fields import EventFields, one_word_of
from restore_watch.model.workflow_wait import ENDED, TOKEN_LIMIT, UNTIL

# A token is visible ASCII, and is stored behind a space.
_TOKEN = re.compile(rf"[\x21-\x7e]{{1,{TOKEN_LIMIT}}}")


def _token(value: object) -> str:
    if isinstance(value, str) and _TOKEN.fullmatch(value):
        return value
    raise unreadable(f"expected a task token of Step Functions, {TOKEN_LIMIT} characters at most")


class _TokenField(EventFields):
    task_token: Annotated[str, PlainValidator(_token)]


class _UntilField(EventFields):
    wait_until: Annotated[str, PlainValidator(one_word_of(UNTIL))] | None = None


def read_token(event: Mapping[str, Any]) -> str:
    """Return the token of the workflow. Raises InvalidEventError."""
    return _TokenField.of(event).task_token


def read_until(event: Mapping[str, Any]) -> str:
    """Return until when the workflow waits. Raises InvalidEventError."""
    # A workflow may fill in a field with nothing.
    return _UntilField.of(event).wait_until or ENDED
