"""
The entry point of the measuring Lambda function, which shares the package with the watch.

It does work at import, as the handler of the watch does.
"""

# ruff: noqa: E402 - without garbage collection the modules load about 9 % faster
import gc

gc.disable()

import os
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import boto3

from foundation.aws_call import AWS_CONFIG
from foundation.deadline import Deadline
from foundation.emitting import start_logger
from foundation.errors import ApplicationError
from restore_watch.measuring.measurer import Measurer
from restore_watch.settings import Settings
from restore_watch.wires import wires_of

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

RESERVE = 1.0
"""Seconds of the invocation that are kept for returning the result."""

settings = Settings.from_environment(os.environ)
logger = start_logger(settings.log_level)
client: Any = partial(boto3.Session().client, config=AWS_CONFIG)
wires = wires_of(settings, logger, client)
measurer = Measurer(wires)

gc.enable()
gc.freeze()


@logger.inject_lambda_context(log_event=False)
def lambda_handler(event: Any, context: "LambdaContext") -> Mapping[str, Any]:
    """Measure restores within the time of the invocation. Raises ApplicationError."""
    left = context.get_remaining_time_in_millis() / 1000
    try:
        return measurer.answer(event, Deadline.after(left - RESERVE))
    except ApplicationError as error:
        wires.telemetry.report_failure(error)
        raise
