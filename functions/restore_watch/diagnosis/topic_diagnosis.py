"""Diagnoses the topics, their subscriptions and their keys by AWS's answers. Changes nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from foundation.aws_call import AwsCallError
from foundation.errors import TimeBudgetExceededError
from restore_watch.diagnosis.aws_fixes import (
    KEY_FIXES,
    PEOPLE_TOPIC_FIXES,
    TOPIC_FIXES,
    give_again,
    is_denied,
    is_passing,
)
from restore_watch.diagnosis.aws_questions import AwsQuestions
from restore_watch.diagnosis.line import Line, bad, good, unsure
from restore_watch.settings import Settings


@dataclass(frozen=True)
class TopicDiagnosis:
    """Asks SNS and KMS about the topics of a stack."""

    settings: Settings
    aws: AwsQuestions

    def topics(self) -> Iterator[Line]:
        """Look at the topics, their subscriptions and their keys."""
        topics = (
            ("topic", self.settings.topic_arn, TOPIC_FIXES),
            ("e-mail topic", self.settings.email_topic_arn, PEOPLE_TOPIC_FIXES),
            ("chat topic", self.settings.chat_topic_arn, PEOPLE_TOPIC_FIXES),
        )
        keys: set[str] = set()
        for check, arn, fixes in topics:
            try:
                if arn:
                    yield from self._topic(check, arn, keys)
            except (AwsCallError, TimeBudgetExceededError) as error:
                yield fixes.line(check, error)
                if not isinstance(error, AwsCallError) or not error.answer:
                    return  # and SNS does not answer about the others

    def _topic(self, check: str, arn: str, keys: set[str]) -> Iterator[Line]:
        """Look at a topic, and at its key unless that is among the `keys` looked at already."""
        attributes = self.aws.ask("sns", "get_topic_attributes", "Attributes", TopicArn=arn)[
            "Attributes"
        ]
        # Somebody who has made a topic again by hand may have left parts of it out.
        lacking = [] if attributes.get("KmsMasterKeyId") else ["key"]
        # The policy that SNS gives to a new topic has no such statement.
        if check == "topic" and "DenyWithoutTls" not in attributes.get("Policy", ""):
            lacking.append("policy")
        if lacking:
            found = f"lacks the {' and the '.join(lacking)} that the stack gave it"
            yield bad(check, found, give_again(arn, lacking))
        key = attributes.get("KmsMasterKeyId", "")
        # An alias is a key of AWS.
        if "key/" in key and key not in keys:
            keys.add(key)
            name = f"key of the {check}"
            yield from KEY_FIXES.ended(name, self._key(name, key))
        if check == "topic":
            yield from TOPIC_FIXES.ended("publishing", self._publishing(arn))
        name = f"subscriptions of the {check}"
        yield from TOPIC_FIXES.ended(name, self._subscriptions(name, arn))

    def _publishing(self, arn: str) -> Iterator[Line]:
        """
        Ask SNS to publish a batch of no messages. There is nothing that could reach anybody.

        AWS does not say whether it looks at the permission before the batch. So a refusal is
        believed, and nothing else proves anything.
        """
        try:
            batch: Any = {"TopicArn": arn, "PublishBatchRequestEntries": []}
            self.aws.ask("sns", "publish_batch", "ResponseMetadata", **batch)
        except AwsCallError as error:
            if is_denied(error.code) or is_passing(error.code):
                raise
        yield unsure(
            "publishing",
            "not refused. Only a message proves that SNS takes and encrypts it",
            "Send a test notification:\n"
            "aws lambda invoke --function-name <FunctionName> --cli-binary-format "
            """raw-in-base64-out --payload '{"action": "test-notification"}' result.json""",
        )

    def _subscriptions(self, check: str, arn: str) -> Iterator[Line]:
        """Count the first hundred subscriptions, confirmed and not."""
        answer = self.aws.ask("sns", "list_subscriptions_by_topic", "Subscriptions", TopicArn=arn)
        arns = [str(entry.get("SubscriptionArn")) for entry in answer["Subscriptions"]]
        confirmed = sum(arn.startswith("arn:") for arn in arns)
        waiting = arns.count("PendingConfirmation")
        found = f"{confirmed} confirmed, {waiting} not confirmed"
        if waiting:
            fix = (
                "Confirm the subscription with the link that SNS has sent. If it is older than "
                "two days, subscribe again"
            )
            yield bad(check, found, fix)
        elif confirmed:
            yield good(check, found)
        else:
            yield bad(check, found, self._how_to_subscribe(arn))

    def _how_to_subscribe(self, arn: str) -> str:
        if arn == self.settings.chat_topic_arn:
            return "Add the topic to the channel's configuration in Amazon Q Developer"
        command = (
            f"aws sns subscribe --topic-arn {arn} --protocol email "
            "--notification-endpoint <address>"
        )
        if arn == self.settings.topic_arn:
            return f"Set NotifyEmail, NotifyChat or NotifySecretArn, or subscribe:\n{command}"
        return f"Subscribe again:\n{command}"

    def _key(self, check: str, key: str) -> Iterator[Line]:
        state = self.aws.ask("kms", "describe_key", "KeyMetadata", KeyId=key)["KeyMetadata"].get(
            "KeyState"
        )
        if state == "Enabled":
            yield good(check, "is enabled")
        else:
            fix = f"Enable the key {key} in KMS, or cancel its deletion"
            yield bad(check, f"is in the state {state}", fix)
