"""Diagnoses the secret, the topics and the schedule by AWS's answers. Changes nothing."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from foundation.aws_call import AwsCallError, aws_call
from foundation.deadline import Deadline
from foundation.errors import TimeBudgetExceededError
from restore_watch.atlas.credentials import Credentials, ServiceAccount
from restore_watch.aws.atlas_secret import read_credentials
from restore_watch.diagnosis.aws_fixes import (
    DENIED,
    KEY_FIXES,
    MAKE_TOPIC_AGAIN,
    PEOPLE_TOPIC_FIXES,
    SCHEDULE_FIXES,
    SECRET_FIXES,
    TOPIC_FIXES,
    AwsFixes,
    is_passing,
)
from restore_watch.diagnosis.line import Line, bad, good, unsure
from restore_watch.errors import CredentialsError
from restore_watch.model.fixes import fix_of
from restore_watch.settings import Settings

SCHEDULE_NAME = "sweep"

_TIME = 6.0
"""Seconds that one call may take."""

_STATEMENT = "DenyWithoutTls"
"""The policy of the stack's topic has it. The policy that SNS gives to a new topic has not."""

_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")


class AwsDiagnosis:
    """Asks AWS with the function's own role. `client` makes a boto3 client of a service."""

    def __init__(self, settings: Settings, client: Callable[[str], Any]) -> None:
        self._settings = settings
        self._client = client

    def secret(self, deadline: Deadline) -> tuple[Line, Credentials | None]:
        """Read the secret anew, past the cache."""
        try:
            answer = self._call(
                deadline,
                "secretsmanager",
                "get_secret_value",
                "ARN",
                SecretId=self._settings.atlas_secret_id,
            )
            credentials = read_credentials(answer.get("SecretString"))
        except CredentialsError as error:
            return bad("secret", str(error), fix_of(error)), None
        except (AwsCallError, TimeBudgetExceededError) as error:
            return _refused("secret", error, SECRET_FIXES), None
        is_account = isinstance(credentials, ServiceAccount)
        kind = "a service account" if is_account else "an API key"
        return good("secret", f"holds {kind}"), credentials

    def topics(self, deadline: Deadline) -> Iterator[Line]:
        """Look at the topics, their subscriptions and their key."""
        topics = {
            "topic": self._settings.topic_arn,
            "e-mail topic": self._settings.email_topic_arn,
            "chat topic": self._settings.chat_topic_arn,
        }
        keys: set[str] = set()
        for check, arn in topics.items():
            if not arn:
                continue
            try:
                attributes = self._call(
                    deadline, "sns", "get_topic_attributes", "Attributes", TopicArn=arn
                )["Attributes"]
            except (AwsCallError, TimeBudgetExceededError) as error:
                fixes = TOPIC_FIXES if check == "topic" else PEOPLE_TOPIC_FIXES
                yield _refused(check, error, fixes)
                if not isinstance(error, AwsCallError) or not error.answer:
                    return  # and SNS does not answer about the others
                continue
            yield from _form(check, attributes)
            key = attributes.get("KmsMasterKeyId", "")
            if key not in keys:
                yield from self._key(check, key, deadline)
                keys.add(key)
            if check == "topic":
                yield self._publishing(arn, deadline)
            yield self._subscriptions(f"subscriptions of the {check}", arn, deadline)

    def schedule(self, deadline: Deadline) -> tuple[Line, timedelta | None]:
        """Look whether the schedule is there and enabled. Return its period too, if known."""
        group = self._settings.schedule_group
        if not group:
            found = "SCHEDULE_GROUP is not set, so the schedule cannot be looked at"
            return unsure("schedule", found), None
        try:
            answer = self._call(
                deadline,
                "scheduler",
                "get_schedule",
                "State",
                GroupName=group,
                Name=SCHEDULE_NAME,
            )
        except (AwsCallError, TimeBudgetExceededError) as error:
            return _refused("schedule", error, SCHEDULE_FIXES), None
        expression = str(answer.get("ScheduleExpression", ""))
        if answer["State"] != "ENABLED":
            fix = (
                f"Enable the schedule {SCHEDULE_NAME} of the group {group} in the console of "
                "EventBridge Scheduler, or deploy the stack again with another ScheduleExpression"
            )
            return bad("schedule", "is disabled", fix), None
        return good("schedule", f"is enabled: {expression}"), _period(expression)

    def _publishing(self, arn: str, deadline: Deadline) -> Line:
        """
        Ask SNS to publish a batch of no messages. There is nothing that could reach anybody.

        AWS does not say whether it looks at the permission before the batch. So a refusal is
        believed, and nothing else proves anything.
        """
        try:
            self._call(
                deadline,
                "sns",
                "publish_batch",
                "ResponseMetadata",
                TopicArn=arn,
                PublishBatchRequestEntries=[],
            )
        except AwsCallError as error:
            if error.code in DENIED or error.code.startswith("KMS") or is_passing(error.code):
                return _refused("publishing", error, TOPIC_FIXES)
        except TimeBudgetExceededError as error:
            return unsure("publishing", str(error))
        return unsure(
            "publishing",
            "not refused. Only a message proves that SNS takes and encrypts it",
            "Send a test notification:\n"
            "aws lambda invoke --function-name <FunctionName> --cli-binary-format "
            """raw-in-base64-out --payload '{"action": "test-notification"}' result.json""",
        )

    def _subscriptions(self, check: str, arn: str, deadline: Deadline) -> Line:
        """Count the first hundred subscriptions, confirmed and not."""
        try:
            listed = self._call(
                deadline, "sns", "list_subscriptions_by_topic", "Subscriptions", TopicArn=arn
            )["Subscriptions"]
        except (AwsCallError, TimeBudgetExceededError) as error:
            return _refused(check, error, TOPIC_FIXES)
        arns = [str(one.get("SubscriptionArn")) for one in listed]
        confirmed = sum(one.startswith("arn:") for one in arns)
        waiting = arns.count("PendingConfirmation")
        found = f"{confirmed} confirmed, {waiting} not confirmed"
        if waiting:
            return bad(
                check,
                found,
                "Confirm the subscription with the link that SNS has sent. If it is older than "
                "two days, subscribe again",
            )
        return good(check, found) if confirmed else bad(check, found, self._how_to_subscribe(arn))

    def _how_to_subscribe(self, arn: str) -> str:
        if arn == self._settings.chat_topic_arn:
            return "Add the topic to the channel's configuration in Amazon Q Developer"
        command = (
            f"aws sns subscribe --topic-arn {arn} --protocol email "
            "--notification-endpoint <address>"
        )
        if arn == self._settings.topic_arn:
            return f"Set NotifyEmail, NotifyChat or NotifySecretArn, or subscribe:\n{command}"
        return f"Subscribe again:\n{command}"

    def _key(self, check: str, key: str, deadline: Deadline) -> Iterator[Line]:
        """Look at the customer managed key of a topic. An alias is a key of AWS."""
        if "key/" not in key:
            return
        check = f"key of the {check}"
        try:
            state = self._call(deadline, "kms", "describe_key", "KeyMetadata", KeyId=key)[
                "KeyMetadata"
            ].get("KeyState")
        except (AwsCallError, TimeBudgetExceededError) as error:
            yield _refused(check, error, KEY_FIXES)
            return
        if state == "Enabled":
            yield good(check, "is enabled")
        else:
            fix = f"Enable the key {key} in KMS, or cancel its deletion"
            yield bad(check, f"is in the state {state}", fix)

    def _call(
        self, deadline: Deadline, service: str, operation: str, field: str, **parameters: Any
    ) -> Any:
        call = getattr(self._client(service), operation)
        return aws_call(deadline.within(_TIME), f"ask {service}", call, field, **parameters)


def _refused(check: str, error: Exception, fixes: AwsFixes) -> Line:
    if not isinstance(error, AwsCallError):
        return unsure(check, str(error))
    code = error.code if error.answer else None
    return fixes.line(check, code, f"{fixes.service} {error}")


def _form(check: str, attributes: Mapping[str, str]) -> Iterator[Line]:
    """Yield a line about a topic that somebody has made again by hand, without all of its parts."""
    lacking = [] if attributes.get("KmsMasterKeyId") else ["key"]
    if check == "topic" and _STATEMENT not in attributes.get("Policy", ""):
        lacking.append("policy")
    if lacking:
        found = f"lacks the {' and the '.join(lacking)} that the stack gave it"
        yield bad(check, found, MAKE_TOPIC_AGAIN)


def _period(expression: str) -> timedelta | None:
    match = _RATE.fullmatch(expression)
    return timedelta(**{f"{match[2]}s": int(match[1])}) if match else None
