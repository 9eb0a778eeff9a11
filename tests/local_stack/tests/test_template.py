"""Resources from a SAM template, made by moto's CloudFormation."""

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from local_stack.aws import AwsEmulator
from local_stack.stack import ROOT
from local_stack.template import MadeStack, make_stack, translated

pytestmark = pytest.mark.timeout(30)

TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Parameters:
  Words: { Type: String }
  Encrypted: { Type: String, Default: "no" }
Conditions:
  IsEncrypted: !Equals [!Ref Encrypted, "yes"]
Globals:
  Function:
    Timeout: 7
    Environment:
      Variables:
        EVERYWHERE: "1"
Resources:
  Reader:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/
      Handler: reader.handle
      Runtime: python3.13
      MemorySize: 256
      Layers: [!Ref Wheels]
      Environment:
        Variables:
          TABLE: !Ref Things
          TOPIC: !Ref Changes
          SENTENCE: !Sub "${Words} of ${AWS::Region}"
          CHOSEN: !If [IsEncrypted, secret, open]
      Events:
        Requests:
          Type: SQS
          Properties: { Queue: !GetAtt Requests.Arn, BatchSize: 3 }
        Minutely:
          Type: ScheduleV2
          Properties:
            ScheduleExpression: rate(1 minute)
            Input: !Sub '{"word": "${Words}", "at": "<aws.scheduler.scheduled-time>"}'
  Unscheduled:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/
      Handler: other.handle
      Runtime: python3.13
      MemorySize: 256
  Wheels:
    Type: AWS::Serverless::LayerVersion
    Properties: { ContentUri: layer/ }
  Things:
    Type: AWS::DynamoDB::Table
    DeletionPolicy: Retain
    UpdateReplacePolicy: Retain
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{ AttributeName: name, AttributeType: S }]
      KeySchema: [{ AttributeName: name, KeyType: HASH }]
  Changes:
    Type: AWS::SNS::Topic
    Properties: { DisplayName: !Sub "${Words}!" }
  Requests:
    Type: AWS::SQS::Queue
    Properties:
      VisibilityTimeout: 42
      RedrivePolicy: { deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 2 }
  Dead:
    Type: AWS::SQS::Queue
"""


@pytest.fixture
def template(tmp_path: Path) -> Path:
    file = tmp_path / "template.yaml"
    file.write_text(TEMPLATE)
    return file


def made(aws: AwsEmulator, template: Path, **parameters: str) -> MadeStack:
    return make_stack(aws, translated(template, parameters), parameters)


def test_the_environment_of_a_function_is_resolved(aws: AwsEmulator, template: Path) -> None:
    stack = made(aws, template, Words="the heart")
    function = stack.functions["Reader"]

    assert function.environment == {
        "EVERYWHERE": "1",
        "TABLE": stack.resources["Things"],
        "TOPIC": stack.resources["Changes"],
        "SENTENCE": "the heart of us-east-1",
        "CHOSEN": "open",
    }
    assert (function.handler, function.name) == ("reader.handle", stack.resources["Reader"])
    assert (function.timeout_seconds, function.memory_megabytes) == (7, 256)


def test_a_schedule_sends_its_input_with_its_moment(aws: AwsEmulator, template: Path) -> None:
    functions = made(aws, template, Words="the heart").functions
    at = datetime(2026, 5, 4, 14, 0, 59, 999_999, tzinfo=timezone(timedelta(hours=2)))

    assert functions["Reader"].scheduled_event(at) == {
        "word": "the heart",
        "at": "2026-05-04T12:00:59Z",
    }
    with pytest.raises(LookupError):
        functions["Unscheduled"].scheduled_event(at)


def test_conditions_depend_on_parameters(aws: AwsEmulator, template: Path) -> None:
    function = made(aws, template, Words="x", Encrypted="yes").functions["Reader"]

    assert function.environment["CHOSEN"] == "secret"


def test_resources_have_the_properties_of_the_template(aws: AwsEmulator, template: Path) -> None:
    stack = made(aws, template, Words="news")
    table = aws.client("dynamodb").describe_table(TableName=stack.resources["Things"])["Table"]
    topic = aws.client("sns").get_topic_attributes(TopicArn=stack.resources["Changes"])
    queue: dict[str, Any] = aws.client("sqs").get_queue_attributes(
        QueueUrl=stack.resources["Requests"], AttributeNames=["All"]
    )["Attributes"]

    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert topic["Attributes"]["DisplayName"] == "news!"
    assert queue["VisibilityTimeout"] == "42"
    assert '"maxReceiveCount": 2' in queue["RedrivePolicy"]


def test_the_queue_is_mapped_to_the_function(aws: AwsEmulator, template: Path) -> None:
    stack = made(aws, template, Words="x")
    (mapping,) = aws.client("lambda").list_event_source_mappings()["EventSourceMappings"]

    assert mapping["BatchSize"] == 3
    assert mapping["FunctionArn"].endswith(stack.resources["Reader"])


def test_resources_get_the_same_names_after_aws_is_cleared(
    aws: AwsEmulator, template: Path
) -> None:
    first = made(aws, template, Words="x")
    aws.clear()

    assert made(aws, template, Words="x") == first


def test_the_stack_of_this_project_is_created(aws: AwsEmulator) -> None:
    parameters = {"AtlasSecretArn": "arn:emulated", "AtlasBaseUrl": "http://127.0.0.1:1"}
    stack = made(aws, ROOT / "template.yaml", **parameters)
    environment = stack.functions["RestoreWatchFunction"].environment

    assert environment["TABLE_NAME"] == stack.resources["RestoreJobsTable"]
    assert environment["TOPIC_ARN"] == stack.resources["StatusChangesTopic"]
    assert environment["ATLAS_SECRET_ID"] == "arn:emulated"
    assert {"RequestQueue", "RequestDeadLetterQueue"} <= stack.resources.keys()


PARAMETERS = {"AtlasSecretArn": "arn:emulated", "AtlasBaseUrl": "http://127.0.0.1:1"}


def test_what_a_false_condition_leaves_out_is_not_made(aws: AwsEmulator) -> None:
    stack = made(aws, ROOT / "template.yaml", **PARAMETERS)

    assert list(stack.functions) == ["RestoreWatchFunction"]
    assert "NoticeQueue" not in stack.resources


def test_what_a_condition_lets_in_is_made_and_subscribed(aws: AwsEmulator) -> None:
    stack = made(aws, ROOT / "template.yaml", **PARAMETERS, NotifyEmail="ops@example.com")
    subscriptions = aws.client("sns").list_subscriptions()["Subscriptions"]
    (queue,) = (one["SubscriptionArn"] for one in subscriptions if one["Protocol"] == "sqs")
    (mail,) = (one["Endpoint"] for one in subscriptions if one["Protocol"] == "email")
    attributes = aws.client("sns").get_subscription_attributes(SubscriptionArn=queue)

    assert attributes["Attributes"]["RawMessageDelivery"] == "true"
    assert mail == "ops@example.com"
    variables = stack.functions["NotifyPeopleFunction"].environment
    assert variables["EMAIL_TOPIC_ARN"] == stack.resources["EmailTopic"]
    assert variables["CHAT_TOPIC_ARN"] == ""


def test_moto_does_not_poll_the_queue_of_notices(aws: AwsEmulator) -> None:
    made(aws, ROOT / "template.yaml", **PARAMETERS, NotifyChat="yes")
    (mapping,) = aws.client("lambda").list_event_source_mappings()["EventSourceMappings"]

    assert "RestoreWatch" in mapping["FunctionArn"]
