"""One request to Atlas and its whole answer, within limits."""

import re
from collections.abc import Iterable
from contextlib import closing
from datetime import datetime
from typing import NamedTuple

import httpx

from foundation.deadline import Deadline
from foundation.retry_after import http_date
from restore_watch.atlas.transport.bounds import ANSWER_LIMIT, Bounds, bounded
from restore_watch.errors import AtlasUnavailableError
from restore_watch.redaction import redact

EXCHANGE_TIMEOUT = 15.0
"""Seconds for one exchange: the request, its digest challenge or new token, the whole answer."""

LEAST_EXCHANGE = 1.0
"""No exchange begins with less time left, in seconds."""


class Answer(NamedTuple):
    """An answer of Atlas, with any status."""

    status: int
    headers: httpx.Headers
    body: bytes

    @property
    def date(self) -> datetime | None:
        """When Atlas answered, by its own clock, in UTC; None if it does not say so."""
        return http_date(self.headers.get("date", ""))


def exchange(
    http: httpx.Client,
    request: httpx.Request,
    deadline: Deadline,
    *,
    auth: httpx.Auth | None = None,
    secrets: Iterable[str] = (),
    limit: int = ANSWER_LIMIT,
) -> Answer:
    """
    Send the request and return the answer, which may have `limit` bytes.

    Raises AtlasUnavailableError, without the `secrets` in its text, if there is no answer,
    UnexpectedAtlasResponseError if it is too large, and what the `auth` raises.
    """
    deadline.require(LEAST_EXCHANGE, "ask Atlas")
    try:
        with bounded(min(EXCHANGE_TIMEOUT, deadline.remaining()), limit) as bounds:
            try:
                response = http.send(request, auth=auth, stream=True)
            except (httpx.NetworkError, httpx.RemoteProtocolError):
                if not _died_while_idle(request, bounds):
                    raise
                response = http.send(request, auth=auth, stream=True)
            with closing(response):
                body = b"".join(response.iter_raw())
    except httpx.ProtocolError as error:
        # The error quotes bytes of the answer, which may be part of a token or URL.
        msg = f"Atlas did not answer in HTTP: {type(error).__name__}"
        raise AtlasUnavailableError(msg) from None
    except httpx.TransportError as error:
        reason = redact(str(error), hidden_texts(request, secrets)) or "no reason given"
        msg = f"Atlas did not answer: {type(error).__name__}: {reason}"
        raise AtlasUnavailableError(msg) from None
    return Answer(response.status_code, response.headers, body)


def hidden_texts(request: httpx.Request, secrets: Iterable[str]) -> tuple[str, ...]:
    """Return the secrets, and what authenticated the request. No error quotes any of them."""
    _scheme, _, sent = request.headers.get("Authorization", "").partition(" ")
    # A part of a digest is not a secret, but it does not belong in an error.
    return (*secrets, sent, *re.findall(r'[^\s",=]{12,}', sent))


def _died_while_idle(request: httpx.Request, bounds: Bounds) -> bool:
    """
    The kept connection had died, as all may while Lambda freezes the environment.

    Only a request without an effect may then be sent again (RFC 9110, section 9.2.2).
    """
    return request.method == "GET" and not bounds.connections and not bounds.received
