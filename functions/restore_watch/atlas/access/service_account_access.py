"""The access token of a service account, and requests with it. Any thread may use them."""

import math
import re
from collections.abc import Callable, Generator
from functools import partial

import httpx

from foundation.clock import is_recent
from foundation.deadline import Deadline
from foundation.json_text import read_object
from foundation.renewable import Renewable
from restore_watch.atlas.credentials import ServiceAccount
from restore_watch.atlas.exchange import exchange
from restore_watch.atlas.how_long_refusals_stand import StandingRefusal, token_failure_stands
from restore_watch.atlas.refusals import token_refusal
from restore_watch.atlas.when_to_repeat import repeat_call
from restore_watch.errors import AtlasError, UnexpectedAtlasResponseError

TOKEN_PATH = "/api/oauth/token"  # noqa: S105 - a path, not a password

REPLACEMENT_PAUSE = 600.0
"""After a new token for a 401, no other 401 leads to a new token for this many seconds."""


class ServiceAccountAccess(Renewable[str]):
    """
    The access token of a service account, which all checks of an environment share.

    A service account may have 100 live tokens, each for an hour. After that, no user of the account
    gets a token. So the rules are strict:

    - One token serves the whole environment for 50 minutes; requests for it never overlap.
    - After a 401, a new token is requested at most once in ten minutes. In between, the 401 is the
      answer. A missing role is a 401 too, and a new token would not help.
    - After a token request fails, no other is made for 30 s, or for as long as Atlas asks, a minute
      at most. Only a 5xx is retried first. Without an answer that can be read, Atlas may have
      issued a token: the request is not retried, and the pause is 30 s, then 60 s, then 120 s.

    That is at most about seven tokens an hour, and about 30 requests an hour if no answer arrives.

    Its methods raise AtlasError, not `transient`, when a token request fails or a failure stands.
    So do the requests that its `auth` authenticates.
    """

    max_age = 3600.0
    """As Atlas documents it. `expires_in` is not read: a tiny value must not cost more tokens."""

    renewal_age = 3000.0
    """Ten minutes early, like MongoDB's Terraform provider."""

    renewal_time = 5.0

    def __init__(
        self,
        account: ServiceAccount,
        base_url: str,
        http: httpx.Client,
        now: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        super().__init__(now)
        self.base_url = base_url
        self._account = account
        self._http = http
        self._sleep = sleep
        self._previous: str | None = None
        self._replaced_at = -math.inf
        self._failure: StandingRefusal | None = None

    @property
    def secrets(self) -> tuple[str, ...]:
        """The token, the token before it, and the client secret. No error quotes any of them."""
        return (*filter(None, (self._value, self._previous)), *self._account.secrets)

    def auth(self, deadline: Deadline, *, replaces: bool = True) -> httpx.Auth:
        """Return the authentication of a request. Request a token first if there is none."""
        token = self.current(deadline)
        if not replaces:
            return AccessTokenAuth(token)
        return AccessTokenAuth(token, lambda: self.replacement(token, deadline))

    def replacement(self, refused: str, deadline: Deadline) -> str | None:
        """Return the token to use after a 401 with the `refused` token; None if none may be new."""
        with self._lock:
            if self._value != refused:
                return self._value
            now = self._now()
            if is_recent(now - self._replaced_at, REPLACEMENT_PAUSE):
                return None
            self._raise_standing_failure()
            try:
                token = self._renew(deadline)
            except AtlasError as error:
                if error.reason is None:
                    self._replaced_at = now  # Atlas may have issued a token
                raise
            self._replaced_at = now
            return token

    def _read(self, deadline: Deadline) -> str:
        self._raise_standing_failure()
        request = partial(self._request_token, deadline)
        try:
            token = repeat_call(request, _is_answered_server_error, deadline, self._sleep)
        except AtlasError as error:
            error.transient = False
            seconds = token_failure_stands(error, before=self._failure)
            self._failure = StandingRefusal.of(error, self._now(), seconds)
            raise
        self._failure = None
        self._previous = self._value
        return token

    def _raise_standing_failure(self) -> None:
        if self._failure:
            self._failure.raise_while_it_stands(self._now())

    def _request_token(self, deadline: Deadline) -> str:
        request = self._http.build_request(
            "POST",
            f"{self.base_url}{TOKEN_PATH}",
            data={"grant_type": "client_credentials"},
            headers={"Accept": "application/json"},
        )
        basic = httpx.BasicAuth(*self._account.basic_pair)
        answer = exchange(self._http, request, deadline, auth=basic, secrets=self.secrets)
        if answer.status != httpx.codes.OK:
            is_odd = self._account.may_be_api_key
            raise token_refusal(answer, secrets=self.secrets, may_be_api_key=is_odd)
        token = (read_object(answer.body) or {}).get("access_token")
        # It is sent in a header, where only visible ASCII is unambiguous.
        if isinstance(token, str) and re.fullmatch(r"[\x21-\x7e]+", token):
            return token
        raise UnexpectedAtlasResponseError("Atlas answered the token request in an unknown shape")


def _is_answered_server_error(error: AtlasError) -> bool:
    """False for an error without a reason: no answer came, and Atlas may have issued a token."""
    return error.reason is not None and error.reason.http_status >= 500


class AccessTokenAuth(httpx.Auth):
    """Sends a token. After a 401 it asks for a `replacement`, and sends once more with that."""

    def __init__(self, token: str, replacement: Callable[[], str | None] = lambda: None) -> None:
        self._token = token
        self._replacement = replacement

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        """Raise the error of the replacement if it fails."""
        request.headers["Authorization"] = f"Bearer {self._token}"
        response = yield request
        if response.status_code != httpx.codes.UNAUTHORIZED:
            return
        newer = self._replacement()
        if newer is not None:
            request.headers["Authorization"] = f"Bearer {newer}"
            yield request
