"""The parts of the application. What few invocations need is made for the first of them."""

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools import Logger
from botocore.config import Config

from foundation.aws_call import AWS_CONFIG
from foundation.deadline import Deadline
from restore_watch.application import Application
from restore_watch.atlas.transport.http_client import http_client
from restore_watch.aws.own_function import OwnFunction
from restore_watch.check.batch import BatchChecker
from restore_watch.check.check import JobChecker
from restore_watch.event.actions import Diagnose
from restore_watch.settings import Settings
from restore_watch.wires import wires_of

if TYPE_CHECKING:
    from restore_watch.sweep.sweep import Sweeper


def compose(
    settings: Settings, logger: Logger, session: boto3.Session, aws_config: Config = AWS_CONFIG
) -> Application:
    """Return the application, connected to nothing yet."""
    client: Callable[[Any], Any] = partial(session.client, config=aws_config)
    wires = wires_of(settings, logger, client)
    atlas, outbox, workers, telemetry = wires

    @cache
    def sweeper() -> "Sweeper":
        from restore_watch.sweep.composition import SweepEnvironment
        from restore_watch.sweep.sweep import Sweeper
        from restore_watch.table.sweep_lease import SweepLease

        environment = SweepEnvironment(wires, settings.hot_rounds, settings.project_ids)
        return Sweeper(environment, SweepLease(wires.table.client, wires.table.table_name))

    def diagnose(wanted: Diagnose, deadline: Deadline) -> Mapping[str, Any]:
        from restore_watch.diagnosis.doctor import Doctor

        with http_client(telemetry.report_sunset) as http:
            return Doctor(settings, http, client, outbox.clock.now).diagnose(wanted, deadline)

    checker = JobChecker(atlas, outbox)
    batches = BatchChecker(checker, workers, telemetry)
    own_function = OwnFunction(cache(partial(client, "lambda")), settings.own_name)
    return Application(
        checker, batches, telemetry, own_function, settings.hot_rounds, sweeper, diagnose
    )
