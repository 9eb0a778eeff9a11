"""
Sends requests to Atlas, each within its rate limit and with the credentials it is given.

https://www.mongodb.com/docs/api/doc/atlas-admin-api-v2/
"""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from threading import Lock
from typing import NamedTuple
from urllib.parse import urlencode

import httpx
from cachetools import LRUCache

from foundation.deadline import Deadline
from restore_watch.atlas.access import Access, access_with
from restore_watch.atlas.credentials import Credentials
from restore_watch.atlas.endpoints import ACCEPT
from restore_watch.atlas.exchange import Answer
from restore_watch.atlas.network import ANSWER_LIMIT, ENVELOPE, http_client
from restore_watch.atlas.rate_limits import Bucket, RateLimits
from restore_watch.atlas.refusals import family_refusal, is_refusal
from restore_watch.errors import UnexpectedAtlasResponseError

CREDENTIALS_REMEMBERED = 2
"""While a secret is rotated, the old credentials and the new ones may be used in turns."""

type Query = Mapping[str, str | Sequence[str]] | None
"""The query of a request. A name that has several values is sent several times."""


class Get(NamedTuple):
    """A path to ask for, its query, and the bucket of its rate limit."""

    path: str
    query: Query
    bucket: Bucket


class AtlasClient:
    """
    Sends requests. One object serves an execution environment, from any thread.

    It keeps the connections, and the token or digest challenge of the credentials last used: these
    are expensive to get again. Until a rate limit is over, it sends no request that the limit would
    refuse. `now` gives Unix seconds; `sleep` takes seconds. Without `replaces_tokens`, a token that
    Atlas refuses is not replaced.
    """

    def __init__(
        self,
        base_url: str,
        http: httpx.Client | None = None,
        *,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        replaces_tokens: bool = True,
    ) -> None:
        self.limits = RateLimits(now)
        self.now = now
        self.sleep = sleep
        self._http = http or http_client()
        self._new_access = partial(
            access_with,
            base_url=base_url,
            http=self._http,
            now=now,
            sleep=sleep,
            replaces_tokens=replaces_tokens,
        )
        self._lock = Lock()
        self._used: LRUCache[Credentials, Access] = LRUCache(CREDENTIALS_REMEMBERED)

    def access(self, credentials: Credentials) -> Access:
        """Return the access of these credentials, with the token or challenge it has."""
        with self._lock:
            if credentials not in self._used:
                self._used[credentials] = self._new_access(credentials)
            return self._used[credentials]

    def get[Read](
        self,
        get: Get,
        access: Access,
        deadline: Deadline,
        read: Callable[[Answer], Read],
        limit: int = ANSWER_LIMIT,
    ) -> Read:
        """
        Send the request, within its rate limit, and `read` the answer of at most `limit` bytes.

        Raises AtlasError.
        """
        self.limits.check(get.bucket)
        request = self._request(get, access)
        answer = access.send(request, deadline, limit)
        self.limits.note_share(get.bucket, answer.headers)
        if answer.status == httpx.codes.OK:
            try:
                return read(answer)
            except UnexpectedAtlasResponseError:
                if not is_refusal(answer.body):
                    raise
        group_id, family = get.bucket
        secrets = access.hidden_texts(request)
        refusal = family_refusal(family, *answer, secrets=secrets, group_id=group_id)
        self.limits.note_refusal(get.bucket, refusal)
        raise refusal

    def _request(self, get: Get, access: Access) -> httpx.Request:
        # Not `params`, for which httpx parses the URL a second time: that takes a twentieth of the
        # processor time of a question.
        query = f"?{urlencode(get.query, doseq=True)}" if get.query else ""
        return self._http.build_request(
            "GET",
            f"{access.base_url}{get.path}{query}",
            headers={"Accept": ACCEPT},
            extensions={ENVELOPE: (get.query or {}).get("envelope") == "true"},
        )
