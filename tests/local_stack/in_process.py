"""
The real code in the test's own process, over the same real sockets.

For what the real runtime is too slow for, thousands of examples, or closed to: an injected clock,
short timeouts, a debugger. Nothing of our own is replaced; what an environment is made of is what
`restore_watch.composition` makes, with other clients, clocks and bounds handed in.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import boto3
import httpx
from botocore.config import Config

from local_stack.aws import REGION, key_id_of
from local_stack.stack import LocalStack
from local_stack.wire import Call
from restore_watch.atlas.client import AtlasClient
from restore_watch.atlas.network import http_client
from restore_watch.check import JobChecker
from restore_watch.composition import AWS_CONFIG
from restore_watch.secret import AtlasSecret
from restore_watch.table import RestoreJobsTable
from restore_watch.topic import StatusChangesTopic

ENVIRONMENT_HEADER = "X-Environment"

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Clients:
    """
    What is dear to make: connections that outlive many environments.

    `key_id` signs the calls to AWS and names the environment in those to Atlas, so that a test
    can tell whose call it sees.
    """

    key_id: str
    http: httpx.Client
    secretsmanager: Any
    dynamodb: Any
    sns: Any

    def made(self, call: Call) -> bool:
        """Whether these clients made this call."""
        if call.service == "atlas":
            return call.headers.get(ENVIRONMENT_HEADER) == self.key_id
        return key_id_of(call) == self.key_id


def clients(stack: LocalStack, config: Config = AWS_CONFIG) -> Clients:
    """Clients of an environment of its own, with the function's timeouts and tries by default."""
    key_id = f"AKIAENVIRONMENT{next(_numbers):05}"
    session = boto3.Session(key_id, "in-process", region_name=REGION)

    def client(service: Any) -> Any:
        return session.client(service, endpoint_url=stack.aws.url, config=config)

    http = http_client()
    http.headers[ENVIRONMENT_HEADER] = key_id
    return Clients(key_id, http, client("secretsmanager"), client("dynamodb"), client("sns"))


def cold_start(
    stack: LocalStack,
    by: Clients,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    sleep: Callable[[float], None] = lambda _: None,
) -> JobChecker:
    """A new environment that knows nothing yet, on connections that may be warm.

    Waits are skipped unless a `sleep` is given.
    """
    return JobChecker(
        secret=AtlasSecret(by.secretsmanager, stack.secret_arn, now=lambda: now().timestamp()),
        atlas=AtlasClient(stack.atlas.url, by.http, now=lambda: now().timestamp(), sleep=sleep),
        table=RestoreJobsTable(by.dynamodb, stack.table_name),
        topic=StatusChangesTopic(by.sns, stack.topic_arn),
        now=now,
        sleep=sleep,
    )
