"""One invocation: a batch of messages for people, or a look at the subscriptions of e-mail."""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from foundation.deadline import Deadline
from foundation.service import service
from notify_people.channels.channel import Channel
from notify_people.channels.channels import Topics
from notify_people.errors import ChannelRefusedError
from notify_people.notifier import Entry, Notifier
from notify_people.telemetry import Telemetry
from notify_people.words.email_notice import EmailSubscriptions, email_notice


@service
class Application:
    """Answers invocations by the queue and by the schedule. `now` gives Unix seconds."""

    notifier: Notifier
    topics: Topics
    email_topic: str | None
    telemetry: Telemetry
    stack: str
    now: Callable[[], float] = time.time

    def answer(self, event: Mapping[str, Any], deadline: Deadline) -> Mapping[str, Any]:
        """Return the result of the invocation, plain JSON."""
        if event.get("action") == "check-email":
            return self._check_email(deadline)
        return self.notifier.answer(event["Records"], deadline)

    def _check_email(self, deadline: Deadline) -> Mapping[str, int]:
        """
        Return the numbers of subscriptions that are confirmed and that are not.

        A subscription was perhaps never confirmed, or SNS has turned it off, or it is gone: SNS
        takes messages for nobody without an error. The metric raises an alarm; a notice goes to the
        other channels, once a day. Raises ChannelUnavailableError if SNS does not answer, so that
        Lambda tries again.
        """
        if self.email_topic is None:
            return {}
        problem = None
        try:
            found = self.topics.email_subscriptions(self.email_topic, deadline)
        except ChannelRefusedError as error:
            found, problem = EmailSubscriptions(self.email_topic), str(error)
        self.telemetry.count_subscriptions(found.confirmed, found.pending, found.missing)
        if found.missing:
            at = datetime.fromtimestamp(self.now(), UTC)
            entry = Entry(email_notice(found, problem, at, self.stack))
            self.notifier.send([entry], deadline, without=Channel.EMAIL)
        return {"confirmed": found.confirmed, "pending": found.pending}
