"""The two ways to authenticate a request. Any thread may use these objects."""

from collections import defaultdict
from collections.abc import Callable, Generator
from functools import lru_cache
from threading import Lock
from typing import Self

import httpx

from foundation.deadline import Deadline
from restore_watch.atlas.access_token import ServiceAccountAccess
from restore_watch.atlas.credentials import ApiKey, Credentials, ServiceAccount
from restore_watch.atlas.network import current_slot
from restore_watch.errors import UnexpectedAtlasResponseError

CREDENTIALS_REMEMBERED = 2
"""While a secret is rotated, the old credentials and the new ones may be used in turns."""


class ApiKeyAccess(httpx.Auth):
    """
    Authenticates requests by HTTP digest. By httpx's, each slot remembers its last challenge.

    So a slot gets a 401 only for its first request and for each stale or refused nonce. A second
    401 in a row is a refusal. Threads that share a challenge would use some counts twice, and a
    server refuses those.
    """

    def __init__(self, key: ApiKey, base_url: str) -> None:
        self.base_url = base_url
        self.secrets = key.secrets
        self._digests = defaultdict[int, httpx.DigestAuth](
            lambda: httpx.DigestAuth(key.public_key, key.private_key)
        )

    def auth(self, _deadline: Deadline, **_: bool) -> Self:
        """Return the authentication of a request: a challenge comes with the first answer."""
        return self

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        """Raise UnexpectedAtlasResponseError for a challenge that httpx cannot answer."""
        slot = current_slot()
        try:
            yield from self._digests[slot].auth_flow(request)
        except (httpx.ProtocolError, NotImplementedError, LookupError, ValueError):
            # httpx raises any of these for a challenge that it cannot answer, and remembers it.
            del self._digests[slot]
            msg = "Atlas sent a digest challenge of an unknown form"
            raise UnexpectedAtlasResponseError(msg) from None


Access = ServiceAccountAccess | ApiKeyAccess


def accesses(
    base_url: str, http: httpx.Client, now: Callable[[], float], sleep: Callable[[float], None]
) -> Callable[[Credentials], Access]:
    """Return the function that gives credentials an access, and keeps it for those last used."""
    lock = Lock()

    @lru_cache(CREDENTIALS_REMEMBERED)
    def new(credentials: Credentials) -> Access:
        own_url = credentials.base_url or base_url
        if isinstance(credentials, ServiceAccount):
            return ServiceAccountAccess(credentials, own_url, http, now, sleep)
        return ApiKeyAccess(credentials, own_url)

    def access_of(credentials: Credentials) -> Access:
        with lock:
            return new(credentials)

    return access_of
