"""One call to AWS, and the meaning of its refusals."""

from collections.abc import Callable, Mapping
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from foundation import USER_AGENT
from foundation.deadline import Deadline
from foundation.timed_call import CallTimeoutError, timed_call

AWS_CONFIG = Config(
    connect_timeout=1,
    read_timeout=3,
    retries={"mode": "standard", "total_max_attempts": 3},
    tcp_keepalive=True,
    # Otherwise botocore validates the parameters of every call, which takes a sixth of the CPU time
    # of an unchanged check, and builds a user agent, which takes a twentieth.
    parameter_validation=False,
    user_agent=USER_AGENT,
)
"""Timeouts and attempts of one AWS call. Within a region an answer takes about ten milliseconds."""

_UNREADABLE = (ResponseParserError, AttributeError, LookupError, TypeError, ValueError)
"""botocore's parsers raise these for an answer that is cut off or does not come from AWS."""


class AwsCallError(Exception):
    """
    AWS did not answer, or refused: `code` is its error code, `answer` its whole answer.

    The text has only the code: the rest of AWS's answer may quote our own values.
    """

    def __init__(self, code: str, answer: Mapping[str, Any] | None = None) -> None:
        super().__init__(f"answered {code}" if answer else f"did not answer ({code})")
        self.code = code
        self.answer = answer or {}

    @property
    def is_lasting(self) -> bool:
        """AWS would refuse the same call again: a 4xx that is not about too many calls."""
        status = self.answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        is_throttled = status == 429 or "Throttl" in self.code
        return 400 <= status < 500 and not is_throttled


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
    botocore returns an empty answer. Raises AwsCallError.
    """
    try:
        return timed_call(
            deadline, step, lambda: plain_call(operation, required_field, **parameters)
        )
    except CallTimeoutError:
        raise AwsCallError("the time of the invocation is over") from None


def plain_call(operation: Callable[..., Any], required_field: str, **parameters: Any) -> Any:
    """As `aws_call`, but the call ends only by the timeouts of its client."""
    try:
        answer = operation(**parameters)
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code") or "an error without a code"
        raise AwsCallError(code, error.response) from None
    except (BotoCoreError, TimeoutError, *_UNREADABLE) as error:
        raise AwsCallError(type(error).__name__) from None
    if required_field not in answer:
        raise AwsCallError("the answer was cut off")
    return answer
