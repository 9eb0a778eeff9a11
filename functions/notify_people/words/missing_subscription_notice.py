"""E-mail subscriptions that get nothing → the words about it. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from notify_people.severity_and_paging import Paging, Severity
from notify_people.words.notice import Notice, Step, known


class EmailOf(StrEnum):
    """What a topic sends by e-mail. Each has a subscription that is confirmed by itself."""

    NOTICES = "e-mail"
    ALARMS = "alarms"


@dataclass(frozen=True)
class EmailSubscriptions:
    """The numbers of a topic of e-mail, or the `problem` of a topic that SNS refuses."""

    of: EmailOf
    topic_arn: str
    confirmed: int = 0
    pending: int = 0
    problem: str | None = None

    @property
    def missing(self) -> int:
        """The number of subscriptions that get nothing; 1 if there is no subscription at all."""
        return max(self.pending, int(not self.confirmed))


def missing_subscription_notice(found: EmailSubscriptions, at: datetime, stack: str) -> Notice:
    """Return the notice, the same for a whole day. It pages nobody: an alarm is raised too."""
    is_of_alarms = found.of is EmailOf.ALARMS
    name = "alarms" if is_of_alarms else "email"
    return Notice(
        stack=stack,
        about=f"{name}/{stack}",
        order=at.toordinal(),
        thread=f"{name}-{stack}",
        change=None,
        event_type="email-missing",
        what="alarm subscription" if is_of_alarms else "e-mail subscription",
        outcome="missing",
        severity=Severity.ERROR,
        paging=Paging.NOTHING,
        title=_title(found),
        detail=(
            "SNS turns an e-mail subscription off that gets more than 10 messages in a second, and "
            "deletes one that is not confirmed for 48 hours."
        ),
        facts=known(
            {
                "Stack": stack,
                "Topic": found.topic_arn.rpartition(":")[2],
                "What failed": found.problem,
                "Confirmed": None if found.problem else str(found.confirmed),
                "Not confirmed": None if found.problem else str(found.pending),
            }
        ),
        steps=tuple(_steps(found)),
        at=at,
        source=f"/stacks/{stack}",
        keywords=(name,),
    )


def _title(found: EmailSubscriptions) -> str:
    if found.of is EmailOf.ALARMS:
        what, reaches, does_not_reach, its = "Alarms", "reach", "do not reach", "their"
    else:
        what, reaches, does_not_reach, its = "E-mail", "reaches", "does not reach", "its"
    if found.problem:
        return f"{what} may reach nobody: SNS does not show {its} topic"
    if found.confirmed:
        return f"{what} {does_not_reach} everybody: a subscription is not confirmed"
    why = f"{its} subscription is not confirmed" if found.pending else "nobody is subscribed"
    return f"{what} {reaches} nobody: {why}"


def _steps(found: EmailSubscriptions) -> Iterator[Step]:
    topic = f"--topic-arn {found.topic_arn}"
    if found.problem:
        yield Step("Repair the topic first, as the page Troubleshooting says of this error")
    yield Step(
        "See who is subscribed. PendingConfirmation stands for who has not confirmed",
        command=f"aws sns list-subscriptions-by-topic {topic}",
    )
    yield Step(
        "Subscribe each address again that is missing or not confirmed, and open the link that SNS "
        "sends to it",
        command=f"aws sns subscribe {topic} --protocol email --notification-endpoint <address>",
    )
