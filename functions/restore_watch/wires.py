"""The wires to Atlas and AWS that every function of the watch has."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any, NamedTuple

from aws_lambda_powertools import Logger

from foundation.clock import Clock
from foundation.emitting import MetricsLog
from restore_watch.atlas.session import AtlasSession
from restore_watch.atlas.transport.http_client import http_client
from restore_watch.aws.atlas_secret import AtlasSecret
from restore_watch.aws.status_changes_topic import StatusChangesTopic
from restore_watch.aws.step_functions import StepFunctions
from restore_watch.check.outbox import Outbox
from restore_watch.check.tag_reader import TagReader
from restore_watch.settings import Settings
from restore_watch.table.jobs import RestoreJobsTable
from restore_watch.table.project_names import ProjectNames, StoredNames
from restore_watch.telemetry.rto_of_clusters import RtoOfClusters
from restore_watch.telemetry.telemetry import Telemetry
from restore_watch.threads.how_many_threads import threads_for
from restore_watch.threads.workers import Workers


class Wires(NamedTuple):
    """They last as long as the environment. Any thread may use them."""

    atlas: AtlasSession
    outbox: Outbox
    workers: Workers
    telemetry: Telemetry

    @property
    def table(self) -> RestoreJobsTable:
        """The table of the restore jobs."""
        return self.outbox.table

    @property
    def topic(self) -> StatusChangesTopic:
        """The topic that changes are published to."""
        return self.outbox.topic

    @property
    def clock(self) -> Clock:
        """The clock of all that they do."""
        return self.outbox.clock


def wires_of(settings: Settings, logger: Logger, client: Callable[[Any], Any]) -> Wires:
    """Return the wires, connected to nothing yet."""
    clock = Clock()
    objectives = RtoOfClusters(settings.rto, clock.unix)
    telemetry = Telemetry(logger, MetricsLog(settings.metrics), objectives)
    http = http_client(telemetry.report_sunset)
    secret = AtlasSecret(client("secretsmanager"), settings.atlas_secret_id)
    atlas = AtlasSession(settings.atlas_base_url, secret.credentials, http)
    dynamodb, table_name = client("dynamodb"), settings.table_name
    outbox = Outbox(
        RestoreJobsTable(dynamodb, table_name),
        StatusChangesTopic(client("sns"), settings.topic_arn, settings.stack_name),
        StepFunctions(cache(partial(client, "stepfunctions"))),
        telemetry,
        clock,
        ProjectNames(StoredNames(dynamodb, table_name), settings.project_ids, clock.unix),
        TagReader(atlas, telemetry),
    )
    workers = Workers(threads_for(settings.memory_megabytes))
    return Wires(atlas, outbox, workers, telemetry)
