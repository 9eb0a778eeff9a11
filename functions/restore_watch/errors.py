"""
Everything that can go wrong, split by what the caller can do about it.

The class name is the `errorType` that Step Functions' `Retry` and `Catch` match, so a released name
never changes.

ApplicationError                   the root of the errors of all functions
 +- InvalidEventError               the caller fixes the event; nothing was read or written
 +- ConfigurationError              the operator fixes the function's environment variables
 +- CredentialsError                the operator fixes the secret
 +- AtlasError
 |   +- AtlasBadRequestError        the caller fixes the request
 |   +- AtlasUnauthorizedError      the operator grants the role or renews the credentials
 |   +- AtlasForbiddenError         the operator adds the address to Atlas's access list
 |   +- RestoreJobNotFoundError     the caller names another job
 |   +- AtlasRateLimitError         retry after `retry_after_seconds`
 |   +- AtlasUnavailableError       retry later
 |   +- EndpointRetiredError        report it to us
 |   +- UnexpectedAtlasResponseError  report it to us
 +- TimeBudgetExceededError         retry later, or give the function more time
 +- TableUnavailableError           retry later; the next check tries again
 +- NotificationPendingError        retry later; the change is stored and will be published
 +- NotificationRefusedError        the operator sees to the topic; a test is not stored
 +- ReportNotWrittenError           retry later; the retry writes the same files
 +- TooManyWaitsError               the caller lets fewer workflows wait for one job
 +- TooManyValidationsError         the caller reports less often; nothing more is recorded
 +- ValidationRefusedError          the caller reports what fits the job; nothing is recorded of it
 +- UnforeseenError                 report it to us: our own code failed about one item

The text of these errors never holds a secret, a token or a download URL.
"""

from dataclasses import dataclass

from foundation.errors import (  # noqa: F401 - the tree has them
    ApplicationError,
    ConfigurationError,
    TimeBudgetExceededError,
)


class InvalidEventError(ApplicationError):
    """
    The event is not what it has to be. Nothing was read or written.

    `field` is the path of the part that is wrong, such as `targets[1].groupId`.
    """

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field


class CredentialsError(ApplicationError):
    """The secret cannot be read, or a key is missing or wrong. Names the key, never a value."""


@dataclass(frozen=True)
class AtlasReason:
    """
    The reason that Atlas gave for a refusal, redacted and trimmed; None or empty if it gave none.

    `bad_request_fields` are the `field: description` lines of Atlas's `badRequestDetail`. `address`
    is the caller's address as Atlas saw it, for IP_ADDRESS_NOT_ON_ACCESS_LIST.
    """

    http_status: int
    error_code: str | None = None
    detail: str | None = None
    bad_request_fields: tuple[str, ...] = ()
    address: str | None = None
    retry_after_seconds: float | None = None

    def __str__(self) -> str:
        summary = ": ".join(filter(None, (self.error_code, self.detail)))
        return "; ".join(filter(None, (summary, *self.bad_request_fields))) or "no reason given"


class AtlasError(ApplicationError):
    """
    Atlas refused, sent an unknown answer, or (`reason` is None) did not answer.

    `transient` is true if the same request may succeed a moment later. A failed token request is
    not transient, because it is not repeated for at least 30 s. `summary` is the failure without
    the advice that the message adds. `family` is the family of endpoints that refused,
    one of `atlas/families.py`.
    """

    transient = False
    summary: str | None = None
    family: object = None

    def __init__(self, message: str, reason: AtlasReason | None = None) -> None:
        super().__init__(message)
        self.reason = reason

    @property
    def error_code(self) -> str | None:
        """Atlas's own error code."""
        return self.reason.error_code if self.reason else None

    @property
    def retry_after_seconds(self) -> float | None:
        """How long Atlas asks to wait."""
        return self.reason.retry_after_seconds if self.reason else None


class AtlasBadRequestError(AtlasError):
    """400 for a restore job. If it may be of another kind, that kind was asked too."""


class AtlasUnauthorizedError(AtlasError):
    """401 with the credentials last read from the secret, or 400 or 401 to a token request."""


class AtlasForbiddenError(AtlasError):
    """403, most often because the function's address is not on Atlas's API access list."""


class RestoreJobNotFoundError(AtlasError):
    """No kind of restore job that may answer for this target knows it."""

    @property
    def knows_cluster(self) -> bool:
        """False if Atlas says that the cluster or the project is not there."""
        return self.error_code not in {"CLUSTER_NOT_FOUND", "GROUP_NOT_FOUND"}


class AtlasRateLimitError(AtlasError):
    """429, and the check does not wait (longer) for the limit to end."""

    transient = True

    def __str__(self) -> str:
        wait = self.retry_after_seconds
        return super().__str__() + (f". Ask again in {wait:.0f} s" if wait else "")


class AtlasUnavailableError(AtlasError):
    """5xx, a timeout, a connection or TLS failure, after a bounded number of attempts."""

    transient = True


class EndpointRetiredError(AtlasError):
    """405, 406 or 410: Atlas no longer has this endpoint, and no successor answers."""


class UnexpectedAtlasResponseError(AtlasError):
    """Atlas's answer has an unknown shape or status, or `is_too_large`."""

    is_too_large = False


class TableUnavailableError(ApplicationError):
    """
    DynamoDB refused, or gave no answer: the write may have happened. Or an item cannot be read.

    `code` is DynamoDB's error code, None if there was no answer.
    """

    code: str | None = None


class NotificationPendingError(ApplicationError):
    """The change is stored, but SNS did not accept its message. The message stays pending."""


class NotificationRefusedError(ApplicationError):
    """SNS did not accept a test notification, or did not answer. Nothing is stored of it."""


class ReportNotWrittenError(ApplicationError):
    """S3 refused a file of a report, or did not answer. No message was published."""


class TooManyWaitsError(ApplicationError):
    """As many workflows wait for the job as may wait. Those that wait go on waiting."""


class TooManyValidationsError(ApplicationError):
    """The job has as many validations as are kept. What is recorded stays, and is published."""


class ValidationRefusedError(ApplicationError):
    """The verdict does not fit what Atlas says of the job. Nothing is recorded of it."""


class UnforeseenError(ApplicationError):
    """Our own code failed about one item. Names the class of the error; the log has more."""
