"""What to do about an error or a refusal of AWS, in one sentence. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from foundation.errors import TimeBudgetExceededError
from restore_watch.atlas.endpoints import ROLES, AtlasStatus, Family
from restore_watch.errors import (
    AtlasForbiddenError,
    AtlasRateLimitError,
    AtlasUnauthorizedError,
    AtlasUnavailableError,
    RestoreJobNotFoundError,
    RestoreWatchError,
)

NO_ANSWER = (
    "A function in a VPC needs subnets with a route to {what}, and security groups that allow "
    "outgoing HTTPS (443). Outside a VPC, try again"
)

DENIED = {"AccessDeniedException", "AccessDenied", "AuthorizationError"}
_GONE = {"ResourceNotFoundException", "NotFound", "NotFoundException"}


_LIMITED = re.compile(
    "Throttl|TooManyRequests|LimitExceeded|ThroughputExceeded|ServiceUnavailable|Internal"
)


@dataclass(frozen=True)
class AwsFixes:
    """What to do if AWS has no such thing, refuses, does not answer, or has another code."""

    gone: str
    denied: str
    silent: str
    others: Mapping[str, str] = field(default_factory=dict)

    def of(self, code: str | None) -> str:
        """What to do after this error code of AWS, None if it did not answer."""
        if code is None:
            return self.silent
        if code in self.others:
            return self.others[code]
        if code in _GONE:
            return self.gone
        if is_passing(code):
            return _AGAIN
        if code in DENIED or code.startswith("KMS"):
            return self.denied
        return _LOOK_UP


def is_passing(code: str | None) -> bool:
    """Whether AWS limits the rate, or has a problem: that says nothing of the stack."""
    return code is not None and bool(_LIMITED.search(code))


_AGAIN = "Diagnose again in a minute: AWS limits the rate, or has a problem"
_LOOK_UP = (
    "Look for this code on the page Troubleshooting, or in AWS's documentation of the service"
)


def _no_answer(service: str, endpoint: str = "an interface endpoint") -> str:
    return NO_ANSWER.format(what=f"{service}: a NAT gateway or {endpoint}")


_ARN = "Set AtlasSecretArn to the ARN that aws secretsmanager describe-secret prints"

SECRET_FIXES = AwsFixes(
    gone=_ARN,
    denied=(
        f"{_ARN}. If the secret has a customer managed key, set AtlasSecretKmsKeyArn, and allow "
        "the function's role kms:Decrypt in the policy of the key"
    ),
    silent=_no_answer("Secrets Manager"),
    others={
        "InvalidRequestException": (
            "The secret is marked for deletion. Restore it:\n"
            "aws secretsmanager restore-secret --secret-id <ARN>"
        ),
        "DecryptionFailure": "Enable the KMS key of the secret, or cancel its deletion",
    },
)

TABLE_FIXES = AwsFixes(
    gone=(
        "The table was deleted. Restore it under the same name from a backup, or delete the stack "
        "and deploy it again"
    ),
    denied=(
        "Deploy the stack again: the function's role lacks a permission for the table. With a "
        "customer managed key, its policy must allow the role"
    ),
    silent=_no_answer("DynamoDB", "a gateway endpoint"),
    others={
        "ValidationException": (
            "The index OpenJobs was deleted. Deploy the stack again, after a change of the template"
        )
    },
)

SCHEDULE_FIXES = AwsFixes(
    gone="The schedule was deleted. Delete the stack and deploy it again: the table is kept",
    denied="Deploy the stack again: the function's role lacks scheduler:GetSchedule",
    silent=_no_answer("EventBridge Scheduler"),
)

KEY_FIXES = AwsFixes(
    gone="The key was deleted. Deploy the stack with another TopicKmsKeyArn or KmsKeyArn",
    denied=(
        "The policy of the key must allow the function's role kms:Decrypt, kms:GenerateDataKey "
        "and kms:DescribeKey"
    ),
    silent=_no_answer("KMS"),
)


MAKE_TOPIC_AGAIN = "Follow 'SNS answered NotFound' in docs/troubleshooting.md"

TOPIC_FIXES = AwsFixes(
    gone=(
        f"The topic was deleted. {MAKE_TOPIC_AGAIN}: its key, its policy and its subscriptions "
        "have to be made again too. What is pending is published then"
    ),
    denied=(
        "Deploy the stack again: the topic's policy or the function's role refuses. With a "
        "customer managed key, its policy must allow the role"
    ),
    silent=_no_answer("SNS"),
)


def fix_of(error: RestoreWatchError, family: Family) -> str:
    """What to do after an error of Atlas; `family` is what was asked for."""
    match error:
        case AtlasForbiddenError() if error.reason and error.reason.address:
            fix = (
                f"In Atlas, add {error.reason.address} to the API access list of the service "
                "account or API key"
            )
        case AtlasForbiddenError():
            fix = "In Atlas, give the service account or API key access"
        case AtlasUnauthorizedError() if family is AtlasStatus.SYSTEM:
            fix = (
                "In Atlas, make a new secret for the service account, or a new API key, and store "
                "it in the secret. Secrets of service accounts expire"
            )
        case AtlasUnauthorizedError():
            fix = f"In Atlas, give the service account or API key {ROLES[family]}"
        case RestoreJobNotFoundError():
            fix = (
                "Take the project's id from the address of its pages in Atlas, and set "
                "AtlasProjectIds"
            )
        case AtlasRateLimitError():
            fix = "Wait, and slow down the other tools that use this project's rate limit"
        case AtlasUnavailableError() if error.reason is not None:
            fix = "Wait: Atlas has a problem. https://status.mongodb.com says more"
        case AtlasUnavailableError():
            fix = NO_ANSWER.format(what="a NAT gateway")
        case TimeBudgetExceededError():
            fix = "Diagnose again: there was too little time"
        case _:
            fix = "Report it to us, with this text"
    return fix
