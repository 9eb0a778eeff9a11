"""What happens in the emulated AWS becomes the metrics that AWS documents."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from local_stack.aws import AwsEmulator
from local_stack.aws_metrics import AwsMetrics, documented
from local_stack.clock import Clock
from local_stack.cloudwatch import Metrics
from local_stack.tests.emulated import NOON

TOPIC = "Topic.TopicName"
QUEUE = "Queue.QueueName"


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def clock() -> Clock:
    return Clock(NOON)


@pytest.fixture
def measured(aws: AwsEmulator, metrics: Metrics, clock: Clock) -> AwsMetrics:
    return AwsMetrics(aws, metrics, lambda: clock().timestamp())


@pytest.fixture
def last(metrics: Metrics, clock: Clock) -> Callable[[str, str, str], float | None]:
    """The sum of a metric in the last minute, this moment included."""

    def value(namespace: str, name: str, resource: str) -> float | None:
        metric = documented(namespace, name, resource)
        return metrics.series(metric, "Sum", 60, clock().timestamp() + 1, 1).get(-1)

    return value


def test_a_metric_that_aws_does_not_describe_is_rejected() -> None:
    with pytest.raises(LookupError, match="NumberOfMessagesLost"):
        documented("AWS/SNS", "NumberOfMessagesLost", TOPIC)


def test_a_queue_has_a_depth_and_the_age_of_its_oldest_message(
    aws: AwsEmulator, measured: AwsMetrics, clock: Clock, last: Callable[..., float | None]
) -> None:
    sqs = aws.client("sqs")
    url = sqs.create_queue(QueueName="queue")["QueueUrl"]
    names = "ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage"
    seen = []
    for step in ("send", "send", "receive", "delete"):
        if step == "send":
            sqs.send_message(QueueUrl=url, MessageBody=step)
        elif step == "receive":
            (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
        else:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        clock.advance(60)
        measured.look_at_queues({"Queue": url})
        seen.append(tuple(last("AWS/SQS", name, QUEUE) for name in names))

    assert seen == [(1, 0), (2, 60), (1, 120), (1, 120)]


@pytest.mark.parametrize(
    ("policies", "delivered", "filtered"),
    [([], None, None), ([None], 1, None), ([None, "another"], 1, 1), (["another"], None, 1)],
    ids=["nobody", "all", "one of two", "filtered"],
)
def test_a_topic_counts_what_it_takes_delivers_and_leaves_out(
    aws: AwsEmulator,
    measured: AwsMetrics,
    last: Callable[..., float | None],
    policies: list[str | None],
    delivered: int | None,
    filtered: int | None,
) -> None:
    sns, sqs = aws.client("sns"), aws.client("sqs")
    arn = sns.create_topic(Name="topic")["TopicArn"]
    for number, policy in enumerate(policies):
        url = sqs.create_queue(QueueName=f"queue-{number}")["QueueUrl"]
        queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        attributes: dict[str, Any] = (
            {"FilterPolicy": json.dumps({"clusterName": [policy]})} if policy else {}
        )
        sns.subscribe(
            TopicArn=arn,
            Protocol="sqs",
            Endpoint=queue["Attributes"]["QueueArn"],
            Attributes=attributes,
        )
    with measured.follow("Topic", arn):
        sns.publish(TopicArn=arn, Message="hello")
    sns.publish(TopicArn=arn, Message="nobody follows any more")

    assert last("AWS/SNS", "NumberOfMessagesPublished", TOPIC) == 1
    assert last("AWS/SNS", "NumberOfNotificationsDelivered", TOPIC) == delivered
    assert last("AWS/SNS", "NumberOfNotificationsFilteredOut", TOPIC) == filtered
