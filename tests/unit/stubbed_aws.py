"""AWS without a network: botocore's own clients, answered by a function of the test."""

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import boto3
from botocore.awsrequest import AWSResponse
from botocore.client import BaseClient
from botocore.compat import HTTPHeaders
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sns import SNSClient

type Answer = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""Gets the parameters of a call and returns its answer. Raises `Refusal`."""

_SESSION = boto3.Session("nobody", "hidden", region_name="eu-central-1")


class Refusal(Exception):  # noqa: N818 - it becomes botocore's ClientError
    """AWS refuses the call with this code, and with these fields in its answer."""

    def __init__(self, code: str, **fields: Any) -> None:
        super().__init__(code)
        self.code = code
        self.fields = fields


def secrets_manager(answer: Answer) -> "SecretsManagerClient":
    return _answered(_SESSION.client("secretsmanager", config=_CONFIG), answer)


def dynamodb(answer: Answer) -> "DynamoDBClient":
    return _answered(_SESSION.client("dynamodb", config=_CONFIG), answer)


def sns(answer: Answer) -> "SNSClient":
    return _answered(_SESSION.client("sns", config=_CONFIG), answer)


_CONFIG = Config(retries={"total_max_attempts": 1}, parameter_validation=False)


def _answered[Client: BaseClient](client: Client, answer: Answer) -> Client:
    """Botocore skips the network when a handler of `before-call` returns a response."""

    def respond(params: Mapping[str, Any], **_: Any) -> tuple[AWSResponse, Mapping[str, Any]]:
        body = params["body"]
        try:
            return _response(200), answer(json.loads(body) if isinstance(body, bytes) else body)
        except Refusal as refusal:
            error = {"Code": refusal.code, "Message": ""}
            return _response(400), {"Error": error, **refusal.fields}

    events: Any = client.meta.events
    events.register("before-call", respond)
    return client


def _response(status: int) -> AWSResponse:
    return AWSResponse("", status, HTTPHeaders(), None)
