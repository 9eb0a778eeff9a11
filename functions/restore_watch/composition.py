"""The parts of the application, and their clients for AWS and Atlas."""

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from botocore.config import Config

from foundation.aws_call import AWS_CONFIG
from foundation.clock import Clock
from foundation.deadline import Deadline
from foundation.emitting import MetricsLog
from restore_watch.application import Application
from restore_watch.atlas.network import http_client
from restore_watch.atlas.session import AtlasSession
from restore_watch.aws.atlas_secret import AtlasSecret
from restore_watch.aws.own_function import OwnFunction
from restore_watch.aws.step_functions import Workflows
from restore_watch.aws.topic_messages import StatusChangesTopic
from restore_watch.check.batch import BatchChecker
from restore_watch.check.check import JobChecker
from restore_watch.event.actions import Diagnose
from restore_watch.outbox import Outbox
from restore_watch.settings import Settings
from restore_watch.sweep.composition import Environment, SweepOptions
from restore_watch.sweep.sweep import Sweeper
from restore_watch.table.bookkeeping import Bookkeeping
from restore_watch.table.jobs import RestoreJobsTable
from restore_watch.table.lease import SweepLease
from restore_watch.table.open_jobs import OpenJobs
from restore_watch.telemetry.telemetry import Telemetry
from restore_watch.threads.how_many_threads import threads_for
from restore_watch.threads.workers import Workers


def environment_of(settings: Settings, logger: Logger, client: Callable[[Any], Any]) -> Environment:
    """Return what sweeps and reports work with, connected to nothing yet."""
    table = settings.table_name
    telemetry = Telemetry(logger, MetricsLog(settings.metrics))
    http = http_client(telemetry.report_sunset)
    dynamodb = client("dynamodb")
    secret = AtlasSecret(client("secretsmanager"), settings.atlas_secret_id)
    clock = Clock()
    atlas = AtlasSession(settings.atlas_base_url, secret.credentials, http)
    outbox = Outbox(
        RestoreJobsTable(dynamodb, table),
        StatusChangesTopic(client("sns"), settings.topic_arn, settings.stack_name),
        Workflows(cache(partial(client, "stepfunctions"))),
        telemetry,
        clock,
    )
    workers = Workers(threads_for(settings.memory_megabytes))
    options = SweepOptions(settings.hot_seconds, settings.project_ids)
    open_jobs, bookkeeping = OpenJobs(dynamodb, table), Bookkeeping(dynamodb, table)
    return Environment(atlas, outbox, open_jobs, bookkeeping, workers, telemetry, options)


def compose(
    settings: Settings, logger: Logger, session: boto3.Session, aws_config: Config = AWS_CONFIG
) -> Application:
    """Return the application, connected to nothing yet."""
    client: Callable[[Any], Any] = partial(session.client, config=aws_config)
    environment = environment_of(settings, logger, client)
    telemetry, table = environment.telemetry, environment.bookkeeping
    own_function = OwnFunction(cache(partial(client, "lambda")), settings.own_name)
    sweeper = Sweeper(environment, SweepLease(table.client, table.table_name), own_function)

    def diagnose(wanted: Diagnose, deadline: Deadline) -> Mapping[str, Any]:
        # Imported now, so that no cold start of another invocation takes longer for it.
        from restore_watch.diagnosis.doctor import Doctor  # noqa: PLC0415

        with http_client(telemetry.report_sunset) as http:
            return Doctor(settings, http, client, environment.clock.now).diagnose(wanted, deadline)

    checker = JobChecker(environment.atlas, environment.outbox)
    batches = BatchChecker(checker, environment.workers, telemetry)
    return Application(checker, batches, sweeper, telemetry, diagnose)
