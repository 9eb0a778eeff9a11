"""Diagnoses a stack by calls that its functions may not make. Changes nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from operate.aws import Aws
from operate.dead_letters_diagnosis import DeadLettersDiagnosis
from operate.deployed_stack import DeployedStack
from operate.gone import line_even_if_gone
from operate.key_policy import KeyPolicy
from operate.people_diagnosis import PeopleDiagnosis
from restore_watch.diagnosis.aws_fixes import MAKE_TOPIC_AGAIN
from restore_watch.diagnosis.line import Line, bad, good


@dataclass(frozen=True)
class StackDiagnosis:
    """Looks at the policy of a customer managed key, the way to people, and for dead letters."""

    aws: Aws
    stack: DeployedStack

    def lines(self) -> Iterator[Line]:
        """Yield a line for each check; without an answer, its result is unknown."""
        yield from KeyPolicy(self.aws, self.stack).lines()
        if "NoticeQueueArn" in self.stack.outputs:
            yield from PeopleDiagnosis(self.aws, self.stack).lines()
        if "AlarmEmailTopicArn" in self.stack.outputs:
            yield line_even_if_gone(
                "alarms: subscriptions", self._hearers_of_alarms, MAKE_TOPIC_AGAIN
            )
        yield from DeadLettersDiagnosis(self.aws, self.stack).lines()

    def _hearers_of_alarms(self, check: str) -> Line:
        """Count the subscriptions of the topic by which CloudWatch mails alarms."""
        topic = self.stack.output("AlarmEmailTopicArn")
        pages = self.aws.pages(
            "sns", "list_subscriptions_by_topic", "Subscriptions", TopicArn=topic
        )
        arns = [str(entry.get("SubscriptionArn")) for entry in chain.from_iterable(pages)]
        confirmed = sum(arn.startswith("arn:") for arn in arns)
        waiting = arns.count("PendingConfirmation")
        found = f"{confirmed} confirmed, {waiting} not confirmed"
        if confirmed and not waiting:
            return good(check, found)
        fix = (
            "Open the link in the e-mail of SNS about alarms. If it is older than two days, "
            "subscribe again:\n"
            f"aws sns subscribe --topic-arn {topic} --protocol email "
            "--notification-endpoint <address>"
        )
        return bad(check, found, fix)
