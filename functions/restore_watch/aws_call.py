"""
One call to AWS that ends by the deadline, whatever the network does.

botocore's timeouts are fixed when a client is made and hold for a single read, its retries know no
deadline, and a name look-up has no timeout at all. So a call runs in a thread, and nobody waits for
that thread longer than the invocation lasts. A call that is left behind may still take effect. That
does no harm: all our writes are conditional, and every publication can be repeated.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from restore_watch.deadline import Deadline

LEAST_TIME = 1.0
"""Seconds below which no call begins; within one region an answer takes some ten milliseconds."""

_UNREADABLE = (ResponseParserError, AttributeError, LookupError, TypeError, ValueError)
"""What botocore's parsers raise for an answer that is cut off or does not come from AWS."""

CALLS_LEFT_BEHIND = 8
"""Calls that may hang at once before a further one has to wait for a thread."""


class AwsCallError(Exception):
    """
    AWS refused a call (`code` is its error code, `answer` all it said), or did not answer.

    The text names the code only: the rest of AWS's answer may quote our own values.
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

    Every complete answer has the `required_field`: botocore returns an empty answer for one that
    was cut off. Raises AwsCallError, or TimeBudgetExceededError when too little time is left to
    begin the step.
    """
    deadline.require(LEAST_TIME, step)
    call = _threads().submit(operation, **parameters)
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
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(CALLS_LEFT_BEHIND, thread_name_prefix="aws")
