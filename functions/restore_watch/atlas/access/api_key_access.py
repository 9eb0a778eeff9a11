"""Requests with an API key, by HTTP digest. Any thread may use them."""

from collections import defaultdict
from collections.abc import Generator
from typing import Self

import httpx

from foundation.deadline import Deadline
from restore_watch.atlas.credentials import ApiKey
from restore_watch.atlas.transport.bounds import current_bounds
from restore_watch.errors import UnexpectedAtlasResponseError

_UNANSWERABLE = (
    httpx.ProtocolError,  # a field is missing, or the quality of protection is unknown
    NotImplementedError,  # the quality of protection is auth-int
    LookupError,  # the algorithm is unknown
    ValueError,  # a field has no value, or a value is not UTF-8
)
"""httpx raises these for a challenge that it cannot answer."""


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
        slot = current_bounds().slot
        try:
            yield from self._digests[slot].auth_flow(request)
        except _UNANSWERABLE:
            # httpx remembers the challenge all the same, and would fail at each later request.
            del self._digests[slot]
            msg = "Atlas sent a digest challenge of an unknown form"
            raise UnexpectedAtlasResponseError(msg) from None
