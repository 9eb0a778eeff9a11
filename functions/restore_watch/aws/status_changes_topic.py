"""The topic that changes are published to."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from foundation.aws_call import AwsCallError, aws_call
from foundation.deadline import Deadline
from foundation.errors import ApplicationError
from restore_watch.aws.message import Message
from restore_watch.aws.restore_messages import message_of_test
from restore_watch.errors import (
    NotificationPendingError,
    NotificationRefusedError,
)

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

SUBJECT_LIMIT = 99
"""SNS takes subjects of fewer than 100 characters; a stack's name may have 128."""


@dataclass(frozen=True)
class StatusChangesTopic:
    """
    Publishes messages. Messages about the stack have its `stack_name`.

    Its methods return SNS's message id. When SNS refuses or does not answer, they raise
    NotificationPendingError, or NotificationRefusedError for a test.
    """

    client: "SNSClient"
    arn: str
    stack_name: str = "atlas-restore-watch"

    def publish(
        self,
        message: Message,
        deadline: Deadline,
        outcome: str = "the change is stored and will be published",
        error: type[ApplicationError] = NotificationPendingError,
    ) -> str:
        """Publish a message. `outcome`: what becomes of it if SNS does not take it."""
        try:
            answer = aws_call(
                deadline,
                "publish",
                self.client.publish,
                "MessageId",
                TopicArn=self.arn,
                Subject=message.subject[:SUBJECT_LIMIT],
                Message=json.dumps(message.event),
                MessageAttributes=message.sns_attributes,
            )
        except AwsCallError as refusal:
            raise error(f"SNS {refusal}; {outcome}") from None
        return str(answer["MessageId"])

    def publish_test(self, requested_at: datetime, deadline: Deadline) -> str:
        """Publish a test notification."""
        message = message_of_test(self.stack_name, requested_at)
        outcome = "no test notification was sent"
        return self.publish(message, deadline, outcome, NotificationRefusedError)
