"""
The two ways to prove who asks: a service account's token, or an API key's digest.

Both are `httpx.Auth` flows: they decide what to send next and do no I/O themselves. One object per
credential lives as long as the execution environment, so that a token and a digest challenge serve
many checks.
"""

from base64 import b64encode
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from threading import RLock
from typing import Annotated
from urllib.parse import quote

import httpx
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    StringConstraints,
    ValidationError,
)

from restore_watch.atlas.refusals import StandingRefusal, token_refusal
from restore_watch.errors import AtlasError, AtlasUnavailableError, UnexpectedAtlasResponseError

TOKEN_PATH = "/api/oauth/token"  # noqa: S105 - a path, not a password

TOKEN_LIFETIME = 3600.0
"""Seconds a token lives when Atlas does not say: its documentation says one hour."""

LEAST_LIFETIME = 60.0
"""
Seconds for which a token is used, whatever Atlas says of its life: one that ends earlier is refused
and replaced, and a life of nothing would cost a token for each of a hundred jobs.
"""

RENEWAL_MARGIN = 600.0
"""Seconds before the end at which a token is renewed, as MongoDB's Terraform provider does."""

RENEWAL_PAUSE = 60.0
"""Seconds between two tries to renew a token that is still good."""

REFUSAL_PAUSE = 30.0
"""
Seconds for which a refused token request is not repeated, unless Atlas says how long.

So a hundred jobs checked with credentials that are no good cost one request, and what was put right
in Atlas serves from the next minute's check on. Other credentials are tried at once.
"""

VAIN_RENEWAL_PAUSE = 3000.0
"""
Seconds for which no refusal is answered with a new token, once a new token was refused too.

A missing role is a 401 as well. Atlas keeps 100 live tokens for each account, each for an hour, so
asking anew at every such 401 would lock the account out. Where a token was good for the same
cluster before, a refusal is news all the same.
"""

REFUSALS_ANSWERED = 10
"""
Tokens that are asked for within VAIN_RENEWAL_PAUSE because one was refused, whatever order grants
and refusals come in: a few environments together stay far from the account's hundred.
"""

CLUSTERS_REMEMBERED = 1000
"""Clusters that are remembered to have granted a token."""


@dataclass(frozen=True)
class ServiceAccount:
    """OAuth2 client credentials. `base_url` None means the operator's."""

    client_id: str
    client_secret: str = field(repr=False)
    base_url: str | None = None

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be quoted."""
        quoted = [quote(part, safe="") for part in (self.client_id, self.client_secret)]
        basic = b64encode(":".join(quoted).encode()).decode()
        return (self.client_secret, quoted[1], basic)


@dataclass(frozen=True)
class ApiKey:
    """A programmatic API key, used with HTTP digest. `base_url` None means the operator's."""

    public_key: str
    private_key: str = field(repr=False)
    base_url: str | None = None

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be quoted."""
        return (self.private_key,)


Credentials = ServiceAccount | ApiKey


class _TokenAnswer(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    # It goes into a header, where nothing but visible ASCII belongs.
    access_token: Annotated[str, StringConstraints(strict=True, pattern=r"^[\x21-\x7e]+$")] = Field(
        repr=False
    )
    expires_in: NonNegativeFloat | None = None


class ApiKeyAuth(httpx.Auth):
    """
    HTTP digest by httpx, which remembers the last challenge.

    So only the first request of an environment costs a 401; a stale or refused nonce costs one
    more, and a second 401 in a row is the refusal that it looks like.
    """

    def __init__(self, key: ApiKey) -> None:
        self._key = key
        self._digest = self._no_challenge()

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be quoted, beyond the credentials themselves."""
        return ()

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        """Raise UnexpectedAtlasResponseError for a challenge that httpx cannot answer."""
        try:
            yield from self._digest.auth_flow(request)
        except (httpx.ProtocolError, NotImplementedError, LookupError, ValueError):
            # httpx remembers a challenge before it finds out that it cannot answer it.
            self._digest = self._no_challenge()
            msg = "Atlas sent a digest challenge of a form we do not know"
            raise UnexpectedAtlasResponseError(msg) from None

    def _no_challenge(self) -> httpx.DigestAuth:
        return httpx.DigestAuth(self._key.public_key, self._key.private_key)


class ServiceAccountAuth(httpx.Auth):
    """
    A bearer token, cached until shortly before it ends.

    - No token, or one that has ended: ask for one; a refusal is raised, and stands for a while.
    - Renewal due: ask for one; a refusal is tolerated, the token in hand serves on.
    - 401 for a token that was in hand: ask once, replay once (it ended early, or was revoked).
    - 401 for a token just issued: passed on, and taken as proof that a new one does not help; but
      for a cluster that granted a token before, a 401 is answered with one all the same.
    - However often that happens, the tokens asked for because of a 401 are bounded.

    Token requests never overlap: who comes second finds the new token in place.
    """

    def __init__(self, account: ServiceAccount, base_url: str, now: Callable[[], float]) -> None:
        self._account = account
        self._url = f"{base_url}{TOKEN_PATH}"
        self._now = now
        self._asking = RLock()
        self._token: str | None = None
        self._replaced: str | None = None
        self._ends_at = 0.0
        self._renew_at = 0.0
        self._vain_until = 0.0
        self._good_for: set[tuple[str, bytes]] = set()
        self._answered: list[float] = []
        self._refusal: StandingRefusal | None = None

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be quoted, beyond the credentials themselves."""
        return tuple(filter(None, (self._token, self._replaced)))

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        """Raise what `refusals.token_refusal` makes of a refused token request."""
        token, just_issued = yield from self._current_token(request)
        if (yield from self._is_good(token, request)):
            return
        if not just_issued:
            if not self._is_news(request):
                return
            token = yield from self._token_after(token, request)
            self._answered.append(self._now())
            if (yield from self._is_good(token, request)):
                self._vain_until = 0.0
                return
        self._vain_until = self._now() + VAIN_RENEWAL_PAUSE
        self._good_for.discard(_jobs(request))

    def _is_news(self, request: httpx.Request) -> bool:
        """Whether a new token may help against this refusal, and may be asked for."""
        now = self._now()
        self._answered = [at for at in self._answered if 0 <= now - at < VAIN_RENEWAL_PAUSE]
        if len(self._answered) >= REFUSALS_ANSWERED:
            return False
        return now >= self._vain_until or _jobs(request) in self._good_for

    def _is_good(
        self, token: str, request: httpx.Request
    ) -> Generator[httpx.Request, httpx.Response, bool]:
        """Send the request with the token, and say whether it was anything but refused for it."""
        request.headers["Authorization"] = f"Bearer {token}"
        response = yield request
        if response.is_success and len(self._good_for) < CLUSTERS_REMEMBERED:
            self._good_for.add(_jobs(request))
        return response.status_code != httpx.codes.UNAUTHORIZED

    def _current_token(
        self, request: httpx.Request
    ) -> Generator[httpx.Request, httpx.Response, tuple[str, bool]]:
        with self._asking:
            now = self._now()
            if self._token is None or now >= self._ends_at:
                return (yield from self._new_token(request)), True
            if now < self._renew_at:
                return self._token, False
            self._renew_at = now + RENEWAL_PAUSE
            try:
                return (yield from self._new_token(request)), True
            except AtlasError:
                return self._token, False

    def _token_after(
        self, refused: str, request: httpx.Request
    ) -> Generator[httpx.Request, httpx.Response, str]:
        with self._asking:
            if self._token is not None and self._token != refused:
                return self._token
            return (yield from self._new_token(request))

    def _new_token(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, str]:
        if self._refusal:
            self._refusal.raise_while_it_stands(self._now())
        response = yield self._token_request(request)
        try:
            return self._accept(response)
        except AtlasUnavailableError:
            raise
        except AtlasError as error:
            self._refusal = StandingRefusal.of(error, self._now(), REFUSAL_PAUSE)
            raise

    def _token_request(self, request: httpx.Request) -> httpx.Request:
        # RFC 6749, 2.3.1: both parts are form-encoded before they go into the Basic header.
        basic = httpx.BasicAuth(
            quote(self._account.client_id, safe=""), quote(self._account.client_secret, safe="")
        )
        token_request = httpx.Request(
            "POST",
            self._url,
            data={"grant_type": "client_credentials"},
            headers={
                "Accept": "application/json",
                "Accept-Encoding": "identity",
                "User-Agent": request.headers["User-Agent"],
            },
            # Above all the timeouts of the request that needs the token.
            extensions=request.extensions,
        )
        return next(basic.sync_auth_flow(token_request))

    def _accept(self, response: httpx.Response) -> str:
        response.read()
        if response.status_code != httpx.codes.OK:
            raise token_refusal(
                response.status_code,
                response.headers,
                response.content,
                secrets=self._account.secrets,
            )
        token, lifetime = _read_token(response.content)
        now = self._now()
        self._token, self._replaced = token, self._token
        self._ends_at = now + lifetime
        self._renew_at = now + lifetime - min(RENEWAL_MARGIN, lifetime / 6)
        return token


def _read_token(body: bytes) -> tuple[str, float]:
    try:
        answer = _TokenAnswer.model_validate_json(body)
    except ValidationError:
        # Not chained: what was read may be half a token.
        msg = "Atlas answered the token request in a shape we do not know"
        raise UnexpectedAtlasResponseError(msg) from None
    lifetime = TOKEN_LIFETIME if answer.expires_in is None else answer.expires_in
    return answer.access_token, min(max(lifetime, LEAST_LIFETIME), TOKEN_LIFETIME)


def _jobs(request: httpx.Request) -> tuple[str, bytes]:
    """
    Where the restore jobs of one cluster and kind are: no role is given for less.

    With the parameters, as a success in an envelope is none.
    """
    return request.url.path.rpartition("/")[0], request.url.query


Authentication = ServiceAccountAuth | ApiKeyAuth


def authentication(
    credentials: Credentials, base_url: str, now: Callable[[], float]
) -> Authentication:
    """Return the flow for these credentials; `now` gives Unix seconds."""
    if isinstance(credentials, ServiceAccount):
        return ServiceAccountAuth(credentials, base_url, now)
    return ApiKeyAuth(credentials)
