"""The channels that are set up, and how a notice goes to each: by a topic or by HTTPS."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from foundation.aws_call import AwsCallError, aws_call
from foundation.deadline import Deadline
from notify_people.channels.channel import Channel
from notify_people.channels.notify_secret import NotifySecret
from notify_people.channels.webhooks import Webhooks
from notify_people.errors import ChannelRefusedError, ChannelUnavailableError, NotifyPeopleError
from notify_people.forms.chat import chat_message
from notify_people.forms.mail import mail
from notify_people.forms.pagerduty import pagerduty_events
from notify_people.forms.slack import slack_message
from notify_people.forms.teams import teams_message
from notify_people.words.missing_subscription_notice import EmailOf, EmailSubscriptions
from notify_people.words.notice import Notice

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient


@dataclass(frozen=True)
class Channels:
    """
    Sends notices, and looks who gets them by e-mail.

    `alarm_topic_arn`: the topic by which CloudWatch mails alarms, if the stack has it.
    `named`: the channels that the operator named, if any.
    """

    sns: "SNSClient"
    topic_arns: Mapping[Channel, str]
    alarm_topic_arn: str | None
    webhooks: Webhooks
    secret: NotifySecret
    named: tuple[Channel, ...] | None

    def set_up(self, deadline: Deadline) -> tuple[list[Channel], NotifyPeopleError | None]:
        """Return the channels. If the secret cannot be read: those without it, and the error."""
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
        """Send a notice, or several by e-mail. Raises ChannelError or SecretError."""
        if channel is Channel.EMAIL:
            subject, text = mail(notices)
            self._publish(channel, deadline, Message=text, Subject=subject)
            return
        (notice,) = notices
        match channel:
            case Channel.CHAT:
                self._publish(channel, deadline, Message=json.dumps(chat_message(notice)))
            case Channel.SLACK:
                self._post(channel, slack_message(notice), deadline)
            case Channel.TEAMS:
                self._post(channel, teams_message(notice), deadline)
            case Channel.PAGER:
                self._page(notice, deadline)

    def _post(self, channel: Channel, body: Mapping[str, Any], deadline: Deadline) -> None:
        address = self.secret.current(deadline).of(channel)
        self.webhooks.post(channel, address, body, deadline)

    def _page(self, notice: Notice, deadline: Deadline) -> None:
        secret = self.secret.current(deadline)
        routing_key = secret.of(Channel.PAGER)
        address = f"{secret.pagerduty_url}/v2/enqueue"
        for event in pagerduty_events(notice):
            body = {"routing_key": routing_key, **event}
            self.webhooks.post(Channel.PAGER, address, body, deadline)

    def email_subscriptions(self, deadline: Deadline) -> list[EmailSubscriptions]:
        """Count the subscriptions of each topic that sends e-mail, if it is there."""
        topics = (
            (EmailOf.NOTICES, self.topic_arns.get(Channel.EMAIL)),
            (EmailOf.ALARMS, self.alarm_topic_arn),
        )
        return [self._subscriptions(of, arn, deadline) for of, arn in topics if arn is not None]

    def _subscriptions(self, of: EmailOf, arn: str, deadline: Deadline) -> EmailSubscriptions:
        """Raise ChannelUnavailableError if SNS does not answer."""
        look, step = self.sns.get_topic_attributes, f"look at the topic of {of}"
        try:
            answer = self._call("email", arn, deadline, step, look, "Attributes")
        except ChannelRefusedError as error:
            return EmailSubscriptions(of, arn, problem=str(error))
        found = answer["Attributes"]
        confirmed, pending = found["SubscriptionsConfirmed"], found["SubscriptionsPending"]
        return EmailSubscriptions(of, arn, int(confirmed), int(pending))

    def _publish(self, channel: Channel, deadline: Deadline, **message: str) -> None:
        publish, step = self.sns.publish, f"publish to {channel}"
        arn = self.topic_arns[channel]
        self._call(channel, arn, deadline, step, publish, "MessageId", **message)

    def _call(
        self,
        channel: str,
        arn: str,
        deadline: Deadline,
        step: str,
        operation: Callable[..., Any],
        required_field: str,
        **parameters: str,
    ) -> Any:
        try:
            return aws_call(deadline, step, operation, required_field, TopicArn=arn, **parameters)
        except AwsCallError as error:
            msg = f"{channel}: SNS {error}"
            if error.is_lasting:
                msg += ". Check that the topic exists and that the function may use it"
                raise ChannelRefusedError(msg) from None
            raise ChannelUnavailableError(msg, may_be_sent=not error.answer) from None
