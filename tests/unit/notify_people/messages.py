"""Messages of these tests."""

import json
from typing import Any

from golden.notify_people.cases import CONSOLE, STACK, cases
from notify_people.message import Message, read_message
from notify_people.words.notice import Notice
from notify_people.words.notices import notice_of

CASES = {case.name: case for case in cases()}


def event(name: str = "flex-failed", /, **data: Any) -> dict[str, Any]:
    """The message of a golden case, with other data."""
    message = CASES[name].message
    return {**message, "data": {**message["data"], **data}}


def read(name: str = "flex-failed", /, **data: Any) -> Message:
    return read_message(json.dumps(event(name, **data)))


def notice(name: str = "flex-failed", /, **data: Any) -> Notice:
    return notice_of(read(name, **data), CONSOLE, STACK)
