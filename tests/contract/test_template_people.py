"""The part of the stack that notifies people: made only for a reader, and allowed no more."""

from pathlib import Path
from typing import Any

import pytest

from contract.deployed_template import READERS, Call, Stack, granted, verdict

FUNCTION = "NotifyPeopleFunction"
EMAIL, CHAT = {"NotifyEmail": "ops@example.com"}, {"NotifyChat": "yes"}
SECRET = {"NotifySecretArn": READERS["NotifySecretArn"]}

_FUNCTIONS = Path(__file__).parents[2] / "functions"
SETTINGS = (
    _FUNCTIONS / "notify_people" / "settings.py",
    _FUNCTIONS / "foundation" / "environment.py",
)


@pytest.fixture(scope="module")
def stack() -> Stack:
    return Stack(**READERS)


def of_people(stack: Stack) -> set[str]:
    """The resources that a stack without readers has not."""
    return stack.resources.keys() - Stack().resources.keys()


def test_nothing_is_made_without_a_reader() -> None:
    stack = Stack(NotifyChanges="all")

    assert not any("Notif" in name or "Notice" in name for name in stack.resources)
    assert not {"EmailTopic", "ChatTopic"} & stack.resources.keys()
    assert not any("Notif" in name or "Notice" in name for name in stack.outputs)


@pytest.mark.parametrize("readers", [EMAIL, CHAT, SECRET], ids=["e-mail", "chat", "secret"])
def test_each_reader_alone_has_the_function_made(readers: dict[str, str]) -> None:
    stack = Stack(**readers)

    assert FUNCTION in of_people(stack)
    assert ("EmailTopic" in stack.resources) is ("NotifyEmail" in readers)
    assert ("ChatTopic" in stack.resources) is ("NotifyChat" in readers)


def test_the_function_gets_the_variables_that_it_reads(stack: Stack) -> None:
    variables = stack.properties(FUNCTION)["Environment"]["Variables"]

    assert variables == {
        "SENT_TABLE_NAME": "SentNoticesTable",
        "NOTIFY_CHANGES": "ended,ready,degraded,recovered,validated",
        "EMAIL_TOPIC_ARN": "EmailTopic",
        "CHAT_TOPIC_ARN": "ChatTopic",
        "NOTIFY_SECRET_ID": READERS["NotifySecretArn"],
        "ATLAS_BASE_URL": "https://cloud.mongodb.com",
        "PAGERDUTY_BASE_URL": "https://events.pagerduty.com",
        "POWERTOOLS_SERVICE_NAME": "atlas-restore-watch",
        "POWERTOOLS_METRICS_NAMESPACE": "AtlasRestoreWatch",
        "POWERTOOLS_LOG_LEVEL": "INFO",
    }
    text = "".join(path.read_text() for path in SETTINGS)
    assert all(f'"{name}"' in text for name in variables)


def test_a_channel_that_is_not_asked_for_has_an_empty_variable() -> None:
    variables = Stack(**EMAIL).properties(FUNCTION)["Environment"]["Variables"]

    assert variables["CHAT_TOPIC_ARN"] == variables["NOTIFY_SECRET_ID"] == ""


def test_the_role_allows_what_each_channel_needs_and_nothing_else(stack: Stack) -> None:
    assert granted(stack.properties("NotifyPeopleFunctionRole")) == {
        "sqs:ReceiveMessage": {"NoticeQueue.Arn"},
        "sqs:DeleteMessage": {"NoticeQueue.Arn"},
        "sqs:GetQueueAttributes": {"NoticeQueue.Arn"},
        "dynamodb:UpdateItem": {"SentNoticesTable.Arn"},
        "sns:Publish": {"EmailTopic", "ChatTopic"},
        "secretsmanager:GetSecretValue": {READERS["NotifySecretArn"]},
        "kms:Decrypt": {READERS["NotifySecretKmsKeyArn"]},
        "logs:CreateLogStream": {"NotifyPeopleLogGroup.Arn"},
        "logs:PutLogEvents": {"NotifyPeopleLogGroup.Arn"},
        "xray:PutTraceSegments": {"*"},
        "xray:PutTelemetryRecords": {"*"},
    }


def test_without_a_secret_the_role_reads_none() -> None:
    actions = granted(Stack(**EMAIL).properties("NotifyPeopleFunctionRole"))

    assert not {"secretsmanager:GetSecretValue", "kms:Decrypt"} & actions.keys()
    assert actions["sns:Publish"] == {"EmailTopic"}


def test_messages_arrive_as_they_are_and_none_is_lost_on_the_way(stack: Stack) -> None:
    subscription = stack.properties("NoticeSubscription")

    assert subscription == {
        "TopicArn": "StatusChangesTopic",
        "Protocol": "sqs",
        "Endpoint": "NoticeQueue.Arn",
        "RawMessageDelivery": True,
        "RedrivePolicy": {"deadLetterTargetArn": "NoticeDeadLetterQueue.Arn"},
    }


@pytest.mark.parametrize("queue", ["NoticeQueue", "NoticeDeadLetterQueue"])
@pytest.mark.parametrize(
    ("topic", "secure", "expected"),
    [
        ("StatusChangesTopic", "true", "Allow"),
        ("another-topic", "true", None),
        ("StatusChangesTopic", "false", "Deny"),
    ],
)
def test_only_the_topic_sends_to_the_queues(
    stack: Stack, queue: str, topic: str, secure: str, expected: str | None
) -> None:
    policy = stack.properties(f"{queue}Policy")["PolicyDocument"]["Statement"]
    call = Call(
        "sqs:SendMessage",
        f"{queue}.Arn",
        "sns.amazonaws.com",
        {"aws:SourceArn": topic, "aws:SecureTransport": secure},
    )

    assert verdict(policy, call) == expected


def test_what_cannot_be_sent_five_times_is_kept(stack: Stack) -> None:
    queue = stack.properties("NoticeQueue")
    timeout = stack.properties(FUNCTION)["Timeout"]

    assert queue["RedrivePolicy"] == {
        "deadLetterTargetArn": "NoticeDeadLetterQueue.Arn",
        "maxReceiveCount": 5,
    }
    assert queue["VisibilityTimeout"] == 6 * timeout


def test_single_messages_of_a_batch_can_fail(stack: Stack) -> None:
    mappings = stack.of_type("AWS::Lambda::EventSourceMapping")
    mapping: dict[str, Any] = next(
        one for one in mappings.values() if one["FunctionName"] == FUNCTION
    )

    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["EventSourceArn"] == "NoticeQueue.Arn"


def test_every_table_topic_and_queue_is_encrypted(stack: Stack) -> None:
    tables = stack.of_type("AWS::DynamoDB::Table").values()
    topics = stack.of_type("AWS::SNS::Topic").values()
    queues = stack.of_type("AWS::SQS::Queue").values()

    assert all(table["SSESpecification"]["SSEEnabled"] for table in tables)
    assert {topic["KmsMasterKeyId"] for topic in topics} == {"alias/aws/sns"}
    assert all(queue["SqsManagedSseEnabled"] for queue in queues)


def test_the_email_is_subscribed_to_its_own_topic(stack: Stack) -> None:
    assert stack.properties("EmailSubscription") == {
        "TopicArn": "EmailTopic",
        "Protocol": "email",
        "Endpoint": "ops@example.com",
    }
