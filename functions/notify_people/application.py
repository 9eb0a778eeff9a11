"""One invocation: a batch of messages for people, or a look at the subscriptions of e-mail."""

from collections.abc import Mapping
from typing import Any

from foundation.deadline import Deadline
from foundation.service import service
from notify_people.email_check import EmailCheck
from notify_people.notifier import Notifier


@service
class Application:
    """Answers invocations by the queue and by the schedule."""

    notifier: Notifier
    email_check: EmailCheck

    def answer(self, event: Mapping[str, Any], deadline: Deadline) -> Mapping[str, Any]:
        """Return the result of the invocation, plain JSON."""
        if event.get("action") == "check-email":
            return self.email_check.answer(deadline)
        return self.notifier.answer(event["Records"], deadline)
