"""The entry point of the Lambda function, and the only file that does work at import."""

import logging
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools import Logger

from foundation.deadline import Deadline
from notify_people.composition import compose
from notify_people.settings import Settings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

RESERVE = 0.5
"""Seconds of the invocation that are kept for returning the result."""

# Below WARNING these libraries log URLs and headers.
for library in ("httpx", "httpcore", "boto3", "botocore", "urllib3"):
    logging.getLogger(library).setLevel(logging.WARNING)

settings = Settings.from_environment(os.environ)
# An operator needs the message, not the line of code that logged it.
logger = Logger(level=settings.log_level, location=None)
application = compose(settings, logger, boto3.Session())


@logger.inject_lambda_context(log_event=False)
def lambda_handler(event: Any, context: "LambdaContext") -> Mapping[str, Any]:
    """Answer an invocation within its time."""
    left = context.get_remaining_time_in_millis() / 1000
    return application.answer(event, Deadline.after(left - RESERVE))
