"""The whole stack: the built function in the real runtime, between Atlas and AWS."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest

from local_stack.atlas import AtlasEmulator
from local_stack.canaries import CANARIES
from local_stack.restores import EmulatedRestore
from local_stack.stack import CREDENTIALS, Credentials, LocalStack, from_function
from local_stack.wire import Fault, Reset

pytestmark = pytest.mark.timeout(60)

GROUP = "5f0000000000000000000a01"


@pytest.fixture(scope="module")
def started() -> Iterator[LocalStack]:
    with LocalStack(environments=2) as stack:
        yield stack


@pytest.fixture
def stack(started: LocalStack) -> LocalStack:
    started.reset()
    return started


def start(atlas: AtlasEmulator) -> EmulatedRestore:
    return atlas.start_restore(GROUP, "source", "flex")


def test_a_restore_is_fetched_stored_and_received(stack: LocalStack) -> None:
    restore = start(stack.atlas)
    result = stack.invoke(restore.event).result
    item = stack.item(GROUP, "source", restore.restore_id)
    (message,) = stack.received()

    assert result["status"] == "PENDING"
    assert item is not None
    assert (item["status"], stack.items()) == ("PENDING", [item])
    assert message.event["data"]["status"] == "PENDING"
    assert message.attributes["status"] == "PENDING"
    assert message.subject
    assert stack.received() == []


def test_only_the_calls_of_the_function_are_counted(stack: LocalStack) -> None:
    restore = start(stack.atlas)
    stack.invoke(restore.event)
    stack.forget_calls()
    stack.items()
    stack.invoke(restore.event)
    stack.received()

    assert [(call.service, call.operation) for call in stack.http_calls()] == [
        ("atlas", "flex"),
        ("dynamodb", "UpdateItem"),
    ]


def test_calls_to_atlas_and_aws_come_in_order(stack: LocalStack) -> None:
    stack.new_environments()
    stack.invoke(start(stack.atlas).event)
    calls = stack.http_calls()

    assert [call.service for call in calls][:2] == ["secretsmanager", "atlas"]
    assert all(one.arrived <= other.arrived for one, other in pairwise(calls))


@pytest.mark.parametrize("credentials", CREDENTIALS, ids=str)
def test_either_credential_opens_atlas(started: LocalStack, credentials: Credentials) -> None:
    started.reset(credentials)
    started.invoke(start(started.atlas).event)
    schemes = {
        call.headers["Authorization"].split()[0]
        for call in started.http_calls()
        if call.operation == "flex" and call.status == 200
    }

    assert schemes == {{"service_account": "Bearer", "api_key": "Digest"}[credentials]}


def test_a_reset_stack_is_new_but_its_environments_are_not(stack: LocalStack) -> None:
    restore = start(stack.atlas)
    stack.invoke(restore.event)
    environment = stack.environment
    stack.reset()

    assert stack.environment == environment
    assert (stack.items(), stack.received(), stack.http_calls()) == ([], [], [])

    stack.invoke(start(stack.atlas).event)
    assert "secretsmanager" not in {call.service for call in stack.http_calls()}


def test_a_reset_stack_is_whole_again(stack: LocalStack) -> None:
    stack.aws.client("dynamodb").delete_table(TableName=stack.table_name)
    stack.aws.client("sns").delete_topic(TopicArn=stack.topic_arn)
    stack.aws.wire.inject(Fault(action=Reset(), times=None))
    stack.reset()

    assert stack.invoke(start(stack.atlas).event).result["status"] == "PENDING"
    assert len(stack.received()) == 1


def test_a_fault_may_be_for_the_function_alone(stack: LocalStack) -> None:
    fault = stack.aws.wire.inject(
        Fault(action=Reset(), service="dynamodb", when=from_function, times=None)
    )
    stack.items()
    assert fault.hits == 0

    stack.invoke(start(stack.atlas).event)
    assert fault.hits > 0


def test_two_environments_check_at_once(stack: LocalStack) -> None:
    restore = start(stack.atlas)
    with ThreadPoolExecutor(2) as threads, stack.atlas.wire.hold(operation="flex") as gate:
        checks = [threads.submit(stack.invoke, restore.event) for _ in range(2)]
        gate.wait_for(2, timeout=20)
        gate.release()
        results = [check.result(timeout=20).result for check in checks]

    assert sorted(result["changed"] for result in results) == [False, True]
    assert {message.event["id"] for message in stack.received()} == {
        f"{restore.restore_id}:PENDING"
    }


def test_a_request_on_the_queue_is_answered_by_the_function(stack: LocalStack) -> None:
    restore = start(stack.atlas)
    stack.aws.client("sqs").send_message(
        QueueUrl=stack.resources["RequestQueue"],
        MessageBody=f'{{"groupId": "{GROUP}", "clusterName": "source",'
        f' "restoreId": "{restore.restore_id}"}}',
    )

    assert [message.event["subject"] for message in stack.received()] == [restore.restore_id]


def test_logs_tell_of_the_check_and_of_no_secret(stack: LocalStack) -> None:
    restore = start(stack.atlas)
    stack.logs()
    stack.invoke(restore.event)
    logs = stack.logs()

    assert restore.restore_id in logs
    assert not [canary for canary in CANARIES if canary in logs]
    assert stack.logs() == ""


def test_a_rotated_secret_is_read_by_a_new_environment(stack: LocalStack) -> None:
    stack.put_secret({"public_key": "another", "private_key": "pair"})
    stack.atlas.add_api_key("another", "pair")
    stack.new_environments()

    assert stack.invoke(start(stack.atlas).event).result["status"] == "PENDING"
    assert stack.atlas.wire.count(operation="token") == 0


def test_a_raw_subscriber_gets_the_event_alone() -> None:
    with LocalStack(raw_delivery=True) as stack:
        restore = start(stack.atlas)
        stack.invoke(restore.event)
        (message,) = stack.received()

    assert message.event["subject"] == restore.restore_id
    assert message.attributes["status"] == "PENDING"
    assert message.subject is None
