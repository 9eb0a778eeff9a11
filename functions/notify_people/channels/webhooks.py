"""
Sends JSON by HTTPS, within limits.

The address of a webhook is a credential, so it is in no error and no log. Requests go through
httpx's transport and not through its client, which logs addresses, follows redirects, keeps cookies
and reads proxies from the environment. The body of an answer is not read: it may quote the address
or the key.
"""

import json
import time
from collections.abc import Callable, Mapping
from functools import partial
from threading import Event
from typing import Any

import httpx

from foundation import USER_AGENT
from foundation.deadline import Deadline
from foundation.errors import ApplicationError
from foundation.repeating import Backoff, repeat, wait_before_next
from foundation.retry_after import retry_after
from foundation.timed_call import LEAST_TIME, CallTimeoutError, timed_call
from notify_people.channels.channel import Channel
from notify_people.errors import ChannelRefusedError, ChannelUnavailableError

LONGEST_WAIT = 8.0
"""Seconds between two tries at most. A longer wait is cheaper in SQS than in an invocation."""

_BACKOFF = Backoff(first=0.5, jitter=0.5, longest=4.0)


class Webhooks:
    """Posts to addresses that the operator chose. Any thread may use it."""

    def __init__(self, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._sleep = sleep
        self._transport = httpx.HTTPTransport(trust_env=False)

    def post(
        self, channel: Channel, address: str, body: Mapping[str, Any], deadline: Deadline
    ) -> None:
        """
        Post the body, again after 408, 429, 5xx or no connection, within the deadline.

        If the body was sent and no answer came, only the pager gets it again, because it
        recognizes a repetition. Raises ChannelRefusedError or ChannelUnavailableError.
        """
        request = _request(address, body)

        def wait_after(error: ApplicationError, tries: int) -> float | None:
            if not isinstance(error, ChannelUnavailableError):
                return None
            is_known = channel is Channel.PAGER
            if error.was_sent and not is_known:
                return None
            return wait_before_next(
                tries,
                _BACKOFF.pause(tries),
                error.retry_after_seconds,
                deadline.remaining(),
                longest=LONGEST_WAIT,
                least=LEAST_TIME,
            )

        repeat(partial(self._try, channel, request, deadline), wait_after, self._sleep)

    def _try(self, channel: Channel, request: httpx.Request, deadline: Deadline) -> None:
        was_sent = Event()
        request.extensions["trace"] = _watch(deadline, was_sent)
        try:
            exchange = partial(self._exchange, request)
            status, headers = timed_call(deadline, f"post to {channel}", exchange)
        except CallTimeoutError:
            # Its connection is closed, so a thread that was left behind ends.
            self._transport.close()
            msg = f"{channel} did not answer in time"
            raise ChannelUnavailableError(msg, was_sent=was_sent.is_set(), is_late=True) from None
        # A name that cannot be looked up is a UnicodeError.
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            # Not quoted and not chained: the text may hold the address.
            msg = f"{channel} did not answer: {type(error).__name__}"
            late = isinstance(error, httpx.TimeoutException)
            raise ChannelUnavailableError(msg, was_sent=was_sent.is_set(), is_late=late) from None
        if status in {408, 429} or status >= 500:
            msg = f"{channel} answered {status}"
            raise ChannelUnavailableError(msg, retry_after(headers) or 0.0)
        if not 200 <= status < 300:
            raise ChannelRefusedError(f"{channel} answered {status}. {_advice(channel, status)}")

    def _exchange(self, request: httpx.Request) -> tuple[int, httpx.Headers]:
        response = self._transport.handle_request(request)
        response.close()
        return response.status_code, response.headers


def _watch(deadline: Deadline, was_sent: Event) -> Callable[[str, Any], None]:
    """
    Watch an exchange: https://www.encode.io/httpcore/extensions/#trace.

    A call that was left behind sends nothing: a newer notice may have been sent since.
    """

    def trace(event: str, _: Any) -> None:
        if event.endswith("send_request_headers.started") and not deadline.remaining():
            raise CallTimeoutError
        if event.endswith("send_request_body.complete"):
            was_sent.set()

    return trace


def _request(address: str, body: Mapping[str, Any]) -> httpx.Request:
    seconds_without_a_byte = httpx.Timeout(10.0, connect=3.0)
    return httpx.Request(
        "POST",
        address,
        # As UTF-8: an escape takes three times the bytes, and Teams takes only 28 KB.
        content=json.dumps(body, ensure_ascii=False).encode(),
        headers={"Content-Type": "application/json", "User-Agent": USER_AGENT},
        extensions={"timeout": seconds_without_a_byte.as_dict()},
    )


def _advice(channel: Channel, status: int) -> str:
    if 300 <= status < 400:
        return "Redirects are not followed: put the final address into the secret"
    if channel is Channel.PAGER:
        return (
            "pagerduty_routing_key is probably wrong: use the key of an Events API v2 integration. "
            "An account of the EU service region also needs pagerduty_url"
        )
    if status in {400, 413, 422}:
        return f"{channel}_webhook_url is probably not complete: copy the whole address"
    return f"Its webhook was revoked or changed: put a new {channel}_webhook_url into the secret"
