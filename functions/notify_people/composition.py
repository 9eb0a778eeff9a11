"""The parts of the application, and their clients for AWS and the channels."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from botocore.config import Config

from foundation.aws_call import AWS_CONFIG
from foundation.emitting import MetricsLog
from notify_people.application import Application
from notify_people.channels.channels import Channels
from notify_people.channels.notify_secret import NotifySecret
from notify_people.channels.sent_table import SentTable
from notify_people.channels.webhooks import Webhooks
from notify_people.delivery import Delivery
from notify_people.settings import Settings
from notify_people.telemetry import Telemetry

SNS_CONFIG = AWS_CONFIG.merge(Config(read_timeout=10, retries={"total_max_attempts": 1}))
"""SNS may have taken a message without an answer in time, so it is not sent again at once."""


def compose(
    settings: Settings,
    logger: Logger,
    session: boto3.Session,
    *,
    now: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> Application:
    """Return the application, connected to nothing yet."""
    client: Callable[[Any], Any] = partial(session.client, config=AWS_CONFIG)
    telemetry = Telemetry(logger, MetricsLog(settings.metrics))
    channels = Channels(
        sns=session.client("sns", config=SNS_CONFIG),
        topic_arns=settings.topic_arns,
        alarm_topic_arn=settings.alarm_topic_arn,
        webhooks=Webhooks(sleep=sleep),
        secret=NotifySecret(client("secretsmanager"), settings.secret_id, now=now),
        named=settings.channels,
    )
    sent = SentTable(client("dynamodb"), settings.sent_table_name, now=now)
    return Application(
        channels,
        Delivery(channels, sent, telemetry, sleep=sleep),
        telemetry,
        changes=settings.changes,
        measurements_count=settings.measurements_count,
        console=settings.console,
        stack=settings.stack_name,
        now=now,
    )
