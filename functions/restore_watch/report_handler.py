"""
The entry point of the report's Lambda function, which shares the package with the watch.

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
from restore_watch.report.report_bucket import ReportBucket
from restore_watch.report.report_settings import ReportSettings
from restore_watch.report.reporter import Reporter
from restore_watch.wires import wires_of

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

RESERVE = 1.0
"""Seconds of the invocation that are kept for returning the result."""

settings = ReportSettings.from_environment(os.environ)
logger = start_logger(settings.of_stack.log_level)
client: Any = partial(boto3.Session().client, config=AWS_CONFIG)
wires = wires_of(settings.of_stack, logger, client)
bucket = ReportBucket(client("s3"), settings.bucket, wires.clock)
reporter = Reporter(settings, wires, bucket)

gc.enable()
gc.freeze()


@logger.inject_lambda_context(log_event=False)
def lambda_handler(event: Any, context: "LambdaContext") -> Mapping[str, Any]:
    """Make a report within the time of the invocation. Raises ApplicationError."""
    left = context.get_remaining_time_in_millis() / 1000
    try:
        deadline = Deadline.after(left - RESERVE)
        result = reporter.answer(event, deadline, context.aws_request_id)
        wires.telemetry.report_report(result)
    except ApplicationError as error:
        wires.telemetry.report_failure(error)
        raise
    return result
