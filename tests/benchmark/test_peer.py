"""The comparison is fair: in the real runtime the peers do the same task as ours."""

import importlib
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
import requests

from benchmark.building import PeerHandler, peer_as_shipped
from benchmark.contenders import (
    GROUP,
    PeerStack,
    local_stack,
    make_peer_stack,
    peer_environment,
    peer_template,
)
from local_stack.atlas import EmulatedRestore
from local_stack.runtime import LambdaRuntime
from local_stack.stack import LocalStack

pytestmark = [pytest.mark.campaign, pytest.mark.timeout(60)]

UNCHANGED = [
    "secretsmanager GetSecretValue",
    "atlas flex",
    "atlas flex",
    "dynamodb GetItem",
    "dynamodb PutItem",
]
"""The first question to Atlas brings the challenge of digest authentication."""


@dataclass
class Peer:
    stack: LocalStack
    made: PeerStack
    runtime: LambdaRuntime
    queue: str

    def check(self, restore: EmulatedRestore) -> Any:
        return self.runtime.invoke(restore.event).result

    def calls(self, restore: EmulatedRestore) -> list[str]:
        """The HTTP calls of one check."""
        self.stack.forget_calls()
        self.check(restore)
        return [f"{call.service} {call.operation}" for call in self.stack.http_calls()]

    def received(self) -> list[dict[str, Any]]:
        sqs = self.stack.aws.client("sqs")
        answer = sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10)
        messages = answer.get("Messages", [])
        for message in messages:
            sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return [json.loads(message["Body"]) for message in messages]

    def stored_status(self, restore: EmulatedRestore) -> str:
        key = {"restoreId": {"S": restore.restore_id}}
        answer = self.stack.aws.client("dynamodb").get_item(TableName=self.made.table, Key=key)
        status: str = answer["Item"]["status"]["S"]
        return status


@dataclass(frozen=True)
class Subscribed:
    """The stack, with a queue that receives what the peers publish."""

    stack: LocalStack
    made: PeerStack
    queue: str


@pytest.fixture(scope="module")
def subscribed() -> Iterator[Subscribed]:
    with local_stack("api_key") as stack:
        made = make_peer_stack(stack)
        sqs = stack.aws.client("sqs")
        queue = sqs.create_queue(QueueName="of-the-peers")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
        stack.aws.client("sns").subscribe(
            TopicArn=made.topic,
            Protocol="sqs",
            Endpoint=arn["Attributes"]["QueueArn"],
            Attributes={"RawMessageDelivery": "true"},
        )
        yield Subscribed(stack, made, queue)


@pytest.fixture(scope="module", params=list(PeerHandler), ids=lambda handler: handler.name.lower())
def peer(subscribed: Subscribed, request: pytest.FixtureRequest) -> Iterator[Peer]:
    stack, made = subscribed.stack, subscribed.made
    code = peer_as_shipped()
    environment = peer_environment(stack, made, stack.secret_arn, code, request.param)
    with LambdaRuntime(environment) as runtime:
        yield Peer(stack, made, runtime, subscribed.queue)


@pytest.fixture
def restore(peer: Peer) -> EmulatedRestore:
    peer.received()
    return peer.stack.atlas.start_restore(GROUP, "orders-flex", "flex")


def test_publishes_every_change_once(peer: Peer, restore: EmulatedRestore) -> None:
    told = []
    peer.check(restore)
    told += peer.received()
    while restore.step != "COMPLETED":
        restore.advance()
        answer = peer.check(restore)
        told += peer.received()

        assert answer["changed"] is True

    statuses = ["PENDING", "QUEUED", "RUNNING", "COMPLETED"]
    assert [message["status"] for message in told] == statuses
    assert [message["previousStatus"] for message in told] == [None, *statuses[:-1]]
    assert {message["restoreId"] for message in told} == {restore.restore_id}


def test_stays_silent_when_nothing_changed(peer: Peer, restore: EmulatedRestore) -> None:
    peer.check(restore)
    peer.received()

    again = peer.check(restore)

    assert again == {"status": "PENDING", "previousStatus": "PENDING", "changed": False}
    assert peer.received() == []


def test_stores_what_it_found(peer: Peer, restore: EmulatedRestore) -> None:
    peer.check(restore)
    restore.advance()
    peer.check(restore)

    assert peer.stored_status(restore) == "QUEUED"


def test_makes_five_http_calls_and_one_more_to_publish(
    peer: Peer, restore: EmulatedRestore
) -> None:
    peer.check(restore)

    assert peer.calls(restore) == UNCHANGED

    restore.advance()

    assert peer.calls(restore) == [*UNCHANGED, "sns Publish"]


@pytest.mark.parametrize(
    ("handler", "made_by_init", "made_by_each_check"),
    [
        (PeerHandler.CLIENTS_IN_HANDLER, [], ["secretsmanager", "dynamodb", "sns"]),
        (PeerHandler.CLIENTS_IN_MODULE, ["secretsmanager", "dynamodb", "sns"], []),
    ],
)
def test_handlers_differ_in_where_clients_are_made(
    monkeypatch: pytest.MonkeyPatch,
    handler: PeerHandler,
    made_by_init: list[str],
    made_by_each_check: list[str],
) -> None:
    made = list[str]()
    monkeypatch.setattr(boto3, "client", made.append)
    name, _, function = handler.rpartition(".")
    name = f"benchmark.peer.function.{name}"
    monkeypatch.delitem(sys.modules, name, raising=False)
    module = importlib.import_module(name)
    given = list[Any]()

    def check(_event: object, client: Any, get: Any) -> None:
        given.append(get)
        for service in ("secretsmanager", "dynamodb", "sns"):
            client(service)

    monkeypatch.setattr(module, "check", check)

    assert made == made_by_init
    for _ in range(2):
        made.clear()
        getattr(module, function)({}, None)

        assert made == made_by_each_check
    assert given[0] == given[1]
    assert (given[0] == requests.get) is (handler is PeerHandler.CLIENTS_IN_HANDLER)


def test_handlers_are_those_of_the_template() -> None:
    assert peer_template()["Parameters"]["Handler"]["AllowedValues"] == list(PeerHandler)


def test_ships_without_bytecode_when_sam_builds_it() -> None:
    code = peer_as_shipped()

    assert (code / "restore_check" / "check.py").is_file()
    assert list(code.rglob("*.pyc")) == []
