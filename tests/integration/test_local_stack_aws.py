"""The AWS emulator, against botocore over real sockets."""

import json
import os
from collections.abc import Iterator
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


@pytest.fixture(scope="module")
def emulator() -> Iterator[AwsEmulator]:
    with AwsEmulator() as aws:
        yield aws


@pytest.fixture
def aws(emulator: AwsEmulator) -> AwsEmulator:
    emulator.clear()
    return emulator


def make_table(aws: AwsEmulator) -> Any:
    dynamodb = aws.client("dynamodb")
    dynamodb.create_table(
        TableName="things",
        KeySchema=[KEY],
        AttributeDefinitions=[NAME],
        BillingMode="PAY_PER_REQUEST",
    )
    return dynamodb


def make_queue(aws: AwsEmulator, topic: str) -> str:
    sqs = aws.client("sqs")
    url: str = sqs.create_queue(QueueName="subscriber")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    aws.client("sns").subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=arn["Attributes"]["QueueArn"]
    )
    return url


def test_calls_are_named_in_every_protocol(aws: AwsEmulator) -> None:
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


def test_calls_tell_whose_key_signed_them(aws: AwsEmulator) -> None:
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
def test_an_error_becomes_the_exception_of_botocore(
    aws: AwsEmulator, service: str, client: str, operation: str
) -> None:
    aws.wire.inject(Fault(action=aws_error(service, "NoSuchLuck", "not today"), service=service))
    with pytest.raises(ClientError) as caught:
        getattr(aws.client(client), operation)()

    assert caught.value.response["Error"]["Code"] == "NoSuchLuck"
    assert caught.value.response["Error"]["Message"] == "not today"


def test_a_throttled_call_is_retried_by_botocore(aws: AwsEmulator) -> None:
    dynamodb = make_table(aws)
    throttled = aws_error("dynamodb", "ProvisionedThroughputExceededException")
    fault = aws.wire.inject(Fault(action=throttled, operation="PutItem"))
    dynamodb.put_item(TableName="things", Item={"name": {"S": "one"}})

    assert fault.hits == 1
    assert [call.status for call in aws.wire.calls if call.operation == "PutItem"] == [400, 200]


def test_only_one_of_many_conditional_writes_wins(aws: AwsEmulator) -> None:
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


def test_a_failed_condition_hands_back_the_item(aws: AwsEmulator) -> None:
    dynamodb = make_table(aws)
    dynamodb.put_item(TableName="things", Item={"name": {"S": "one"}, "number": {"N": "1"}})
    with pytest.raises(dynamodb.exceptions.ConditionalCheckFailedException) as caught:
        dynamodb.update_item(
            TableName="things",
            Key={"name": {"S": "one"}},
            UpdateExpression="SET #number = :two",
            ConditionExpression="attribute_not_exists(#number)",
            ExpressionAttributeNames={"#number": "number"},
            ExpressionAttributeValues={":two": {"N": "2"}},
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )

    assert caught.value.response["Item"] == {"name": {"S": "one"}, "number": {"N": "1"}}


def test_a_topic_reaches_its_subscriber(aws: AwsEmulator) -> None:
    topic = aws.client("sns").create_topic(Name="changes")["TopicArn"]
    queue = make_queue(aws, topic)
    word = {"DataType": "String", "StringValue": "here"}
    aws.client("sns").publish(TopicArn=topic, Message="hello", MessageAttributes={"word": word})
    (message,) = aws.client("sqs").receive_message(QueueUrl=queue)["Messages"]

    assert json.loads(message["Body"])["Message"] == "hello"
    assert json.loads(message["Body"])["MessageAttributes"]["word"]["Value"] == "here"


def test_a_state_machine_really_runs(aws: AwsEmulator) -> None:
    states = aws.client("stepfunctions")
    definition = {
        "StartAt": "Choose",
        "States": {
            "Choose": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.ready", "BooleanEquals": True, "Next": "Done"}],
                "Default": "Lost",
            },
            "Done": {"Type": "Pass", "Result": {"is": "done"}, "End": True},
            "Lost": {"Type": "Fail"},
        },
    }
    role = aws.client("iam").create_role(RoleName="states", AssumeRolePolicyDocument="{}")
    machine = states.create_state_machine(
        name="machine", definition=json.dumps(definition), roleArn=role["Role"]["Arn"]
    )
    started = states.start_execution(
        stateMachineArn=machine["stateMachineArn"], input='{"ready": true}'
    )
    while True:
        execution = states.describe_execution(executionArn=started["executionArn"])
        if execution["status"] != "RUNNING":
            break

    assert execution["status"] == "SUCCEEDED"
    assert json.loads(execution["output"]) == {"is": "done"}


def test_clearing_removes_resources_calls_and_faults(aws: AwsEmulator) -> None:
    make_table(aws)
    aws.wire.inject(Fault(action=aws_error("dynamodb", "NoSuchLuck"), times=None))
    aws.clear()

    assert aws.wire.calls == ()
    assert aws.client("dynamodb").list_tables()["TableNames"] == []


def test_what_is_made_again_is_named_as_before(aws: AwsEmulator) -> None:
    def make() -> str:
        aws.clear()
        secret = aws.client("secretsmanager").create_secret(Name="atlas", SecretString="{}")
        arn: str = secret["ARN"]
        return arn

    assert make() == make()


def test_moto_finds_itself_only_within_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MOTO_PORT", raising=False)
    with AwsEmulator() as aws:
        assert aws.url.endswith(f":{os.environ['MOTO_PORT']}")

    assert "MOTO_PORT" not in os.environ
