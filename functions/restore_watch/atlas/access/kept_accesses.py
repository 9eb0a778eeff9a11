"""How the credentials last used authenticate their requests: by a token, or by an API key."""

from collections.abc import Callable
from threading import Lock

import httpx
from cachetools import LRUCache

from restore_watch.atlas.access.api_key_access import ApiKeyAccess
from restore_watch.atlas.access.service_account_access import ServiceAccountAccess
from restore_watch.atlas.credentials import Credentials, ServiceAccount

CREDENTIALS_REMEMBERED = 2
"""While a secret is rotated, the old credentials and the new may be used in turns."""

Access = ServiceAccountAccess | ApiKeyAccess


class KeptAccesses:
    """
    The accesses of the credentials last used. Any thread may use them.

    An access keeps its token or its digest challenges, which are expensive to get again.
    """

    def __init__(
        self,
        base_url: str,
        http: httpx.Client,
        now: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        self._base_url = base_url
        self._http = http
        self._now = now
        self._sleep = sleep
        self._lock = Lock()
        self._accesses: LRUCache[Credentials, Access] = LRUCache(CREDENTIALS_REMEMBERED)

    def access_of(self, credentials: Credentials) -> Access:
        """Return the access of these credentials, always the same as long as it is kept."""
        with self._lock:
            access = self._accesses.get(credentials)
            if access is None:
                access = self._new_access(credentials)
                self._accesses[credentials] = access
            return access

    def _new_access(self, credentials: Credentials) -> Access:
        base_url = credentials.base_url or self._base_url
        if isinstance(credentials, ServiceAccount):
            return ServiceAccountAccess(credentials, base_url, self._http, self._now, self._sleep)
        return ApiKeyAccess(credentials, base_url)
