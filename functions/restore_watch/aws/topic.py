"""
The topic, and its messages: CloudEvents 1.0 in JSON, and the attributes of SNS to filter by.

A message has only recorded values, so it is the same each time it is published.
"""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from foundation.aws_call import AwsCallError, aws_call
from foundation.deadline import Deadline
from restore_watch.errors import NotificationPendingError, NotificationRefusedError
from restore_watch.model.credentials_expiry import CredentialsChange
from restore_watch.model.fixes import fix_named, fix_of_expiry
from restore_watch.model.outage import WatchChange, WatchState
from restore_watch.model.status_change import utc_text
from restore_watch.model.validation import Entry, RecordedValidation

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sns.type_defs import MessageAttributeValueTypeDef

if TYPE_CHECKING:
    from mypy_boto3_sns.type_defs import MessageAttributeValueTypeDef

EVENT_TYPE = "atlas-restore-watch.status-changed.v1"
VALIDATION_EVENT_TYPE = "atlas-restore-watch.validation-recorded.v1"
WATCH_EVENT_TYPES = {
    WatchState.DEGRADED: "atlas-restore-watch.watch-degraded.v1",
    WatchState.RECOVERED: "atlas-restore-watch.watch-recovered.v1",
}
EXPIRING_EVENT_TYPE = "atlas-restore-watch.credentials-expiring.v1"
RENEWED_EVENT_TYPE = "atlas-restore-watch.credentials-renewed.v1"
TEST_EVENT_TYPE = "atlas-restore-watch.test-notification.v1"

SUBJECT_LIMIT = 99
"""SNS takes subjects of fewer than 100 characters; a stack's name may have 128."""

# SNS accepts fewer characters in an attribute than Atlas might send.
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]")


def cloud_event(entry: Entry) -> dict[str, Any]:
    """Return the body of a message about a job. Each of its two forms has a schema in `events/`."""
    job = entry.job
    observed_at = utc_text(entry.observed_at)
    place: dict[str, Any] = {"sequence": entry.sequence, "observedAt": observed_at}
    if isinstance(entry, RecordedValidation):
        event_type = VALIDATION_EVENT_TYPE
        news = {**place, "validation": entry.validation.as_json()}
    else:
        event_type = EVENT_TYPE
        latency = entry.detection_latency_seconds
        news = {
            "previousStatus": entry.previous_status,
            **place,
            "detectionLatencySeconds": latency,
        }
    return _cloud_event(
        job.as_json() | news,
        id=entry.event_id,
        source=f"/groups/{job.group_id}/clusters/{job.cluster_name}",
        type=event_type,
        subject=job.restore_id,
        time=observed_at,
    )


def watch_cloud_event(change: WatchChange, stack_name: str) -> dict[str, Any]:
    """Return the body of a message about the watch, as in `events/watch-changed.schema.json`."""
    name = change.group_id or stack_name
    trouble = change.trouble
    since = utc_text(trouble.since)
    success_at = change.last_success_at
    data = {
        "stack": stack_name,
        "groupId": change.group_id,
        "error": trouble.error,
        "message": trouble.message,
        "fix": trouble.fix or fix_named(trouble.error, of_stack=change.group_id is None),
        "reason": change.reason,
        "since": since,
        "lastSuccessAt": utc_text(success_at) if success_at else None,
        "openJobs": change.open_jobs,
    }
    return _cloud_event(
        data,
        id=f"{name}:{change.state}:{since}",
        source=f"/groups/{name}" if change.group_id else f"/stacks/{name}",
        type=WATCH_EVENT_TYPES[change.state],
        subject=name,
        time=utc_text(change.at) if change.state is WatchState.RECOVERED else since,
    )


def credentials_cloud_event(change: CredentialsChange, stack_name: str) -> dict[str, Any]:
    """Return the body of a message about credentials: `events/credentials-changed.schema.json`."""
    secret, days = change.secret, change.threshold
    return _cloud_event(
        {
            "stack": stack_name,
            "clientId": secret.client_id,
            "expiresAt": utc_text(secret.expires_at),
            "daysLeft": days,
            "isCertain": secret.is_certain,
            "fix": "" if days is None else fix_of_expiry(secret, change.at),
        },
        # A secret that is used again after another one is said again: the date is no id.
        id=f"{stack_name}:credentials:{utc_text(change.at)}:{days or 'renewed'}",
        source=f"/stacks/{stack_name}",
        type=RENEWED_EVENT_TYPE if days is None else EXPIRING_EVENT_TYPE,
        subject=stack_name,
        time=utc_text(change.at),
    )


def credentials_subject(change: CredentialsChange, stack_name: str) -> str:
    """Return the SNS subject of a message about credentials."""
    days = change.threshold
    if days is None:
        return f"Atlas credentials renewed: {stack_name}"
    if change.secret.has_expired(change.at):
        return f"Atlas credentials have expired: {stack_name}"
    return f"Atlas credentials expire within {days} day{'' if days == 1 else 's'}: {stack_name}"


def cloud_event_of_test(stack_name: str, requested_at: datetime) -> dict[str, Any]:
    """Return the body of a test notification, as in `events/test-notification.schema.json`."""
    at = utc_text(requested_at)
    return _cloud_event(
        {"requestedAt": at},
        id=f"{stack_name}:test:{at}",
        source=f"/stacks/{stack_name}",
        type=TEST_EVENT_TYPE,
        subject=stack_name,
        time=at,
    )


def _cloud_event(data: Mapping[str, Any], **attributes: str) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        **attributes,
        "datacontenttype": "application/json",
        "data": data,
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
    Return the attributes of a job's message. An attribute without a value is left out.

    A validation has no `status`: a pipeline that subscribes to COMPLETED, tests the data and
    reports its verdict would otherwise start itself again.
    """
    job = entry.job
    names = {"kind": job.kind, "groupId": job.group_id, "clusterName": job.cluster_name}
    if isinstance(entry, RecordedValidation):
        verdict = entry.validation.verdict
        return attributes_of({"type": VALIDATION_EVENT_TYPE, "verdict": verdict, **names})
    return attributes_of(
        {
            "type": EVENT_TYPE,
            "status": job.status,
            "previousStatus": entry.previous_status,
            "terminal": json.dumps(job.terminal),
            "succeeded": None if job.succeeded is None else json.dumps(job.succeeded),
            "deliveryType": _UNPRINTABLE.sub("", job.delivery_type or ""),
            **names,
        }
    )


def attributes_of(values: Mapping[str, str | None]) -> "dict[str, MessageAttributeValueTypeDef]":
    """The attributes in SNS's form. SNS rejects an attribute without a value: it is left out."""
    return {
        name: {"DataType": "String", "StringValue": value}
        for name, value in values.items()
        if value
    }


type _Message = tuple[str, Mapping[str, Any], dict[str, MessageAttributeValueTypeDef]]
"""The subject, the body and the attributes."""


class StatusChangesTopic:
    """
    The topic that changes are published to. Messages about the stack have its `stack_name`.

    Its methods return SNS's message id. When SNS refuses or does not answer, they raise
    NotificationPendingError, or NotificationRefusedError for a test.
    """

    def __init__(
        self, client: "SNSClient", arn: str, stack_name: str = "atlas-restore-watch"
    ) -> None:
        self._client = client
        self._arn = arn
        self._stack_name = stack_name

    def publish(self, entry: Entry, deadline: Deadline) -> str:
        """Publish a recorded change of a job's status, or a validation."""
        message = (subject(entry), cloud_event(entry), message_attributes(entry))
        return self._publish_change(message, deadline)

    def publish_watch(self, change: WatchChange, deadline: Deadline) -> str:
        """Publish that a project or the stack is degraded or has recovered."""
        name = change.group_id or self._stack_name
        message = (
            f"Atlas restore watch {change.state}: {name}",
            watch_cloud_event(change, self._stack_name),
            attributes_of({"type": WATCH_EVENT_TYPES[change.state], "groupId": change.group_id}),
        )
        return self._publish_change(message, deadline)

    def publish_credentials(self, change: CredentialsChange, deadline: Deadline) -> str:
        """Publish that the credentials are about to expire, or were renewed."""
        event = credentials_cloud_event(change, self._stack_name)
        subject = credentials_subject(change, self._stack_name)
        message = (subject, event, attributes_of({"type": event["type"]}))
        return self._publish_change(message, deadline)

    def publish_test(self, requested_at: datetime, deadline: Deadline) -> str:
        """Publish a test message, which shows people whether messages reach them."""
        message = (
            f"Atlas restore watch test: {self._stack_name}",
            cloud_event_of_test(self._stack_name, requested_at),
            attributes_of({"type": TEST_EVENT_TYPE}),
        )
        try:
            return self._publish(message, deadline)
        except AwsCallError as error:
            msg = f"SNS {error}; no test notification was sent"
            raise NotificationRefusedError(msg) from None

    def _publish_change(self, message: _Message, deadline: Deadline) -> str:
        try:
            return self._publish(message, deadline)
        except AwsCallError as error:
            msg = f"SNS {error}; the change is stored and will be published"
            raise NotificationPendingError(msg) from None

    def _publish(self, message: _Message, deadline: Deadline) -> str:
        subject, event, attributes = message
        answer = aws_call(
            deadline,
            "publish",
            self._client.publish,
            "MessageId",
            TopicArn=self._arn,
            Subject=subject[:SUBJECT_LIMIT],
            Message=json.dumps(event),
            MessageAttributes=attributes,
        )
        return str(answer["MessageId"])
