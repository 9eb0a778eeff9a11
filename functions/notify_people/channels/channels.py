"""The channels that are set up, and how a notice goes to each."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from foundation.aws_call import AwsCallError, aws_call
from foundation.deadline import Deadline
from foundation.service import service
from notify_people.channels.channel import Channel
from notify_people.channels.secret import NotifySecret
from notify_people.channels.webhooks import Webhooks
from notify_people.errors import ChannelRefusedError, ChannelUnavailableError, NotifyPeopleError
from notify_people.forms import chat, pager, slack, teams
from notify_people.forms.mail import digest
from notify_people.words.email_notice import EmailSubscriptions
from notify_people.words.notice import Notice

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient


@service
class Topics:
    """The topics of chat and e-mail. Each gets its own form."""

    client: "SNSClient"

    def publish(
        self, channel: Channel, arn: str, text: str, deadline: Deadline, subject: str | None = None
    ) -> None:
        """Raise ChannelRefusedError, ChannelUnavailableError or TimeBudgetExceededError."""
        message = {"Message": text} | ({"Subject": subject} if subject else {})
        publish, step = self.client.publish, f"publish to {channel}"
        self._call(channel, deadline, step, publish, "MessageId", TopicArn=arn, **message)

    def email_subscriptions(self, arn: str, deadline: Deadline) -> EmailSubscriptions:
        """Count the subscriptions of the topic. Raises as `publish` does."""
        look, step = self.client.get_topic_attributes, "look at the topic of e-mail"
        answer = self._call(Channel.EMAIL, deadline, step, look, "Attributes", TopicArn=arn)
        found = answer["Attributes"]
        confirmed, pending = (
            int(found[f"Subscriptions{state}"]) for state in ("Confirmed", "Pending")
        )
        return EmailSubscriptions(arn, confirmed, pending)

    def _call(
        self,
        channel: Channel,
        deadline: Deadline,
        step: str,
        operation: Callable[..., Any],
        required_field: str,
        **parameters: str,
    ) -> Any:
        try:
            return aws_call(deadline, step, operation, required_field, **parameters)
        except AwsCallError as error:
            msg = f"{channel}: SNS {error}"
            if error.is_lasting:
                msg += ". Check that the topic exists and that the function may use it"
                raise ChannelRefusedError(msg) from None
            raise ChannelUnavailableError(msg, may_be_sent=not error.answer) from None


@service
class Channels:
    """Sends notices. `named` are the channels that the operator named, if any."""

    topics: Topics
    webhooks: Webhooks
    secret: NotifySecret
    topic_arns: Mapping[Channel, str]
    pagerduty_base_url: str
    named: tuple[Channel, ...] | None

    def set_up(self, deadline: Deadline) -> tuple[list[Channel], NotifyPeopleError | None]:
        """
        Return the channels, the most urgent first.

        If the secret cannot be read: the channels that do not need the secret, and the error.
        """
        if self.named is not None:
            return list(self.named), None
        found = set(self.topic_arns)
        problem = None
        try:
            found |= set(self.secret.current(deadline).values)
        except NotifyPeopleError as error:
            problem = error
        return [channel for channel in Channel if channel in found], problem

    def send(self, channel: Channel, notices: Sequence[Notice], deadline: Deadline) -> None:
        """
        Send the notices: several by e-mail, a single notice on any other channel.

        Raises ChannelError, SecretError or TimeBudgetExceededError.
        """
        if channel is Channel.EMAIL:
            made, arn = digest(notices), self.topic_arns[channel]
            self.topics.publish(channel, arn, made.text, deadline, made.subject)
            return
        (notice,) = notices
        if channel is Channel.CHAT:
            text = json.dumps(chat.custom_notification(notice))
            self.topics.publish(channel, self.topic_arns[channel], text, deadline)
            return
        value = self.secret.current(deadline).of(channel)
        match channel:
            case Channel.SLACK:
                self.webhooks.post(channel, value, slack.webhook_message(notice), deadline)
            case Channel.TEAMS:
                self.webhooks.post(channel, value, teams.workflow_message(notice), deadline)
            case Channel.PAGER:
                address = f"{self.pagerduty_base_url}/v2/enqueue"
                for event in pager.events(notice):
                    self.webhooks.post(channel, address, {"routing_key": value} | event, deadline)
