"""The steps of a check as the wire sees them, and what Atlas answers when it refuses."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from local_stack.refusal import atlas_error
from local_stack.stack import CREDENTIALS
from local_stack.wire import Answer, Call, Selection


def _updates(expression: bytes) -> Callable[[Call], bool]:
    return lambda call: expression in call.body


# The steps of a check that finds a change, in this order.
SECRET = Selection("secretsmanager", "GetSecretValue")
TOKEN = Selection("atlas", "token")
ATLAS = Selection("atlas", "flex")
RECORD = Selection("dynamodb", "UpdateItem", _updates(b"list_append"))
PUBLISH = Selection("sns", "Publish")
ACKNOWLEDGE = Selection("dynamodb", "UpdateItem", _updates(b'"SET #publishedSequence'))

# After Atlas gave no job: the update that never takes place and returns what is pending.
RECALL = Selection("dynamodb", "UpdateItem", _updates(b'"SET #sequence = #sequence"'))

# A validation is appended to the history, instead of a change.
VALIDATE = Selection("dynamodb", "UpdateItem", _updates(b":entry"))

STEPS = {
    "secret": SECRET,
    "validate": VALIDATE,
    "token": TOKEN,
    "atlas": ATLAS,
    "record": RECORD,
    "recall": RECALL,
    "publish": PUBLISH,
    "acknowledge": ACKNOWLEDGE,
}

# The question to Atlas for other kinds of restore job.
DEDICATED = Selection("atlas", "dedicated")
TENANT = Selection("atlas", "tenant")

LONG_AGO = "5f0000000000000000000b01"
"""The id of a job that was created in 2020: a 404 for it is final."""

SETTLED_AFTER = 60.0
"""Seconds after which no refusal of Atlas stands any more."""

JSON = {"Content-Type": "application/json"}

ACCOUNT = CREDENTIALS["service_account"]
API_KEY = CREDENTIALS["api_key"]

UNKNOWN_JOB = atlas_error(404, "RESOURCE_NOT_FOUND", "There is no such restore job.")
MISSING_ROLE = atlas_error(401, "USER_UNAUTHORIZED", "This credential has no role for it.")


def too_many_requests(
    headers: Mapping[str, str] | None = None, parameters: Sequence[Any] | None = ()
) -> Answer:
    """Atlas's 429."""
    return atlas_error(429, "RATE_LIMITED_TOKEN_BUCKET", "Too much.", parameters, headers)
