"""
The metrics of AWS's own services that the alarms and the dashboard use.

What AWS documents of them, and their values from what happens in the local stack. A resource has
the name that the template's `Ref` or `GetAtt` has in `contract.deployed_template`.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from urllib.parse import parse_qs

from moto.backends import get_backend

from local_stack.aws import ACCOUNT, REGION, AwsEmulator
from local_stack.cloudwatch import Metric, Metrics
from local_stack.wire import Attached, Call, Phase

DOCUMENTED = {
    # Types of metrics for Lambda functions, AWS Lambda Developer Guide
    "AWS/Lambda": ("FunctionName", {"Invocations", "Errors", "Throttles"}),
    # Available CloudWatch metrics for Amazon SQS, Amazon SQS Developer Guide
    "AWS/SQS": (
        "QueueName",
        {"ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage"},
    ),
    # Monitoring Amazon SNS topics using CloudWatch, Amazon SNS Developer Guide
    "AWS/SNS": (
        "TopicName",
        {
            "NumberOfMessagesPublished",
            "NumberOfNotificationsDelivered",
            "NumberOfNotificationsFailed",
            "NumberOfNotificationsFilteredOut",
        },
    ),
    # Monitoring Amazon EventBridge Scheduler with CloudWatch, EventBridge Scheduler User Guide
    "AWS/Scheduler": ("ScheduleGroup", {"InvocationAttemptCount", "InvocationDroppedCount"}),
}
"""By namespace, the one dimension of its metrics and their names."""


def documented(namespace: str, name: str, resource: str) -> Metric:
    """Return a metric of a resource. Raise LookupError if AWS does not describe it."""
    dimension, names = DOCUMENTED[namespace]
    if name not in names:
        raise LookupError(f"AWS does not describe {name} of {namespace}")
    return Metric(namespace, name, frozenset({(dimension, resource)}))


class AwsMetrics:
    """Puts what AWS's services would put."""

    def __init__(self, aws: AwsEmulator, metrics: Metrics, clock: Callable[[], float]) -> None:
        self._aws = aws
        self._metrics = metrics
        self._clock = clock
        self._arrivals: defaultdict[str, deque[float]] = defaultdict(deque)
        self._before = 0

    def put(self, namespace: str, name: str, resource: str, value: float = 1) -> None:
        self._metrics.put(documented(namespace, name, resource), self._clock(), value)

    def look_at_queues(self, queues: Mapping[str, str]) -> None:
        """Put the depth and the oldest message's age of each queue, by logical ids and URLs."""
        for logical_id, url in queues.items():
            visible, in_all = depth(url)
            arrivals = self._arrivals[logical_id]
            # A message that came since the last look is as old as this look at most.
            arrivals.extend([self._clock()] * (in_all - len(arrivals)))
            while len(arrivals) > in_all:
                arrivals.popleft()
            age = self._clock() - arrivals[0] if arrivals else 0.0
            name = f"{logical_id}.QueueName"
            self.put("AWS/SQS", "ApproximateNumberOfMessagesVisible", name, visible)
            self.put("AWS/SQS", "ApproximateAgeOfOldestMessage", name, age)

    def follow(self, logical_id: str, topic_arn: str) -> Attached:
        """Put what a topic takes, delivers and leaves out, until the block ends."""
        name = f"{logical_id}.TopicName"

        def heard(call: Call, phase: Phase) -> None:
            if call.operation != "Publish" or _topic_of(call) != topic_arn:
                return
            subscribed = self._subscribed(topic_arn)
            waiting = sum(depth(url)[1] for url in subscribed)
            if phase == "before":
                self._before = waiting
            elif call.status == 200:
                delivered = waiting - self._before
                self.put("AWS/SNS", "NumberOfMessagesPublished", name)
                if delivered:
                    self.put("AWS/SNS", "NumberOfNotificationsDelivered", name, delivered)
                if filtered := len(subscribed) - delivered:
                    self.put("AWS/SNS", "NumberOfNotificationsFilteredOut", name, filtered)

        return self._aws.wire.listen(heard)

    def _subscribed(self, topic_arn: str) -> list[str]:
        """The names of the queues that get messages of the topic."""
        answer = self._aws.client("sns").list_subscriptions_by_topic(TopicArn=topic_arn)
        return [one["Endpoint"].rpartition(":")[2] for one in answer["Subscriptions"]]


def depth(url: str) -> tuple[int, int]:
    """How many messages are visible in a queue, and how many there are. moto keeps it here."""
    queue = get_backend("sqs")[ACCOUNT][REGION].queues[url.rpartition("/")[2]]
    visible = queue.approximate_number_of_messages
    return visible, visible + queue.approximate_number_of_messages_not_visible


def _topic_of(call: Call) -> str:
    return parse_qs(call.body.decode()).get("TopicArn", [""])[0]
