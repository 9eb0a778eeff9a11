"""The entry point of the people's Lambda function. Only handlers do work at import."""

# ruff: noqa: E402 - without garbage collection the modules load about 9 % faster
import gc

gc.disable()

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import boto3

from foundation.deadline import Deadline
from foundation.emitting import start_logger
from notify_people.composition import compose
from notify_people.settings import Settings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

RESERVE = 0.5
"""Seconds of the invocation that are kept for returning the result."""

settings = Settings.from_environment(os.environ)
logger = start_logger(settings.log_level)
application = compose(settings, logger, boto3.Session())

gc.enable()
gc.freeze()


@logger.inject_lambda_context(log_event=False)
def lambda_handler(event: Any, context: "LambdaContext") -> Mapping[str, Any]:
    """Answer an invocation within its time."""
    left = context.get_remaining_time_in_millis() / 1000
    return application.answer(event, Deadline.after(left - RESERVE))
