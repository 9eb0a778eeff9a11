"""
The SNS message of a status change: a CloudEvent 1.0 in JSON, and the attributes to filter by.

The message is made only from the recorded change, so it is the same each time it is published.
"""

import json
import re
from typing import TYPE_CHECKING, Any

from restore_watch.aws_call import AwsCallError, aws_call
from restore_watch.deadline import Deadline
from restore_watch.errors import NotificationPendingError
from restore_watch.status_change import StatusChange, utc_text

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sns.type_defs import MessageAttributeValueTypeDef

EVENT_TYPE = "atlas-restore-watch.status-changed.v1"

# SNS accepts fewer characters in an attribute than Atlas might send.
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]")


class StatusChangesTopic:
    """The topic that status changes are published to."""

    def __init__(self, client: "SNSClient", arn: str) -> None:
        self._client = client
        self._arn = arn

    def publish(self, change: StatusChange, deadline: Deadline) -> str:
        """
        Publish a recorded change and return SNS's message id.

        Raises NotificationPendingError when SNS refuses or does not answer, and
        TimeBudgetExceededError when too little time is left to begin.
        """
        try:
            answer = aws_call(
                deadline,
                "publish",
                self._client.publish,
                "MessageId",
                TopicArn=self._arn,
                Subject=subject(change),
                Message=json.dumps(cloud_event(change)),
                MessageAttributes=message_attributes(change),
            )
        except AwsCallError as error:
            msg = f"SNS {error}; the change is stored and will be published"
            raise NotificationPendingError(msg) from None
        return str(answer["MessageId"])


def cloud_event(change: StatusChange) -> dict[str, Any]:
    """Return the message body; `events/restore-status-changed.schema.json` is its schema."""
    job = change.job
    observed_at = utc_text(change.observed_at)
    return {
        "specversion": "1.0",
        "id": change.event_id,
        "source": f"/groups/{job.group_id}/clusters/{job.cluster_name}",
        "type": EVENT_TYPE,
        "subject": job.restore_id,
        "time": observed_at,
        "datacontenttype": "application/json",
        "data": job.as_json()
        | {
            "previousStatus": change.previous_status,
            "sequence": change.sequence,
            "observedAt": observed_at,
            "detectionLatencySeconds": change.detection_latency_seconds,
        },
    }


def subject(change: StatusChange) -> str:
    """Return the SNS subject: ASCII, under 100 characters. A cluster's name has 64 at most."""
    return f"Atlas restore {change.job.status}: {change.job.cluster_name}"


def message_attributes(change: StatusChange) -> dict[str, "MessageAttributeValueTypeDef"]:
    """Return the attributes. One without a value is left out, because SNS rejects an empty one."""
    job = change.job
    values = {
        "type": EVENT_TYPE,
        "status": job.status,
        "previousStatus": change.previous_status,
        "terminal": json.dumps(job.terminal),
        "succeeded": None if job.succeeded is None else json.dumps(job.succeeded),
        "kind": job.kind,
        "deliveryType": _UNPRINTABLE.sub("", job.delivery_type or ""),
        "groupId": job.group_id,
        "clusterName": job.cluster_name,
    }
    return {
        name: {"DataType": "String", "StringValue": value}
        for name, value in values.items()
        if value
    }
