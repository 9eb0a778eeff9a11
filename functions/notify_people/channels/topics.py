"""The SNS topics of chat and e-mail. There are two, because each reads another form."""

from typing import TYPE_CHECKING

from foundation.aws_call import AwsCallError, aws_call
from foundation.deadline import Deadline
from notify_people.channels.channel import Channel
from notify_people.errors import ChannelRefusedError, ChannelUnavailableError

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient


class Topics:
    """Publishes to SNS."""

    def __init__(self, client: "SNSClient") -> None:
        self._client = client

    def publish(
        self, channel: Channel, arn: str, text: str, deadline: Deadline, subject: str | None = None
    ) -> None:
        """
        Publish a text.

        Raises ChannelRefusedError, ChannelUnavailableError, or TimeBudgetExceededError when too
        little time is left to begin.
        """
        with_subject = {"Subject": subject} if subject else {}
        try:
            aws_call(
                deadline,
                f"publish to {channel}",
                self._client.publish,
                "MessageId",
                TopicArn=arn,
                Message=text,
                **with_subject,
            )
        except AwsCallError as error:
            msg = f"{channel}: SNS {error}"
            if error.is_lasting:
                msg += ". Check that the topic exists and that the function may publish to it"
                raise ChannelRefusedError(msg) from None
            raise ChannelUnavailableError(msg, may_be_sent=not error.answer) from None
