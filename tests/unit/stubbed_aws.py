"""AWS without a network: botocore's own clients, answered by a function of the test."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3
from boto3.dynamodb.types import TypeSerializer
from botocore.awsrequest import AWSResponse
from botocore.client import BaseClient
from botocore.compat import HTTPHeaders
from botocore.config import Config

from restore_watch.model.restore_job import RestoreJob
from restore_watch.table.job_item import history_entry, state_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sns import SNSClient

type Answer = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""Gets the parameters of a call and returns its answer. Raises `Refusal`."""

_serialize = TypeSerializer().serialize
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


def stored_item(*states: RestoreJob, published: int, observed_at: datetime) -> dict[str, Any]:
    """A job's item in DynamoDB's types, after the job was in these states, a minute each."""
    last = len(states) - 1
    history = [
        history_entry(state_of(job), job.restore_id, observed_at - timedelta(minutes=last - n))
        for n, job in enumerate(states)
    ]
    item = {
        **history[-1],
        "history": history,
        "sequence": len(states),
        "publishedSequence": published,
        "firstObservedAt": history[0]["observedAt"],
    }
    return {name: _serialize(value) for name, value in item.items()}


class StubbedTable:
    """
    A table that holds nothing, or one `item` which no check may change.

    It plays DynamoDB's answers to the three updates of `RestoreJobsTable`; what the conditions mean
    is proven with a real table elsewhere. `acknowledged` are the sequences that were acknowledged.
    """

    def __init__(self) -> None:
        self.item: dict[str, Any] | None = None
        self.refusal: Refusal | None = None
        self.acknowledged: list[int] = []

    def __call__(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        if self.refusal:
            raise self.refusal
        values = parameters.get("ExpressionAttributeValues", {})
        if ":publishedSequence" in values:
            self.acknowledged.append(int(values[":publishedSequence"]["N"]))
            return {"Attributes": {}}
        if ":change" in values and self.item is None:
            return {"Attributes": parameters["Key"] | _first_attributes(values)}
        stored = {"Item": self.item} if self.item else {}
        raise Refusal("ConditionalCheckFailedException", **stored)


def _first_attributes(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name.removeprefix(":"): value for name, value in values.items()} | {
        "history": values[":change"],
        "publishedSequence": {"N": "0"},
        "firstObservedAt": values[":observedAt"],
    }


class StubbedTopic:
    """Accepts messages until it has `refusal`s to give; `ids` are the events accepted."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.refusals: list[Refusal | None] = []

    def __call__(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        refusal = self.refusals.pop(0) if self.refusals else None
        if refusal:
            raise refusal
        self.ids.append(json.loads(parameters["Message"])["id"])
        return {"MessageId": "1"}
