"""Looks whether e-mail reaches somebody: SNS takes messages for nobody without an error."""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from foundation.deadline import Deadline
from foundation.service import service
from notify_people.channels.channel import Channel
from notify_people.channels.channels import Topics
from notify_people.delivery import Entry
from notify_people.errors import ChannelRefusedError
from notify_people.notifier import Notifier
from notify_people.telemetry import Telemetry
from notify_people.words.email_notice import EmailSubscriptions, email_notice


@service
class EmailCheck:
    """
    Notices a subscription that was never confirmed, that SNS has turned off, or that is gone.

    The metric raises an alarm; a notice goes to the other channels, once a day. `now` gives Unix
    seconds.
    """

    topics: Topics
    topic_arn: str | None
    notifier: Notifier
    telemetry: Telemetry
    stack: str
    now: Callable[[], float] = time.time

    def answer(self, deadline: Deadline) -> Mapping[str, int]:
        """
        Return the number of subscriptions that are confirmed, and of those that are not.

        Raises ChannelUnavailableError if SNS does not answer, so that Lambda tries again.
        """
        if self.topic_arn is None:
            return {}
        problem = None
        try:
            found = self.topics.email_subscriptions(self.topic_arn, deadline)
        except ChannelRefusedError as error:
            found, problem = EmailSubscriptions(self.topic_arn), str(error)
        self.telemetry.email_checked(found.confirmed, found.pending, found.missing)
        if found.missing:
            at = datetime.fromtimestamp(self.now(), UTC)
            entry = Entry(email_notice(found, problem, at, self.stack))
            self.notifier.send([entry], deadline, without=Channel.EMAIL)
        return {"confirmed": found.confirmed, "pending": found.pending}
