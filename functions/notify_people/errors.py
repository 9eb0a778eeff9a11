"""
Everything that can go wrong, split by who can do something about it.

A message that fails is delivered again by SQS, and kept in the dead-letter queue in the end.

NotifyPeopleError
 +- InvalidMessageError         report it to us: the message is not ours, or is of a newer version
 +- ConfigurationError          the operator fixes the function's environment variables
 +- SecretError                 the operator fixes the secret
 +- ChannelError
 |   +- ChannelRefusedError     the operator renews the webhook, the key or the topic
 |   +- ChannelUnavailableError try again later
 |   +- ChannelFailedError      report it to us: our own code failed at a channel
 +- SendingElsewhereError       try again later: another invocation is sending the same
 +- SentTableError              try again later
 +- TimeBudgetExceededError     try again later, or give the function more time

The text of these errors never holds a secret, a webhook's URL, a routing key or a download URL.
"""

from foundation.errors import (  # noqa: F401 - the tree has them
    ApplicationError,
    ConfigurationError,
    TimeBudgetExceededError,
)

NotifyPeopleError = ApplicationError
"""The root of every error that this application raises on purpose."""


class InvalidMessageError(NotifyPeopleError):
    """
    The message cannot be understood. Nothing was sent.

    `field` is the path of the part that is wrong, such as `data.sequence`.
    """

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field


class SecretError(NotifyPeopleError):
    """The secret cannot be read, or a key is missing or wrong. Names the key, never a value."""


class ChannelError(NotifyPeopleError):
    """A channel did not take the notice."""


class ChannelRefusedError(ChannelError):
    """A redirect, or a 4xx other than 408 and 429: the same request would be refused again."""


class ChannelUnavailableError(ChannelError):
    """
    408, 429, 5xx or no answer, after a bounded number of attempts.

    If it `was_sent` and no answer came, the channel may have taken the notice all the same. If it
    `may_be_sent`, a call that was left behind may still do it. If it `is_late`, it took all the
    time that it had.
    """

    def __init__(
        self,
        message: str,
        retry_after_seconds: float = 0.0,
        *,
        was_sent: bool = False,
        may_be_sent: bool = False,
        is_late: bool = False,
    ) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds
        self.was_sent = was_sent
        self.may_be_sent = may_be_sent
        self.is_late = is_late or may_be_sent


class ChannelFailedError(ChannelError):
    """Our own code failed at a channel. Names the class of the error, whose text may hold more."""


class SendingElsewhereError(NotifyPeopleError):
    """Another invocation is sending a notice about the same subject on the same channel."""


class SentTableError(NotifyPeopleError):
    """DynamoDB refused or did not answer; the write may have happened."""
