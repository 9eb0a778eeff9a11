"""The topic. It publishes one message after the other, and raises SNS's refusals."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from foundation.aws_call import AwsCallError, aws_call
from foundation.deadline import Deadline
from restore_watch.aws.cloud_events import (
    SUBJECT_LIMIT,
    TEST_EVENT_TYPE,
    WATCH_EVENT_TYPES,
    attributes_of,
    cloud_event,
    cloud_event_of_test,
    credentials_cloud_event,
    credentials_subject,
    message_attributes,
    subject,
    watch_cloud_event,
)
from restore_watch.errors import NotificationPendingError, NotificationRefusedError
from restore_watch.model.credentials_expiry import CredentialsChange
from restore_watch.model.outage import WatchChange
from restore_watch.model.validation import Entry

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sns.type_defs import MessageAttributeValueTypeDef

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
