"""The peer is no straw man: in the real runtime it does the task that it is compared by."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from benchmark.building import peer_as_shipped
from benchmark.contenders import GROUP, PeerStack, local_stack, make_peer_stack, peer_environment
from local_stack.atlas import EmulatedRestore
from local_stack.runtime import LambdaRuntime
from local_stack.stack import LocalStack

pytestmark = pytest.mark.timeout(60)


@dataclass
class Peer:
    stack: LocalStack
    made: PeerStack
    runtime: LambdaRuntime
    queue: str

    def check(self, restore: EmulatedRestore) -> Any:
        return self.runtime.invoke(restore.event).result

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


@pytest.fixture(scope="module")
def peer() -> Iterator[Peer]:
    with local_stack("api_key") as stack:
        made = make_peer_stack(stack)
        sqs = stack.aws.client("sqs")
        queue = sqs.create_queue(QueueName="of-the-peer")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
        stack.aws.client("sns").subscribe(
            TopicArn=made.topic,
            Protocol="sqs",
            Endpoint=arn["Attributes"]["QueueArn"],
            Attributes={"RawMessageDelivery": "true"},
        )
        environment = peer_environment(stack, made, stack.secret_arn, peer_as_shipped())
        with LambdaRuntime(environment) as runtime:
            yield Peer(stack, made, runtime, queue)


@pytest.fixture
def restore(peer: Peer) -> EmulatedRestore:
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


def test_ships_without_bytecode_as_sam_builds_it() -> None:
    code = peer_as_shipped()

    assert (code / "app.py").is_file()
    assert list(code.rglob("*.pyc")) == []
