"""
The SNS messages: CloudEvents 1.0 in JSON, and the attributes to filter by.

A message is made only from what is recorded, so it is the same each time it is published.
"""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from restore_watch.aws_call import AwsCallError, aws_call
from restore_watch.deadline import Deadline
from restore_watch.errors import NotificationPendingError, NotificationRefusedError
from restore_watch.fixes import fix_named
from restore_watch.status_change import StatusChange, utc_text
from restore_watch.validation import Entry, RecordedValidation
from restore_watch.watch_change import WatchChange, WatchState

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sns.type_defs import MessageAttributeValueTypeDef

EVENT_TYPE = "atlas-restore-watch.status-changed.v1"
VALIDATION_EVENT_TYPE = "atlas-restore-watch.validation-recorded.v1"
WATCH_EVENT_TYPES = {
    WatchState.DEGRADED: "atlas-restore-watch.watch-degraded.v1",
    WatchState.RECOVERED: "atlas-restore-watch.watch-recovered.v1",
}
TEST_EVENT_TYPE = "atlas-restore-watch.test-notification.v1"

SUBJECT_LIMIT = 99
"""SNS takes subjects of fewer than 100 characters; a stack's name may have 128."""

# SNS accepts fewer characters in an attribute than Atlas might send.
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]")


class StatusChangesTopic:
    """
    The topic that changes are published to. `stack_name` is what messages about the stack name.

    Its methods return SNS's message id. When SNS refuses or does not answer, they raise
    NotificationPendingError, or NotificationRefusedError for a test. They raise
    TimeBudgetExceededError when too little time is left to begin.
    """

    def __init__(
        self, client: "SNSClient", arn: str, stack_name: str = "atlas-restore-watch"
    ) -> None:
        self._client = client
        self._arn = arn
        self._stack_name = stack_name

    def publish(self, entry: Entry, deadline: Deadline) -> str:
        """Publish a recorded change of a job's status, or a validation."""
        return self._publish_change(
            subject(entry), cloud_event(entry), message_attributes(entry), deadline
        )

    def publish_watch(self, change: WatchChange, deadline: Deadline) -> str:
        """Publish that a project or the stack is degraded or has recovered."""
        name = change.group_id or self._stack_name
        return self._publish_change(
            f"Atlas restore watch {change.state}: {name}"[:SUBJECT_LIMIT],
            watch_cloud_event(change, self._stack_name),
            _attributes({"type": WATCH_EVENT_TYPES[change.state], "groupId": change.group_id}),
            deadline,
        )

    def publish_test(self, requested_at: datetime, deadline: Deadline) -> str:
        """Publish a message by which people see whether messages reach them."""
        try:
            return self._publish(
                f"Atlas restore watch test: {self._stack_name}"[:SUBJECT_LIMIT],
                cloud_event_of_test(self._stack_name, requested_at),
                _attributes({"type": TEST_EVENT_TYPE}),
                deadline,
            )
        except AwsCallError as error:
            msg = f"SNS {error}; no test notification was sent"
            raise NotificationRefusedError(msg) from None

    def _publish_change(
        self,
        subject: str,
        event: Mapping[str, Any],
        attributes: "dict[str, MessageAttributeValueTypeDef]",
        deadline: Deadline,
    ) -> str:
        try:
            return self._publish(subject, event, attributes, deadline)
        except AwsCallError as error:
            msg = f"SNS {error}; the change is stored and will be published"
            raise NotificationPendingError(msg) from None

    def _publish(
        self,
        subject: str,
        event: Mapping[str, Any],
        attributes: "dict[str, MessageAttributeValueTypeDef]",
        deadline: Deadline,
    ) -> str:
        answer = aws_call(
            deadline,
            "publish",
            self._client.publish,
            "MessageId",
            TopicArn=self._arn,
            Subject=subject,
            Message=json.dumps(event),
            MessageAttributes=attributes,
        )
        return str(answer["MessageId"])


def cloud_event(entry: Entry) -> dict[str, Any]:
    """
    Return the body of a job's message.

    Its schema is `events/restore-status-changed.schema.json`, or, of a validation,
    `events/validation-recorded.schema.json`.
    """
    job = entry.job
    observed_at = utc_text(entry.observed_at)
    news: dict[str, Any]
    match entry:
        case StatusChange():
            event_type = EVENT_TYPE
            news = {
                "previousStatus": entry.previous_status,
                "sequence": entry.sequence,
                "observedAt": observed_at,
                "detectionLatencySeconds": entry.detection_latency_seconds,
            }
        case RecordedValidation():
            event_type = VALIDATION_EVENT_TYPE
            news = {
                "sequence": entry.sequence,
                "observedAt": observed_at,
                "validation": entry.validation.as_json(),
            }
    return {
        "specversion": "1.0",
        "id": entry.event_id,
        "source": f"/groups/{job.group_id}/clusters/{job.cluster_name}",
        "type": event_type,
        "subject": job.restore_id,
        "time": observed_at,
        "datacontenttype": "application/json",
        "data": job.as_json() | news,
    }


def watch_cloud_event(change: WatchChange, stack_name: str) -> dict[str, Any]:
    """Return the body of a message about the watch, as in `events/watch-changed.schema.json`."""
    name = change.group_id or stack_name
    trouble = change.trouble
    since = utc_text(trouble.since)
    success_at = change.last_success_at
    return {
        "specversion": "1.0",
        "id": f"{name}:{change.state}:{since}",
        "source": f"/groups/{name}" if change.group_id else f"/stacks/{name}",
        "type": WATCH_EVENT_TYPES[change.state],
        "subject": name,
        "time": utc_text(change.at) if change.state is WatchState.RECOVERED else since,
        "datacontenttype": "application/json",
        "data": {
            "stack": stack_name,
            "groupId": change.group_id,
            "error": trouble.error,
            "message": trouble.message,
            "fix": trouble.fix or fix_named(trouble.error, of_stack=change.group_id is None),
            "reason": change.reason,
            "since": since,
            "lastSuccessAt": utc_text(success_at) if success_at else None,
            "openJobs": change.open_jobs,
        },
    }


def cloud_event_of_test(stack_name: str, requested_at: datetime) -> dict[str, Any]:
    """
    Return the body of a test notification.

    Its schema is `events/test-notification.schema.json`.
    """
    at = utc_text(requested_at)
    return {
        "specversion": "1.0",
        "id": f"{stack_name}:test:{at}",
        "source": f"/stacks/{stack_name}",
        "type": TEST_EVENT_TYPE,
        "subject": stack_name,
        "time": at,
        "datacontenttype": "application/json",
        "data": {"requestedAt": at},
    }


def subject(entry: Entry) -> str:
    """Return the SNS subject: ASCII, under 100 characters. A cluster's name has 64 at most."""
    if isinstance(entry, RecordedValidation):
        what = f"validation {entry.validation.verdict}"
    else:
        what = str(entry.job.status)
    return f"Atlas restore {what}: {entry.job.cluster_name}"


def message_attributes(entry: Entry) -> dict[str, "MessageAttributeValueTypeDef"]:
    """
    Return the attributes of a job's message. One without a value is left out.

    A validation has no `status`: a pipeline that subscribes to COMPLETED, tests the data and
    reports its verdict would otherwise start itself again.
    """
    job = entry.job
    if isinstance(entry, RecordedValidation):
        return _attributes(
            {
                "type": VALIDATION_EVENT_TYPE,
                "verdict": entry.validation.verdict,
                "kind": job.kind,
                "groupId": job.group_id,
                "clusterName": job.cluster_name,
            }
        )
    values = {
        "type": EVENT_TYPE,
        "status": job.status,
        "previousStatus": entry.previous_status,
        "terminal": json.dumps(job.terminal),
        "succeeded": None if job.succeeded is None else json.dumps(job.succeeded),
        "kind": job.kind,
        "deliveryType": _UNPRINTABLE.sub("", job.delivery_type or ""),
        "groupId": job.group_id,
        "clusterName": job.cluster_name,
    }
    return _attributes(values)


def _attributes(values: Mapping[str, str | None]) -> "dict[str, MessageAttributeValueTypeDef]":
    """SNS rejects an empty attribute."""
    return {
        name: {"DataType": "String", "StringValue": value}
        for name, value in values.items()
        if value
    }
