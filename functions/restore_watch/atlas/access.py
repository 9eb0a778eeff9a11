"""
The two ways to authenticate a request to `base_url`. One object serves an environment.

Any thread may use it. `limit` is the size of the largest answer, in bytes.
"""

import re
import time
from collections.abc import Callable, Generator, Iterable

import httpx

from foundation.deadline import Deadline
from restore_watch.atlas.credentials import ApiKey, Credentials, ServiceAccount
from restore_watch.atlas.exchange import Answer, exchange
from restore_watch.atlas.network import ANSWER_LIMIT
from restore_watch.atlas.slots import PerSlot
from restore_watch.atlas.token import AccessToken
from restore_watch.errors import UnexpectedAtlasResponseError


class ServiceAccountAccess:
    """
    Sends requests with a bearer token. After a 401, asks again if `AccessToken` allows a new token.

    Without `replaces`, a 401 is the answer.
    """

    def __init__(
        self, token: AccessToken, base_url: str, http: httpx.Client, *, replaces: bool = True
    ) -> None:
        self.base_url = base_url
        self._token = token
        self._http = http
        self._replaces = replaces

    def prepare(self, deadline: Deadline) -> None:
        """Request a token if there is none. Raises AtlasError if Atlas issues none."""
        self._token.current(deadline)

    def send(self, request: httpx.Request, deadline: Deadline, limit: int = ANSWER_LIMIT) -> Answer:
        """Return the answer. Raises AtlasError if there is no token or no answer."""
        token = self._token.current(deadline)
        answer = self._send_with(token, request, deadline, limit)
        if answer.status == httpx.codes.UNAUTHORIZED and self._replaces:
            replacement = self._token.replacement(token, deadline)
            if replacement is not None:
                return self._send_with(replacement, request, deadline, limit)
        return answer

    def once(self) -> "ServiceAccountAccess":
        """Return an access with the same token, for which a 401 is the answer."""
        return ServiceAccountAccess(self._token, self.base_url, self._http, replaces=False)

    def hidden_texts(self, _request: httpx.Request) -> Iterable[str]:
        """Return the texts that must never be quoted from an answer to this request."""
        return self._token.secrets

    def _send_with(
        self, token: str, request: httpx.Request, deadline: Deadline, limit: int
    ) -> Answer:
        request.headers["Authorization"] = f"Bearer {token}"
        return exchange(self._http, request, deadline, secrets=self._token.secrets, limit=limit)


class ApiKeyAccess:
    """Sends requests with HTTP digest."""

    def __init__(self, key: ApiKey, base_url: str, http: httpx.Client) -> None:
        self.base_url = base_url
        self._key = key
        self._http = http
        # Threads that share a challenge would use some counts twice, and a server refuses those.
        self._digests = PerSlot(lambda: _Digest(key))

    def prepare(self, _deadline: Deadline) -> None:
        """Do nothing: a challenge comes with the first answer."""

    def send(self, request: httpx.Request, deadline: Deadline, limit: int = ANSWER_LIMIT) -> Answer:
        """Return the answer. Raises AtlasError if there is none, or if the challenge is unknown."""
        return exchange(
            self._http,
            request,
            deadline,
            auth=self._digests.current(),
            secrets=self._key.secrets,
            limit=limit,
        )

    def hidden_texts(self, request: httpx.Request) -> Iterable[str]:
        """Return the texts that must never be quoted from an answer to this request."""
        # A digest response is not a secret, but it does not belong in an error.
        digest = re.findall(r'[^\s",=]{12,}', request.headers.get("Authorization", ""))
        return (*self._key.secrets, *digest)


class _Digest(httpx.Auth):
    """
    httpx's digest, which remembers the last challenge.

    So a slot gets a 401 only for its first request and for each stale or refused nonce. A second
    401 in a row is a refusal.
    """

    def __init__(self, key: ApiKey) -> None:
        self._key = key
        self._digest = self._without_challenge()

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        """Raise UnexpectedAtlasResponseError for a challenge that httpx cannot answer."""
        try:
            yield from self._digest.auth_flow(request)
        except (httpx.ProtocolError, NotImplementedError, LookupError, ValueError):
            # httpx raises any of these for a challenge that it cannot answer, and remembers it.
            self._digest = self._without_challenge()
            msg = "Atlas sent a digest challenge of an unknown form"
            raise UnexpectedAtlasResponseError(msg) from None

    def _without_challenge(self) -> httpx.DigestAuth:
        return httpx.DigestAuth(self._key.public_key, self._key.private_key)


Access = ServiceAccountAccess | ApiKeyAccess


def access_with(
    credentials: Credentials,
    base_url: str,
    http: httpx.Client,
    *,
    now: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
    replaces_tokens: bool = True,
) -> Access:
    """Return the access for these credentials, at their own address if the secret names it."""
    base_url = credentials.base_url or base_url
    if isinstance(credentials, ServiceAccount):
        token = AccessToken(credentials, base_url, http, now=now, sleep=sleep)
        return ServiceAccountAccess(token, base_url, http, replaces=replaces_tokens)
    return ApiKeyAccess(credentials, base_url, http)
