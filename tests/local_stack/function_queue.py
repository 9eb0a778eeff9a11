"""A queue that invokes a function, with a poller that does what Lambda's does."""

import json
from collections.abc import Mapping
from typing import Any

from local_stack.aws import REGION, AwsEmulator
from local_stack.bridge import Invoke

BATCH = 10
"""Messages of one invocation at most, as in template.yaml."""


class FunctionQueue:
    """moto's own poller delivers one record at a time and does not read `batchItemFailures`."""

    def __init__(self, aws: AwsEmulator, url: str, invoke: Invoke) -> None:
        self._sqs = aws.client("sqs")
        self._url = url
        self._invoke = invoke

    def send(self, *bodies: Any) -> None:
        for body in bodies:
            text = body if isinstance(body, str) else json.dumps(body)
            self._sqs.send_message(QueueUrl=self._url, MessageBody=text)

    def deliver(self) -> int:
        """
        Poll once, and return the size of the batch.

        Failed records, or all of an invocation that failed, are visible again at once instead of
        after the visibility timeout.
        """
        answer = self._sqs.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=BATCH,
            MessageSystemAttributeNames=["ApproximateReceiveCount"],
        )
        messages = answer.get("Messages", [])
        if not messages:
            return 0
        invocation = self._invoke({"Records": [_record(message) for message in messages]})
        result = invocation.payload if invocation.error_type is None else None
        failed = result and {one["itemIdentifier"] for one in result["batchItemFailures"]}
        for message in messages:
            handle = message["ReceiptHandle"]
            if failed is None or message["MessageId"] in failed:
                self._sqs.change_message_visibility(
                    QueueUrl=self._url, ReceiptHandle=handle, VisibilityTimeout=0
                )
            else:
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=handle)
        return len(messages)

    def bodies(self) -> list[str]:
        """Receive and return the bodies of its messages."""
        messages = self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=BATCH)
        return [message["Body"] for message in messages.get("Messages", [])]

    def waiting(self) -> int:
        """Return the number of messages, including those in flight."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=names)
        return sum(int(answer["Attributes"][name]) for name in names)


def sqs_record(message_id: str, body: str, number: int) -> dict[str, Any]:
    """What the functions read of a record. `number`: how often it was delivered by now."""
    return {
        "eventSource": "aws:sqs",
        "messageId": message_id,
        "body": body,
        "attributes": {"ApproximateReceiveCount": str(number)},
    }


def _record(message: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "messageAttributes": {},
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:{REGION}:123456789012:queue",
        "awsRegion": REGION,
    }
