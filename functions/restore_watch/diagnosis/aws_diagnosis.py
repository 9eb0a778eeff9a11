"""Diagnoses the secret, the topics and the schedule by AWS's answers. Changes nothing."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from foundation.aws_call import AwsCallError, aws_call
from foundation.deadline import Deadline
from foundation.errors import TimeBudgetExceededError
from restore_watch.atlas.credentials import STORE_AS_API_KEY, Credentials, ServiceAccount
from restore_watch.aws.atlas_secret import read_credentials, secret_elsewhere
from restore_watch.diagnosis.aws_fixes import (
    KEY_FIXES,
    PEOPLE_TOPIC_FIXES,
    SCHEDULE_FIXES,
    SECRET_FIXES,
    TOPIC_FIXES,
    give_again,
    is_denied,
    is_passing,
)
from restore_watch.diagnosis.line import Line, bad, good, unsure
from restore_watch.errors import CredentialsError
from restore_watch.model.advice_on_errors import fix_of
from restore_watch.settings import Settings

SCHEDULE_NAME = "sweep"


@dataclass(frozen=True)
class AwsDiagnosis:
    """Asks AWS about the parts of a stack."""

    settings: Settings
    client: Callable[[str], Any]
    deadline: Deadline

    def secret(self) -> tuple[Line, Credentials | None]:
        """Read the secret anew, past the cache. Return its credentials too, if it has any."""
        name = self.settings.atlas_secret_id
        try:
            answer = self._ask("secretsmanager", "get_secret_value", "ARN", SecretId=name)
        except AwsCallError as error:
            return self._line_of_refused_secret(name, error), None
        except TimeBudgetExceededError as error:
            return SECRET_FIXES.line("secret", error), None
        try:
            credentials = read_credentials(answer.get("SecretString"))
        except CredentialsError as error:
            return bad("secret", str(error), fix_of(error)), None
        return _line_about_credentials(credentials), credentials

    def _line_of_refused_secret(self, name: str, error: AwsCallError) -> Line:
        region = self.client("secretsmanager").meta.region_name
        elsewhere = secret_elsewhere(name, region)
        if elsewhere is None or not error.is_lasting:
            return SECRET_FIXES.line("secret", error)
        fix = (
            f"Store the credentials as a secret in {region}, and set AtlasSecretArn to the "
            "ARN that aws secretsmanager describe-secret prints there"
        )
        return bad("secret", f"Secrets Manager {error}; {elsewhere}", fix)

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

    def schedule(self) -> tuple[Line, timedelta | None]:
        """Look whether the schedule is enabled. Return the time between two sweeps, if known."""
        group = self.settings.schedule_group
        try:
            answer = self._ask(
                "scheduler", "get_schedule", "State", GroupName=group, Name=SCHEDULE_NAME
            )
        except (AwsCallError, TimeBudgetExceededError) as error:
            return SCHEDULE_FIXES.line("schedule", error), None
        if answer["State"] == "ENABLED":
            expression = str(answer.get("ScheduleExpression", ""))
            return good("schedule", f"is enabled: {expression}"), _period(expression)
        fix = (
            f"Enable the schedule {SCHEDULE_NAME} of the group {group} in the console of "
            "EventBridge Scheduler, or deploy the stack again with another SweepMinutes"
        )
        return bad("schedule", "is disabled", fix), None

    def _topic(self, check: str, arn: str, keys: set[str]) -> Iterator[Line]:
        """Look at a topic, and at its key unless that is among the `keys` looked at already."""
        attributes = self._ask("sns", "get_topic_attributes", "Attributes", TopicArn=arn)[
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
            self._ask("sns", "publish_batch", "ResponseMetadata", **batch)
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
        answer = self._ask("sns", "list_subscriptions_by_topic", "Subscriptions", TopicArn=arn)
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
        state = self._ask("kms", "describe_key", "KeyMetadata", KeyId=key)["KeyMetadata"].get(
            "KeyState"
        )
        if state == "Enabled":
            yield good(check, "is enabled")
        else:
            fix = f"Enable the key {key} in KMS, or cancel its deletion"
            yield bad(check, f"is in the state {state}", fix)

    def _ask(self, service: str, operation: str, required_field: str, **parameters: Any) -> Any:
        call, deadline = getattr(self.client(service), operation), self.deadline.within(6.0)
        return aws_call(deadline, f"ask {service}", call, required_field, **parameters)


def _line_about_credentials(credentials: Credentials) -> Line:
    if not isinstance(credentials, ServiceAccount):
        return good("secret", "holds an API key")
    if credentials.may_be_api_key:
        found = "holds client_id and client_secret, which may be the keys of an API key"
        return unsure("secret", found, STORE_AS_API_KEY)
    return good("secret", "holds a service account")


def _period(expression: str) -> timedelta | None:
    """Return the time between two sweeps. A cron expression does not show it."""
    minutes = re.fullmatch(r"rate\((\d+) minutes?\)", expression)
    return timedelta(minutes=int(minutes[1])) if minutes else None
