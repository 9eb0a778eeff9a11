"""One request to Atlas and its whole answer, within limits; and when a request is repeated."""

from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import datetime
from typing import NamedTuple, cast

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception, wait_exponential_jitter

from foundation.deadline import Deadline
from foundation.retry_after import http_date
from restore_watch.atlas.network import ANSWER_LIMIT, Bounds, bounded
from restore_watch.atlas.rate_limits import RATE_LIMIT_PAUSE
from restore_watch.errors import AtlasError, AtlasRateLimitError, AtlasUnavailableError
from restore_watch.redaction import redact

EXCHANGE_TIMEOUT = 15.0
"""Seconds for one exchange: the request, its digest challenge and the whole answer."""

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

    Raises AtlasUnavailableError, without the `secrets` in its text, if there is no answer, and
    UnexpectedAtlasResponseError if it is too large.
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
        reason = redact(str(error), secrets) or "no reason given"
        msg = f"Atlas did not answer: {type(error).__name__}: {reason}"
        raise AtlasUnavailableError(msg) from None
    return Answer(response.status_code, response.headers, body)


def _died_while_idle(request: httpx.Request, bounds: Bounds) -> bool:
    """
    The kept connection had died, as all may while Lambda freezes the environment.

    Only a request without an effect may then be sent again (RFC 9110, section 9.2.2).
    """
    return request.method == "GET" and not bounds.connections and not bounds.received


ATTEMPTS = 4
"""Tries of one request, the first included."""

LONGEST_WAIT = 15.0
"""An invocation waits at most this many seconds between two tries, because it is billed."""

_backoff = wait_exponential_jitter(multiplier=0.2, max=5.0, jitter=0.3)
_rate_limit_backoff = wait_exponential_jitter(multiplier=RATE_LIMIT_PAUSE, jitter=3.0)


def retrying(
    worth_another: Callable[[AtlasError], bool],
    deadline: Deadline,
    sleep: Callable[[float], None],
) -> Retrying:
    """
    Return the loop that repeats a request while its error is `worth_another` attempt.

    It waits with exponential backoff and jitter, after the time that Atlas asks for. It raises the
    last error after ATTEMPTS tries, or if the wait is longer than LONGEST_WAIT or does not fit the
    deadline.
    """

    def is_over(state: RetryCallState) -> bool:
        left = deadline.remaining() - state.upcoming_sleep
        wait = _error(state).retry_after_seconds or state.upcoming_sleep
        return state.attempt_number >= ATTEMPTS or wait > LONGEST_WAIT or left < LEAST_EXCHANGE

    return Retrying(
        retry=retry_if_exception(lambda one: isinstance(one, AtlasError) and worth_another(one)),
        wait=_wait,
        stop=is_over,
        sleep=sleep,
        reraise=True,
    )


def _wait(state: RetryCallState) -> float:
    """Seconds before the next attempt."""
    error = _error(state)
    asked = error.retry_after_seconds
    if asked is None and isinstance(error, AtlasRateLimitError):
        return _rate_limit_backoff(state)
    return (asked or 0.0) + _backoff(state)


def _error(state: RetryCallState) -> AtlasError:
    """Return the error to wait for, which is `worth_another` attempt."""
    return cast("AtlasError", state.outcome and state.outcome.exception())
