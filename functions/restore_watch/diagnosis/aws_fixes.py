"""Advice about refusals of AWS. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from foundation.aws_call import AwsCallError
from foundation.errors import ApplicationError
from restore_watch.diagnosis.line import Line, bad, unread
from restore_watch.errors import TableUnavailableError

DENIED = {"AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation"}
GONE = {
    "AWS.SimpleQueueService.NonExistentQueue",
    "NotFound",
    "NotFoundException",
    "QueueDoesNotExist",
    "ResourceNotFoundException",
}

_LIMITED = re.compile(
    "Throttl|TooManyRequests|LimitExceeded|ThroughputExceeded|ServiceUnavailable|Internal"
)


@dataclass(frozen=True)
class AwsFixes:
    """Advice if a service of AWS has no such thing, refuses, or answers with another code."""

    service: str
    gone: str
    denied: str
    others: Mapping[str, str] = field(default_factory=dict)
    endpoint: str = "an interface endpoint"

    def line(self, check: str, error: Exception) -> Line:
        """Return the line about a check that has ended with this error."""
        match error:
            case AwsCallError():
                code = error.code if error.answer else None
                found = f"{self.service} {error}"
            case TableUnavailableError():
                code, found = error.code, str(error)
            case _:
                return unread(check, str(error))
        if is_passing(code):
            again = "Diagnose again in a minute: AWS limits the rate, or has a problem"
            return unread(check, found, again)
        return bad(check, found, self._fix(code))

    def ended(self, check: str, lines: Iterator[Line]) -> Iterator[Line]:
        """Yield the lines of a check. If AWS refuses or does not answer, that is the last line."""
        try:
            yield from lines
        except (AwsCallError, ApplicationError) as error:
            yield self.line(check, error)

    def _fix(self, code: str | None) -> str:
        if code is None:
            return (
                f"A function in a VPC needs subnets with a route to {self.service}: a NAT gateway "
                f"or {self.endpoint}, and security groups that allow outgoing HTTPS (443). Outside "
                "a VPC, try again"
            )
        if code in self.others:
            return self.others[code]
        if code in GONE:
            return self.gone
        where = "the page Troubleshooting, or in AWS's documentation of the service"
        return self.denied if is_denied(code) else f"Look for this code on {where}"


def is_denied(code: str) -> bool:
    """Whether a policy refuses, the policy of a key included."""
    return code in DENIED or code.startswith("KMS")


def is_passing(code: str | None) -> bool:
    """Whether AWS limits the rate, or has a problem: that says nothing of the stack."""
    return code is not None and bool(_LIMITED.search(code))


_ARN = "Set AtlasSecretArn to the ARN that aws secretsmanager describe-secret prints"

SECRET_FIXES = AwsFixes(
    "Secrets Manager",
    gone=_ARN,
    denied=(
        f"{_ARN}. If the secret has a customer managed key, allow the function's role kms:Decrypt "
        "in the policy of the key"
    ),
    others={
        "InvalidRequestException": (
            "The secret is marked for deletion. Restore it:\n"
            "aws secretsmanager restore-secret --secret-id <ARN>"
        ),
        "DecryptionFailure": "Enable the KMS key of the secret, or cancel its deletion",
    },
)

TABLE_FIXES = AwsFixes(
    "DynamoDB",
    gone=(
        "The table was deleted. Restore it under the same name from a backup, or delete the stack "
        "and deploy it again"
    ),
    denied=(
        "Deploy the stack again: the function's role lacks a permission for the table. With a "
        "customer managed key, its policy must allow the role"
    ),
    endpoint="a gateway endpoint",
    others={
        "ValidationException": (
            "The index OpenJobs was deleted. Deploy the stack again, after a change of the template"
        )
    },
)

SCHEDULE_FIXES = AwsFixes(
    "EventBridge Scheduler",
    gone="The schedule was deleted. Delete the stack and deploy it again: the table is kept",
    denied="Deploy the stack again: the function's role lacks scheduler:GetSchedule",
)

KEY_FIXES = AwsFixes(
    "KMS",
    gone="The key was deleted. Deploy the stack with another KmsKeyArn",
    denied=(
        "The policy of the key must allow the function's role kms:Decrypt, kms:GenerateDataKey "
        "and kms:DescribeKey"
    ),
)


MAKE_TOPIC_AGAIN = "Follow 'SNS answered NotFound' on the page Troubleshooting"

_PARTS_OF_A_TOPIC = {
    "key": (
        "KmsMasterKeyId",
        "Give the topic its key again, with the parameter KmsKeyArn if it is set:",
        "alias/aws/sns",
    ),
    "policy": (
        "Policy",
        "Write topic-policy.json of 'SNS answered NotFound' on the page Troubleshooting. Then:",
        "file://topic-policy.json",
    ),
}


def give_again(arn: str, parts: Iterable[str]) -> str:
    """Return the steps that give a topic its `key` or `policy` again."""
    return "\n".join(
        f"{text}\naws sns set-topic-attributes --topic-arn {arn} --attribute-name {attribute} "
        f"--attribute-value {value}"
        for attribute, text, value in map(_PARTS_OF_A_TOPIC.__getitem__, parts)
    )


TOPIC_FIXES = AwsFixes(
    "SNS",
    gone=(
        f"The topic was deleted. {MAKE_TOPIC_AGAIN}: its key, its policy and its subscriptions "
        "have to be made again too. What is pending is published then"
    ),
    denied=(
        "Deploy the stack again: the topic's policy or the function's role refuses. With a "
        "customer managed key, its policy must allow the role"
    ),
)

PEOPLE_TOPIC_FIXES = replace(
    TOPIC_FIXES,
    gone=(
        f"The topic was deleted. {MAKE_TOPIC_AGAIN}: its key and its subscriptions have to be made "
        "again too. Then send what people missed, within 14 days:\n"
        "aws sqs start-message-move-task --source-arn <NoticeDeadLetterQueueArn> "
        "--destination-arn <NoticeQueueArn>"
    ),
)
"""For the topics of e-mail and chat. What waits for them lies in a dead-letter queue."""
