"""E-mail subscriptions that get nothing → the words about it. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from notify_people.severity_and_alerts import Paging, Severity
from notify_people.words.notice import Notice, Step, known


@dataclass(frozen=True)
class EmailSubscriptions:
    """The numbers of a topic of e-mail, or the `problem` of a topic that SNS refuses."""

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
    return Notice(
        stack=stack,
        subject=f"email/{stack}",
        order=at.toordinal(),
        thread=f"email-{stack}",
        change=None,
        event_type="email-missing",
        what="e-mail subscription",
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
        keywords=("email",),
    )


def _title(found: EmailSubscriptions) -> str:
    if found.problem:
        return "E-mail may reach nobody: SNS does not show its topic"
    if found.confirmed:
        return "E-mail does not reach everybody: a subscription is not confirmed"
    why = "its subscription is not confirmed" if found.pending else "nobody is subscribed"
    return f"E-mail reaches nobody: {why}"


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
