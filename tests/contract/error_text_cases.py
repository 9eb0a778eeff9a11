"""What calls of our code raise and log, and how the tests make AWS and clocks fail."""

import io
import secrets
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from itertools import chain, repeat

from aws_lambda_powertools import Logger
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError

from contract.error_texts import ErrorText
from contract.error_texts import logged as read_log
from notify_people.errors import NotifyPeopleError
from restore_watch.errors import RestoreWatchError
from unit.stubbed_aws import Refusal


def raised(*calls: Callable[[], object]) -> Iterator[ErrorText]:
    """What each call raises."""
    for call in calls:
        try:
            call()
        except (RestoreWatchError, NotifyPeopleError) as error:
            yield ErrorText(type(error).__name__, str(error))
        else:
            raise AssertionError(call)


def logged(*calls: Callable[[Logger], object]) -> Iterator[ErrorText]:
    """What each call logs as a warning or an error, or prints where the logger fails."""
    for call in calls:
        log, printed = io.StringIO(), io.StringIO()
        with redirect_stdout(printed):
            # A logger keeps the output stream that was set when its service was first named.
            call(Logger(service=secrets.token_hex(8), location=None, stream=log))
        yield from read_log(f"{log.getvalue()}\n{printed.getvalue()}")


_ENDPOINT = "https://aws.example.net"


def refused(code: str, status: int = 400) -> Refusal:
    return Refusal(code, ResponseMetadata={"HTTPStatusCode": status})


_OF_ANY_CALL = (
    refused("InternalError", 500),
    ConnectTimeoutError(endpoint_url=_ENDPOINT),
    EndpointConnectionError(endpoint_url=_ENDPOINT),
    ReadTimeoutError(endpoint_url=_ENDPOINT),
)
SECRET_FAILURES = (
    refused("AccessDeniedException"),
    refused("ResourceNotFoundException"),
    refused("InvalidRequestException"),
    refused("DecryptionFailure"),
    *_OF_ANY_CALL,
)
TABLE_FAILURES = (
    refused("AccessDeniedException"),
    refused("ResourceNotFoundException"),
    *_OF_ANY_CALL,
)
TOPIC_FAILURES = (
    refused("NotFound", 404),
    refused("AuthorizationError", 403),
    refused("KMSAccessDenied"),
    refused("KMSDisabled"),
    refused("KMSInvalidState"),
    refused("KMSNotFound"),
    *_OF_ANY_CALL,
)
"""Refusals, by the codes of botocore's service models, and the errors of botocore itself."""


class JumpingClock:
    """Reads 0 so many times, and then an hour: time passes between two steps."""

    def __init__(self, readings: int) -> None:
        self._readings = chain(repeat(0.0, readings), repeat(3600.0))

    def __call__(self) -> float:
        return next(self._readings)
