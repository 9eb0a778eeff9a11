"""
One call to AWS that ends by the deadline, whatever the network does.

botocore's timeouts are fixed when a client is made and hold for a single read, its retries know no
deadline, and a name look-up has no timeout at all. So a call runs in a thread that is waited for
no longer than the invocation lasts. One that is left behind may still take effect; all our writes
are conditional and every publication can be repeated, so that does no harm.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from restore_watch.deadline import Deadline

LEAST_TIME = 1.0
"""Seconds below which no call is begun; within one region an answer takes some ten milliseconds."""

_MISREAD = (ResponseParserError, AttributeError, LookupError, TypeError, ValueError)
"""What botocore's parsers raise for an answer that is cut off, or is none of AWS's at all."""

CALLS_LEFT_BEHIND = 8
"""Calls that may hang at once before a further one has to wait for its turn."""


class AwsCallError(Exception):
    """
    AWS refused a call (`code` is its own word, `answer` all it said), or did not answer.

    Its text names the code only: what else AWS says may quote what it was given.
    """

    def __init__(self, code: str, answer: Mapping[str, Any] | None = None) -> None:
        super().__init__(f"answered {code}" if answer else f"did not answer ({code})")
        self.code = code
        self.answer = answer or {}


def aws_call(
    deadline: Deadline, step: str, operation: Callable[..., Any], whole: str, **parameters: Any
) -> Any:
    """
    Call an operation of a boto3 client and return its answer.

    `whole` is a field that every complete answer has: botocore takes an answer that was cut off for
    an empty one. Raises AwsCallError, or TimeBudgetExceededError when too little time is left to
    begin the step.
    """
    deadline.require(LEAST_TIME, step)
    call = _threads().submit(operation, **parameters)
    try:
        answer = call.result(deadline.remaining())
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code") or "an error without a code"
        raise AwsCallError(code, error.response) from None
    except (BotoCoreError, *_MISREAD) as error:
        raise AwsCallError(type(error).__name__) from None
    except TimeoutError:
        call.cancel()  # should it still wait for its turn
        raise AwsCallError("the time of the invocation is over") from None
    if whole not in answer:
        raise AwsCallError("what came was cut off")
    return answer


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(CALLS_LEFT_BEHIND, thread_name_prefix="aws")
