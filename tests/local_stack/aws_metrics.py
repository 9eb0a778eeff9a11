"""
The metrics of AWS's own services that the alarms and the dashboard use.

What AWS documents of them, and their values from what happens in the local stack. A resource has
the name that the template's `Ref` or `GetAtt` has in `contract.deployed_template`.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Mapping

from moto.backends import get_backend

from local_stack.aws import ACCOUNT, REGION
from local_stack.cloudwatch import Metric, Metrics

DOCUMENTED = {
    # Types of metrics for Lambda functions, AWS Lambda Developer Guide
    "AWS/Lambda": ("FunctionName", {"Errors", "Throttles", "Duration"}),
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
        },
    ),
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

    def __init__(self, metrics: Metrics, clock: Callable[[], float]) -> None:
        self._metrics = metrics
        self._clock = clock
        self._arrivals: defaultdict[str, deque[float]] = defaultdict(deque)

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


def depth(url: str) -> tuple[int, int]:
    """How many messages are visible in a queue, and how many there are. moto keeps it here."""
    queue = get_backend("sqs")[ACCOUNT][REGION].queues[url.rpartition("/")[2]]
    visible = queue.approximate_number_of_messages
    return visible, visible + queue.approximate_number_of_messages_not_visible
