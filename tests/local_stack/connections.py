"""Connections of environments in the process of the tests, which are expensive to make."""

import itertools
from dataclasses import dataclass
from typing import Any

import boto3
import httpx
from botocore.config import Config

from foundation.aws_call import AWS_CONFIG
from local_stack.aws import REGION, key_id_of
from local_stack.stack import LocalStack
from local_stack.wire import Call
from restore_watch.atlas.transport.http_client import http_client

ENVIRONMENT_HEADER = "X-Environment"

ONE_TRY = AWS_CONFIG.merge(
    Config(
        connect_timeout=20,
        read_timeout=20,
        retries={"mode": "standard", "total_max_attempts": 1},
    )
)
"""What fails, fails at once; what is held, or slow because the machine is, does not fail."""

_session = boto3.Session(region_name=REGION)
"""One for all connections: each session reads the models of the services anew."""

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Connections:
    """
    They serve many environments, one after the other.

    `key_id` signs the calls to AWS and is a header of those to Atlas, so that a test knows which
    connections made a call.
    """

    key_id: str
    http: httpx.Client
    secretsmanager: Any
    dynamodb: Any
    sns: Any
    stepfunctions: Any
    lambda_: Any
    s3: Any

    def made(self, call: Call) -> bool:
        """True if a call was made over these connections."""
        if call.service == "atlas":
            return call.headers.get(ENVIRONMENT_HEADER) == self.key_id
        return key_id_of(call) == self.key_id

    def close(self) -> None:
        """Close every connection."""
        self.http.close()
        for client in (
            self.secretsmanager,
            self.dynamodb,
            self.sns,
            self.stepfunctions,
            self.lambda_,
            self.s3,
        ):
            client.close()


def connect(stack: LocalStack, config: Config = ONE_TRY) -> Connections:
    """Return new connections. With AWS_CONFIG a call is repeated as often as in the function."""
    key_id = f"AKIAENVIRONMENT{next(_numbers):05}"
    key: dict[str, Any] = {"aws_access_key_id": key_id, "aws_secret_access_key": "in-process"}

    def client(service: Any) -> Any:
        return _session.client(service, endpoint_url=stack.aws.url, config=config, **key)

    http = http_client()
    http.headers[ENVIRONMENT_HEADER] = key_id
    services = ("secretsmanager", "dynamodb", "sns", "stepfunctions", "lambda", "s3")
    return Connections(key_id, http, *map(client, services))
