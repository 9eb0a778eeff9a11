"""The channels that are set up, and how a notice goes to each."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
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
    """The topics of chat and e-mail that the stack has."""

    client: "SNSClient"
    arns: Mapping[Channel, str]

    def publish(self, channel: Channel, deadline: Deadline, **message: str) -> None:
        """Raise ChannelRefusedError, ChannelUnavailableError or TimeBudgetExceededError."""
        publish, step = self.client.publish, f"publish to {channel}"
        self._call(channel, deadline, step, publish, "MessageId", **message)

    def email_subscriptions(self, deadline: Deadline) -> EmailSubscriptions:
        """Count the subscriptions of the topic of e-mail, unless SNS refuses that."""
        look, step = self.client.get_topic_attributes, "look at the topic of e-mail"
        arn = self.arns[Channel.EMAIL]
        try:
            found = self._call(Channel.EMAIL, deadline, step, look, "Attributes")["Attributes"]
        except ChannelRefusedError as error:
            return EmailSubscriptions(arn, problem=str(error))
        confirmed, pending = found["SubscriptionsConfirmed"], found["SubscriptionsPending"]
        return EmailSubscriptions(arn, int(confirmed), int(pending))

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
            arn = self.arns[channel]
            return aws_call(deadline, step, operation, required_field, TopicArn=arn, **parameters)
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
    pagerduty_base_url: str
    named: tuple[Channel, ...] | None

    def set_up(self, deadline: Deadline) -> tuple[list[Channel], NotifyPeopleError | None]:
        """
        Return the channels, the most urgent first.

        If the secret cannot be read: the channels that do not need the secret, and the error.
        """
        if self.named is not None:
            return list(self.named), None
        found = set(self.topics.arns)
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
            mail = digest(notices)
            self.topics.publish(channel, deadline, Message=mail.text, Subject=mail.subject)
            return
        (notice,) = notices
        if channel is Channel.CHAT:
            text = json.dumps(chat.custom_notification(notice))
            self.topics.publish(channel, deadline, Message=text)
            return
        address = value = self.secret.current(deadline).of(channel)
        bodies: Iterable[dict[str, Any]]
        match channel:
            case Channel.SLACK:
                bodies = [slack.webhook_message(notice)]
            case Channel.TEAMS:
                bodies = [teams.workflow_message(notice)]
            case Channel.PAGER:
                address = f"{self.pagerduty_base_url}/v2/enqueue"
                bodies = [{"routing_key": value} | event for event in pager.events(notice)]
        for body in bodies:
            self.webhooks.post(channel, address, body, deadline)
