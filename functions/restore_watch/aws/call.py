"""
One call to AWS that ends by the deadline.

botocore's timeouts are fixed for a client and limit a single read, its retries have no deadline,
and a name lookup has no timeout at all. So a call runs in a thread, and we wait for that thread
until the deadline at most. A call that is left behind may still take effect. That does no harm: all
our writes are conditional, and every message can be published again.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from restore_watch.deadline import Deadline

LEAST_TIME = 1.0
"""No call begins with less time left, in seconds. Within a region an answer takes about 10 ms."""

_UNREADABLE = (ResponseParserError, AttributeError, LookupError, TypeError, ValueError)
"""botocore's parsers raise these for an answer that is cut off or does not come from AWS."""

CALLS_AT_ONCE = 8
"""Calls of one step that may be under way, or hang. The next one has to wait for a thread."""


class AwsCallError(Exception):
    """
    AWS did not answer, or refused: `code` is its error code, `answer` its whole answer.

    The text has only the code: the rest of AWS's answer may quote our own values.
    """

    def __init__(self, code: str, answer: Mapping[str, Any] | None = None) -> None:
        super().__init__(f"answered {code}" if answer else f"did not answer ({code})")
        self.code = code
        self.answer = answer or {}


def aws_call(
    deadline: Deadline,
    step: str,
    operation: Callable[..., Any],
    required_field: str,
    **parameters: Any,
) -> Any:
    """
    Call an operation of a boto3 client and return its answer.

    `required_field` is a field that every complete answer has: for an answer that was cut off,
    botocore returns an empty one. Raises AwsCallError, or TimeBudgetExceededError when too little
    time is left to begin the step.
    """
    deadline.require(LEAST_TIME, step)
    call = _threads(step).submit(operation, **parameters)
    try:
        answer = call.result(deadline.remaining())
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code") or "an error without a code"
        raise AwsCallError(code, error.response) from None
    except (BotoCoreError, *_UNREADABLE) as error:
        raise AwsCallError(type(error).__name__) from None
    except TimeoutError:
        call.cancel()  # for a call that has no thread yet
        raise AwsCallError("the time of the invocation is over") from None
    if required_field not in answer:
        raise AwsCallError("the answer was cut off")
    return answer


@cache
def _threads(step: str) -> ThreadPoolExecutor:
    # For each step its own, so that a topic that hangs does not keep the table from recording.
    return ThreadPoolExecutor(CALLS_AT_ONCE, thread_name_prefix=step)
