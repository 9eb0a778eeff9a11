"""When the credentials expire, and what is said of it: each threshold once for a secret. Pure."""

import re
from collections.abc import Collection
from copy import replace
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field

from foundation.outside import FromOutside, IfReadable, UtcDate

type Threshold = Literal[1, 3, 7, 14, 30]

THRESHOLDS: tuple[Threshold, ...] = (1, 3, 7, 14, 30)
"""Days left at which a message says so. Of those that are reached, the smallest is said."""

DAY = timedelta(days=1)

HOUR = timedelta(hours=1)
"""Atlas takes the life of a secret in whole hours, and a token may outlive it by one."""

CLIENT_ID = r"^[A-Za-z0-9_-]{1,128}$"

is_client_id = re.compile(CLIENT_ID).fullmatch
"""Whether a text may be the id of a service account, in a path and in a message."""


class ExpiringSecret(FromOutside):
    """
    The secret of a service account that is in use, without any part of its text.

    The secret `is_certain` if Atlas shows that it is in use. If not, it is the first to expire, or
    the last known secret. `created_at` is None if Atlas does not say it; 1.1.0 stored none.
    """

    client_id: Annotated[str, Field(pattern=CLIENT_ID)]
    expires_at: UtcDate
    is_certain: bool
    created_at: IfReadable[UtcDate] = None

    def days_left(self, now: datetime) -> int:
        """Whole days until it expires; 0 once it has expired."""
        return max(0, (self.expires_at - now) // DAY)

    def has_expired(self, now: datetime) -> bool:
        """Whether it has expired. A token may live on for an hour."""
        return self.expires_at <= now

    @property
    def thresholds(self) -> list[Threshold]:
        """The thresholds that are shorter than its life. Of an unknown life, all are."""
        if self.created_at is None or self.created_at >= self.expires_at:
            return list(THRESHOLDS)
        life = round((self.expires_at - self.created_at) / HOUR) * HOUR
        return [days for days in THRESHOLDS if days * DAY < life]

    def is_same(self, other: "ExpiringSecret") -> bool:
        """Whether it is the same secret: Atlas may date it anew. Its mask is kept nowhere."""
        if self.client_id != other.client_id or abs(self.expires_at - other.expires_at) >= DAY:
            return False
        made, other_made = self.created_at, other.created_at
        return made is None or other_made is None or abs(made - other_made) < HOUR


class CredentialsChange(FromOutside):
    """A secret is about to expire or, without a `threshold`, was renewed. Noticed `at`, in UTC."""

    secret: ExpiringSecret
    at: UtcDate
    threshold: Threshold | None = None


class CredentialsExpiry(FromOutside):
    """
    The memory, kept in the table, of when the credentials expire.

    `asked_at` is when Atlas last answered or refused, `secret` what was last learnt, in the project
    `seen_in` unless Atlas has refused it there since. `said` is the smallest threshold that was
    said of it. `unsent` are the changes that the topic has not accepted. `stored` is the value in
    the table: a write needs the value that was read.
    """

    asked_at: UtcDate | None = None
    secret: ExpiringSecret | None = None
    seen_in: str | None = None
    said: Threshold | None = None
    unsent: tuple[CredentialsChange, ...] = ()
    stored: Annotated[object, Field(exclude=True)] = None

    def is_due(self, now: datetime) -> bool:
        """Whether Atlas was asked a day ago, or the date that is known has a threshold to say."""
        is_old = self.asked_at is None or abs(now - self.asked_at) >= DAY
        return is_old or self.due_threshold(now) is not None

    def due_threshold(self, now: datetime) -> Threshold | None:
        """The smallest threshold that is reached, unless it was said."""
        if self.secret is None:
            return None
        left, said = self.secret.expires_at - now, self.said
        reached = next((days for days in self.secret.thresholds if left <= days * DAY), None)
        return reached if reached and (said is None or reached < said) else None

    def after_refusal(self, now: datetime) -> "CredentialsExpiry":
        """Return the memory after a refusal: what was known counts on."""
        return replace(self, asked_at=now, seen_in=None).saying(now)

    def without_date(self) -> "CredentialsExpiry":
        """Return the memory of credentials that have no date."""
        return replace(self, secret=None, seen_in=None, said=None)

    def after_answer(
        self,
        secret: ExpiringSecret,
        seen_in: str,
        now: datetime,
        others: Collection[ExpiringSecret] = (),
    ) -> "CredentialsExpiry":
        """
        Return the memory after an answer. Another secret begins anew.

        If the secret is not certain, any of the `others` may be in use: the certain secret of
        before counts on, until its last token has ended.
        """
        in_use = self._secret_in_use(secret, others, now)
        answered = replace(self, asked_at=now, secret=in_use, seen_in=seen_in)
        if self.secret is None or not in_use.is_same(self.secret):
            answered = answered.after_renewal(self.secret, now)
        return answered.saying(now, is_certain=secret.is_certain)

    def _secret_in_use(
        self, shown: ExpiringSecret, others: Collection[ExpiringSecret], now: datetime
    ) -> ExpiringSecret:
        """The secret that is shown or, while that is not certain, the certain secret of before."""
        before = self.secret
        if shown.is_certain or before is None or not before.is_certain:
            return shown
        if before.expires_at <= now - HOUR:
            return shown
        is_still_shown = any(before.is_same(secret) for secret in (shown, *others))
        return before if is_still_shown else shown

    def after_renewal(self, before: ExpiringSecret | None, now: datetime) -> "CredentialsExpiry":
        """
        Return the memory of a new secret, of which nothing was said.

        If a threshold of the secret `before` was said, the renewal is said too, unless the new
        secret expires no later and is about to expire itself.
        """
        anew = replace(self, said=None)
        if self.said is None or self.secret is None:
            return anew
        is_later = before is not None and self.secret.expires_at > before.expires_at
        is_near = anew.due_threshold(now) is not None
        if is_near and not is_later:
            return anew
        renewed = CredentialsChange(secret=self.secret, at=now)
        return replace(anew, unsent=(*self.unsent, renewed))

    def saying(self, now: datetime, *, is_certain: bool = False) -> "CredentialsExpiry":
        """
        Return the memory with a change if a threshold is reached.

        Unless Atlas has just answered, the date that is known counts on, and is not certain.
        """
        reached, secret = self.due_threshold(now), self.secret
        if secret is None or reached is None:
            return self
        said = replace(secret, is_certain=is_certain)
        change = CredentialsChange(secret=said, at=now, threshold=reached)
        return replace(self, said=reached, unsent=(*self.unsent, change))


NOT_ASKED = CredentialsExpiry()
"""Nothing is known yet."""
