"""The AWS emulator, used by botocore over real sockets."""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local_stack.aws import REGION, TEST_KEY_ID, AwsEmulator, aws_error, key_id_of
from local_stack.wire import Fault

pytestmark = pytest.mark.timeout(30)

KEY = {"AttributeName": "name", "KeyType": "HASH"}
NAME = {"AttributeName": "name", "AttributeType": "S"}


def make_table(aws: AwsEmulator) -> Any:
    dynamodb = aws.client("dynamodb")
    dynamodb.create_table(
        TableName="things",
        KeySchema=[KEY],
        AttributeDefinitions=[NAME],
        BillingMode="PAY_PER_REQUEST",
    )
    return dynamodb


def test_the_operation_of_a_call_is_recognised_in_every_protocol(aws: AwsEmulator) -> None:
    aws.client("dynamodb").list_tables()
    aws.client("sns").list_topics()
    aws.client("sqs").list_queues()
    aws.client("secretsmanager").list_secrets()
    aws.client("lambda").list_functions()
    aws.client("stepfunctions").list_state_machines()

    assert [(call.service, call.operation) for call in aws.wire.calls] == [
        ("dynamodb", "ListTables"),
        ("sns", "ListTopics"),
        ("sqs", "ListQueues"),
        ("secretsmanager", "ListSecrets"),
        ("lambda", "GET /2015-03-31/functions"),
        ("states", "ListStateMachines"),
    ]
    assert {call.status for call in aws.wire.calls} == {200}


def test_the_key_that_signed_a_call_is_recorded(aws: AwsEmulator) -> None:
    other = boto3.client(
        "sqs",
        endpoint_url=aws.url,
        region_name=REGION,
        aws_access_key_id="AKIAOTHER",
        aws_secret_access_key="other",
    )
    other.list_queues()
    aws.client("sqs").list_queues()

    assert [key_id_of(call) for call in aws.wire.calls] == ["AKIAOTHER", TEST_KEY_ID]


@pytest.mark.parametrize(
    ("service", "client", "operation"),
    [
        ("dynamodb", "dynamodb", "list_tables"),
        ("sns", "sns", "list_topics"),
        ("sqs", "sqs", "list_queues"),
        ("secretsmanager", "secretsmanager", "list_secrets"),
        ("states", "stepfunctions", "list_state_machines"),
    ],
)
def test_botocore_raises_an_injected_error(
    aws: AwsEmulator, service: str, client: str, operation: str
) -> None:
    aws.wire.inject(Fault(action=aws_error(service, "NoSuchLuck", "not today"), service=service))
    with pytest.raises(ClientError) as caught:
        getattr(aws.client(client), operation)()

    assert caught.value.response["Error"]["Code"] == "NoSuchLuck"
    assert caught.value.response["Error"]["Message"] == "not today"


def test_only_one_of_concurrent_conditional_writes_succeeds(aws: AwsEmulator) -> None:
    dynamodb = make_table(aws)

    def write(number: int) -> bool:
        try:
            dynamodb.put_item(
                TableName="things",
                Item={"name": {"S": "one"}, "number": {"N": str(number)}},
                ConditionExpression="attribute_not_exists(#name)",
                ExpressionAttributeNames={"#name": "name"},
            )
        except dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True

    with ThreadPoolExecutor(16) as threads:
        won = list(threads.map(write, range(64)))

    assert won.count(True) == 1


def test_clearing_removes_resources_calls_and_faults(aws: AwsEmulator) -> None:
    make_table(aws)
    aws.wire.inject(Fault(action=aws_error("dynamodb", "NoSuchLuck"), times=None))
    aws.clear()

    assert aws.wire.calls == ()
    assert aws.client("dynamodb").list_tables()["TableNames"] == []


def test_a_recreated_resource_has_the_same_name(aws: AwsEmulator) -> None:
    def make() -> str:
        aws.clear()
        secret = aws.client("secretsmanager").create_secret(Name="atlas", SecretString="{}")
        arn: str = secret["ARN"]
        return arn

    assert make() == make()


def test_moto_port_is_set_within_the_block_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MOTO_PORT", raising=False)
    with AwsEmulator() as aws:
        assert aws.url.endswith(f":{os.environ['MOTO_PORT']}")

    assert "MOTO_PORT" not in os.environ
