"""
The access token of a service account: when one is requested, and when not.

A service account may have 100 live tokens, each for an hour. After that, no user of the account
gets a token. So the rules are strict:

- One token serves the whole environment for 50 minutes; requests for it never overlap.
- After a 401, a new token is requested at most once in ten minutes. In between, the 401 is the
  answer. A missing role is a 401 too, and a new token would not help.
- After a token request fails, no other is made for 30 s, or for as long as Atlas asks, a minute at
  most. Only a 5xx is retried first. Without an answer that can be read, Atlas may have issued a
  token: the request is not retried, and the pause is 30 s, then 60 s, then 120 s.

That is at most about seven tokens an hour, and about 30 requests an hour if no answer arrives.
"""

import time
from collections.abc import Callable
from typing import Annotated

import httpx
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from foundation.deadline import Deadline
from foundation.errors import TimeBudgetExceededError
from foundation.renewable import Renewable
from restore_watch.atlas.credentials import ServiceAccount
from restore_watch.atlas.endpoints import TOKEN_PATH
from restore_watch.atlas.exchange import exchange, retrying
from restore_watch.atlas.rate_limits import STANDS_AT_MOST, StandingRefusal
from restore_watch.atlas.refusals import token_refusal
from restore_watch.errors import AtlasError, AtlasUnavailableError, UnexpectedAtlasResponseError

REPLACEMENT_PAUSE = 600.0
"""After a new token for a 401, no other 401 leads to a new token for this many seconds."""

FAILURE_PAUSE, LONGEST_PAUSE = 30.0, 120.0
"""Seconds without a token request after one failed; 60, then 120, while none is answered."""


class _TokenAnswer(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    # It is sent in a header, where only visible ASCII is unambiguous.
    access_token: Annotated[str, StringConstraints(strict=True, pattern=r"^[\x21-\x7e]+$")] = Field(
        repr=False
    )


class AccessToken(Renewable[str]):
    """
    The token of one service account, shared by all checks of an environment.

    Its methods raise AtlasError, not `transient`, when the request fails or a failure stands.
    """

    max_age = 3600.0
    """
    Seconds that a token lives, by Atlas's documentation.

    `expires_in` is not read: a tiny value must not cost more tokens. If a token expires earlier,
    Atlas answers 401.
    """

    renewal_age = 3000.0
    """Ten minutes early, like MongoDB's Terraform provider."""

    renewal_time = 5.0

    def __init__(
        self,
        account: ServiceAccount,
        base_url: str,
        http: httpx.Client,
        *,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(now)
        self._account = account
        self._url = f"{base_url}{TOKEN_PATH}"
        self._http = http
        self._sleep = sleep
        self._previous: str | None = None
        self._replaced_at: float | None = None
        self._failure: StandingRefusal | None = None

    @property
    def secrets(self) -> tuple[str, ...]:
        """The token, the one before it, and the client secret, which must never be quoted."""
        return (*filter(None, (self._value, self._previous)), *self._account.secrets)

    def replacement(self, refused: str, deadline: Deadline) -> str | None:
        """
        Return the token with which to repeat a request, after a 401 with the token `refused`.

        None if no new token may be requested: then the 401 is the answer.
        """
        with self._lock:
            if self._value != refused:
                return self._value
            now, before = self._now(), self._replaced_at
            if before is not None and 0 <= now - before < REPLACEMENT_PAUSE:
                return None
            self._raise_standing_failure()
            self._replaced_at = now
            try:
                return self._renew(deadline)
            except TimeBudgetExceededError:
                self._replaced_at = before  # no token was requested
                raise
            except AtlasError as error:
                if error.reason is not None:
                    self._replaced_at = before  # Atlas refused, so it issued no token
                raise

    def _read(self, deadline: Deadline) -> str:
        """Request a new token. Raises AtlasError if the request fails or a failure stands."""
        self._raise_standing_failure()
        attempts = retrying(_is_answered_server_error, deadline, self._sleep)
        try:
            token: str = attempts(self._exchange, deadline)
        except AtlasError as error:
            error.transient = False
            self._failure = StandingRefusal.of(error, self._now(), self._pause_after(error))
            raise
        self._failure = None
        self._previous = self._value
        return token

    def _raise_standing_failure(self) -> None:
        if self._failure:
            self._failure.raise_while_it_stands(self._now())

    def _pause_after(self, error: AtlasError) -> float:
        """Seconds for which no further token is requested."""
        if error.reason is not None:
            return max(FAILURE_PAUSE, min(error.retry_after_seconds or 0.0, STANDS_AT_MOST))
        before = self._failure
        if before is None or before.error.reason is not None:
            return FAILURE_PAUSE
        return min(2 * before.seconds, LONGEST_PAUSE)

    def _exchange(self, deadline: Deadline) -> str:
        request = self._http.build_request(
            "POST",
            self._url,
            data={"grant_type": "client_credentials"},
            headers={"Accept": "application/json"},
        )
        secrets = self._account.secrets
        basic = httpx.BasicAuth(*self._account.basic_pair)
        answer = exchange(self._http, request, deadline, auth=basic, secrets=secrets)
        if answer.status != httpx.codes.OK:
            raise token_refusal(*answer, secrets=secrets)
        try:
            return _TokenAnswer.model_validate_json(answer.body).access_token
        except ValidationError:
            # Not chained: the decoder's error may hold half a token.
            msg = "Atlas answered the token request in an unknown shape"
            raise UnexpectedAtlasResponseError(msg) from None


def _is_answered_server_error(error: BaseException) -> bool:
    """False for an error without a reason: no answer came, and Atlas may have issued a token."""
    if not isinstance(error, AtlasUnavailableError) or error.reason is None:
        return False
    return error.reason.http_status >= httpx.codes.INTERNAL_SERVER_ERROR
