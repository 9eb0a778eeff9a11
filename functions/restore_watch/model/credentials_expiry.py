"""When the credentials expire, and what is said of it: each threshold once for a secret. Pure."""

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

THRESHOLDS = (1, 3, 7, 14, 30)
"""Days left at which a message says so. The smallest that is reached is said, the others not."""

DAY = timedelta(days=1)

is_client_id = re.compile(r"[\w-]{1,128}", re.ASCII).fullmatch
"""Whether a text may be the id of a service account, in a path and in a message."""


@dataclass(frozen=True)
class ExpiringSecret:
    """
    The secret of a service account that is in use, without any part of its text.

    It `is_certain` if Atlas shows which one that is. If not, it is the first that expires.
    """

    client_id: str
    expires_at: datetime
    is_certain: bool

    def days_left(self, now: datetime) -> int:
        """Whole days until it expires; 0 once it has expired."""
        return max(0, (self.expires_at - now) // DAY)

    @property
    def identity(self) -> tuple[str, datetime]:
        """What tells it from a newer secret. Atlas's mask is kept nowhere."""
        return self.client_id, self.expires_at


@dataclass(frozen=True)
class CredentialsChange:
    """A secret is about to expire or, without a `threshold`, was renewed. Noticed `at`, in UTC."""

    secret: ExpiringSecret
    threshold: int | None
    at: datetime


@dataclass(frozen=True)
class CredentialsExpiry:
    """
    The memory, kept in the table, of when the credentials expire.

    `asked_at` is when Atlas last answered or refused, `secret` what was last learnt, `said` the
    smallest threshold that was said of it. `unsent` are the changes that the topic has not
    accepted. `stored` is the value in the table: a write needs the value that was read.
    """

    asked_at: datetime | None = None
    secret: ExpiringSecret | None = None
    said: int | None = None
    unsent: tuple[CredentialsChange, ...] = ()
    stored: object = None

    def is_due(self, now: datetime) -> bool:
        """Whether a day has passed since Atlas last answered or refused."""
        return self.asked_at is None or now - self.asked_at >= DAY

    def after(self, secret: ExpiringSecret | None, now: datetime) -> "CredentialsExpiry":
        """Return the memory after an answer, or after a refusal, which says nothing new."""
        if secret is None:
            return replace(self, asked_at=now)
        before, said, unsent = self.secret, self.said, self.unsent
        if before is None or secret.identity != before.identity:
            said = None
            is_later = before is not None and secret.expires_at > before.expires_at
            if self.said is not None and is_later:
                unsent = (*unsent, CredentialsChange(secret, None, now))
        reached = threshold_of(secret.expires_at - now)
        if reached is not None and (said is None or reached < said):
            said, unsent = reached, (*unsent, CredentialsChange(secret, reached, now))
        return CredentialsExpiry(now, secret, said, unsent, self.stored)


NOT_ASKED = CredentialsExpiry()
"""Nothing is known yet."""


def threshold_of(left: timedelta) -> int | None:
    """The smallest threshold that is reached with this time left, None before the first."""
    return next((days for days in THRESHOLDS if left <= days * DAY), None)
