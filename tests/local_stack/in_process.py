"""The real code in the process of the tests, over the same real sockets.

It serves tests for which the real runtime is too slow (thousands of examples), and tests that need
an injected clock, short timeouts or a debugger. None of our own code is replaced. An environment is
what `restore_watch.composition` makes, with other clients, clocks and timeouts.
"""

import io
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, override

import boto3
import httpx
from aws_lambda_powertools import Logger
from botocore.config import Config

from foundation.clock import Clock
from foundation.deadline import Deadline
from local_stack.aws import REGION, key_id_of
from local_stack.stack import LocalStack
from local_stack.wire import Call
from restore_watch.atlas.client import AtlasClient
from restore_watch.atlas.network import http_client
from restore_watch.atlas.session import AtlasSession
from restore_watch.aws.secrets_manager import AtlasSecret
from restore_watch.aws.step_functions import Workflows
from restore_watch.aws.topic import StatusChangesTopic
from restore_watch.check.check import JobChecker
from restore_watch.check.outbox import Outbox
from restore_watch.composition import AWS_CONFIG
from restore_watch.event.actions import Diagnose
from restore_watch.model.validation import Entry
from restore_watch.sweep.find.watched_projects import ProjectIds
from restore_watch.sweep.parts import SweepOptions
from restore_watch.sweep.sweep import Sweeper
from restore_watch.table.bookkeeping import Bookkeeping
from restore_watch.table.job_item import Recorded
from restore_watch.table.jobs import RestoreJobsTable
from restore_watch.table.lease import SweepLease
from restore_watch.table.open_jobs import OpenJobs
from restore_watch.telemetry.telemetry import Telemetry
from restore_watch.threads.workers import Workers

ENVIRONMENT_HEADER = "X-Environment"

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Clients:
    """
    Connections, which are expensive to make and serve many environments.

    `key_id` signs the calls to AWS and is a header of those to Atlas, so that a test knows which
    clients made a call.
    """

    key_id: str
    http: httpx.Client
    secretsmanager: Any
    dynamodb: Any
    sns: Any
    stepfunctions: Any

    def made(self, call: Call) -> bool:
        """True if these clients made this call."""
        if call.service == "atlas":
            return call.headers.get(ENVIRONMENT_HEADER) == self.key_id
        return key_id_of(call) == self.key_id

    def close(self) -> None:
        """Close every connection."""
        self.http.close()
        for client in (self.secretsmanager, self.dynamodb, self.sns, self.stepfunctions):
            client.close()


def clients(
    stack: LocalStack, config: Config = AWS_CONFIG, telemetry: Telemetry | None = None
) -> Clients:
    """Return new clients, with the function's timeouts and retries by default."""
    key_id = f"AKIAENVIRONMENT{next(_numbers):05}"
    session = boto3.Session(key_id, "in-process", region_name=REGION)

    def client(service: Any) -> Any:
        return session.client(service, endpoint_url=stack.aws.url, config=config)

    http = http_client(telemetry.atlas_answered if telemetry else None)
    http.headers[ENVIRONMENT_HEADER] = key_id
    services = ("secretsmanager", "dynamodb", "sns", "stepfunctions")
    return Clients(key_id, http, *map(client, services))


class Quiet(Telemetry):
    """Calls back for what is published, and writes nothing of what an outbox does."""

    def __init__(
        self, on_published: Callable[[Entry, Recorded], None] = lambda _entry, _recorded: None
    ) -> None:
        super().__init__(Logger(service="quiet", stream=io.StringIO()))
        self._on_published = on_published

    @override
    def published(self, entry: Entry, recorded: Recorded) -> None:
        self._on_published(entry, recorded)

    @override
    def answered(self, *_: object) -> None: ...

    @override
    def not_answered(self, *_: object, **_how: object) -> None: ...


def cold_start(
    stack: LocalStack,
    by: Clients,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    sleep: Callable[[float], None] = lambda _: None,
    on_published: Callable[[Entry, Recorded], None] = lambda _entry, _recorded: None,
) -> JobChecker:
    """
    Return the checker of a new environment that has cached nothing; its connections may be warm.

    Waits are skipped unless a `sleep` is given.
    """
    clock = Clock(now, sleep)
    secret = AtlasSecret(by.secretsmanager, stack.secret_arn, now=clock.unix)
    client = AtlasClient(stack.atlas.url, by.http, now=clock.unix, sleep=sleep)
    outbox = Outbox(
        RestoreJobsTable(by.dynamodb, stack.table_name),
        StatusChangesTopic(
            by.sns, stack.topic_arn, stack.function.environment["POWERTOOLS_SERVICE_NAME"]
        ),
        Workflows(lambda: by.stepfunctions),
        Quiet(on_published),
        clock,
    )
    return JobChecker(AtlasSession(client, secret.credentials), outbox)


def sweeper_of(
    stack: LocalStack,
    by: Clients,
    checker: JobChecker,
    telemetry: Telemetry,
    *,
    hot_seconds: float = 0,
    rate_limit_reserve: float = 0.5,
    project_ids: ProjectIds = (),
) -> Sweeper:
    """Return the sweeper of the environment that has this checker, with its clock and its waits."""
    clock = checker.outbox.clock
    return Sweeper(
        checker.atlas,
        checker.outbox,
        OpenJobs(by.dynamodb, stack.table_name),
        Bookkeeping(by.dynamodb, stack.table_name),
        SweepLease(
            by.dynamodb,
            stack.table_name,
            now=clock.unix,
            sleep=clock.sleep,
        ),
        Workers(),
        telemetry,
        options=SweepOptions(hot_seconds, rate_limit_reserve, project_ids),
    )


def no_diagnosis(_wanted: Diagnose, _deadline: Deadline) -> Mapping[str, Any]:
    """For applications of tests that ask for no diagnosis."""
    raise NotImplementedError
