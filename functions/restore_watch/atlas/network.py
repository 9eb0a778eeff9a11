"""
Two things that httpx lacks: limits for a whole exchange with Atlas, and the opening of envelopes.

httpx's timeouts limit a single read, so an answer of one byte a second never times out, and the
operating system's name lookup has no timeout at all. A network backend of httpcore, below httpx,
limits both. It also limits the bytes, so that no answer, not even a challenge, can fill the memory.
httpx has no argument for such a backend, so a transport of ours hands it to httpcore.

With `envelope=true` Atlas answers 200 to everything and puts the true status into the body. The
transport opens it, so that authentication and all callers see the true answer.

Each exchange has a slot, and each slot its own connection pool. In one pool for 32 threads,
httpcore's default of ten connections allows a third of the requests, and assigning them to more
takes longer than sending. The slot that was given back last is taken first, so a few questions use
the same few connections again and again, whichever threads ask them, and those stay open.
"""

import json
import ssl
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from http import HTTPStatus
from itertools import count
from typing import Any

import httpcore
import httpx

from foundation import USER_AGENT
from foundation.json_text import read_object
from foundation.tls import tls_context
from restore_watch.errors import UnexpectedAtlasResponseError

CONNECT_TIMEOUT = 5.0
"""Seconds for name lookup and connection together, and the same again for TLS."""

READ_TIMEOUT = 10.0
"""Seconds without a byte. In every recording Atlas answered within 0.4 s."""

ANSWER_LIMIT = 1_000_000
"""Bytes that one exchange usually receives at most. A restore job has about 1,000."""

KEEP_ALIVE = 240.0
"""Seconds an idle connection is kept, so that the next minute's check finds it open."""

LOOK_UPS = 32
"""This many name lookups may hang at once. The next one has to wait for a thread."""

ENVELOPE = "atlas_envelope"
"""The extension of a request that asks for an envelope: `{ENVELOPE: True}`."""


@dataclass
class Bounds:
    """The limits and the slot of an exchange, and its use so far: bytes and new connections."""

    ends_at: float
    limit: int
    slot: int
    received: int = 0
    connections: int = 0

    def timeout(self, seconds: float | None, expired: type[Exception]) -> float:
        """Return the timeout of the next step: these seconds, or the rest of the exchange."""
        left = self.ends_at - time.monotonic()
        if left > 0:
            return left if seconds is None else min(seconds, left)
        raise expired("the time for the whole exchange is over")

    def spend(self, data: bytes) -> None:
        """Count received data."""
        self.received += len(data)
        if self.received > self.limit:
            error = UnexpectedAtlasResponseError(f"Atlas sent more than {self.limit} bytes")
            error.is_too_large = True
            raise error


_bounds: ContextVar[Bounds] = ContextVar("_bounds")

_free_slots: list[int] = []
_new_slots = count()


def current_slot() -> int:
    """Return the number of the slot of this thread's exchange. No other thread has it now."""
    return _bounds.get().slot


@contextmanager
def bounded(seconds: float, limit: int = ANSWER_LIMIT) -> Iterator[Bounds]:
    """
    Limit the block to this many seconds and received bytes.

    Raises a timeout of httpx after the time, UnexpectedAtlasResponseError after the bytes.
    """
    try:
        slot = _free_slots.pop()
    except IndexError:
        slot = next(_new_slots)
    bounds = Bounds(time.monotonic() + seconds, limit, slot)
    token = _bounds.set(bounds)
    try:
        yield bounds
    finally:
        _bounds.reset(token)
        _free_slots.append(slot)


def http_client(on_sunset: Callable[[str], object] = lambda _: None) -> httpx.Client:
    """
    Return the client for Atlas, for any number of threads. Use it within `bounded`, and keep it.

    It reads nothing from the environment, keeps no cookie and follows no redirect. `on_sunset` gets
    the Sunset or else Deprecation header of any answer that has one, even of a challenge or token.
    """

    def report_sunset(response: httpx.Response) -> None:
        sunset = response.headers.get("sunset") or response.headers.get("deprecation")
        if sunset:
            on_sunset(sunset)

    return httpx.Client(
        transport=OpenedEnvelopes(_Connections()),
        # An answer is only a kilobyte, and uncompressed its size has a limit.
        headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
        timeout=httpx.Timeout(READ_TIMEOUT, connect=CONNECT_TIMEOUT),
        follow_redirects=False,
        trust_env=False,
        event_hooks={"response": [report_sunset]},
    )


class OpenedEnvelopes(httpx.BaseTransport):
    """Opens the envelope of an answer to a request that asks for one."""

    def __init__(self, transport: httpx.BaseTransport) -> None:
        self._transport = transport

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Return the answer with its true status and body."""
        response = self._transport.handle_request(request)
        if not request.extensions.get(ENVELOPE) or response.status_code != httpx.codes.OK:
            return response
        status, content = open_envelope(response.status_code, response.read())
        # A stream, because `exchange` reads the raw stream.
        return httpx.Response(status, headers=response.headers, stream=httpx.ByteStream(content))

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()


_IGNORED_HEADERS = {b"content-encoding", b"location", b"set-cookie"}
"""
With these, httpx would decompress an answer to any size, fail at a malformed address of a redirect
that it does not follow, and send a challenge's cookies back.
"""


class _Connections(httpx.BaseTransport):
    """
    Sends the requests of each slot over connections that no other slot uses.

    As httpx.HTTPTransport, which has no argument for a network backend.
    """

    def __init__(self) -> None:
        # One for all slots: it takes long to make, because it reads every certificate.
        tls = tls_context()
        backend = _Backend()
        self._pools = defaultdict[int, httpcore.ConnectionPool](
            lambda: httpcore.ConnectionPool(
                ssl_context=tls, keepalive_expiry=KEEP_ALIVE, network_backend=backend
            )
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        sent = httpcore.Request(
            method=request.method,
            url=httpcore.URL(
                scheme=request.url.raw_scheme,
                host=request.url.raw_host,
                port=request.url.port,
                target=request.url.raw_path,
            ),
            headers=request.headers.raw,
            content=request.read(),
            extensions=request.extensions,
        )
        with _errors_translated():
            answer = self._pools[current_slot()].handle_request(sent)
        headers = [one for one in answer.headers if one[0].lower() not in _IGNORED_HEADERS]
        return httpx.Response(
            answer.status,
            headers=headers,
            stream=_AnswerStream(answer),
            extensions=answer.extensions,
        )

    def close(self) -> None:
        for pool in self._pools.values():
            pool.close()


class _AnswerStream(httpx.SyncByteStream):
    """The body of an answer, while it arrives."""

    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        with _errors_translated():
            yield from self._answer.iter_stream()

    def close(self) -> None:
        with _errors_translated():
            self._answer.close()


ERRORS_OF_HTTPX: dict[type[Exception], type[httpx.TransportError]] = {
    httpcore.ConnectTimeout: httpx.ConnectTimeout,
    httpcore.ReadTimeout: httpx.ReadTimeout,
    httpcore.WriteTimeout: httpx.WriteTimeout,
    httpcore.PoolTimeout: httpx.PoolTimeout,
    httpcore.ConnectError: httpx.ConnectError,
    httpcore.ReadError: httpx.ReadError,
    httpcore.WriteError: httpx.WriteError,
    httpcore.LocalProtocolError: httpx.LocalProtocolError,
    httpcore.RemoteProtocolError: httpx.RemoteProtocolError,
    httpcore.UnsupportedProtocol: httpx.UnsupportedProtocol,
}
"""The error of httpx for each error of httpcore."""


@contextmanager
def _errors_translated() -> Iterator[None]:
    """Raise an error of httpcore as that of httpx, which everybody above expects."""
    try:
        yield
    except tuple(ERRORS_OF_HTTPX) as error:
        raise ERRORS_OF_HTTPX[type(error)](str(error)) from error


_connecting = ThreadPoolExecutor(LOOK_UPS, thread_name_prefix="connect")


class _Backend(httpcore.SyncBackend):
    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, *how: Any, **named: Any
    ) -> httpcore.NetworkStream:
        bounds = _bounds.get()
        bounds.connections += 1
        timeout = bounds.timeout(timeout, httpcore.ConnectTimeout)
        # In a thread, because a name lookup cannot be interrupted.
        connected = _connecting.submit(super().connect_tcp, host, port, timeout, *how, **named)
        try:
            return _Stream(connected.result(timeout))
        except TimeoutError as error:
            connected.add_done_callback(_close_late)
            msg = "the name lookup timed out"
            raise httpcore.ConnectTimeout(msg) from error


def _close_late(connected: Future[httpcore.NetworkStream]) -> None:
    if not connected.cancelled() and connected.exception() is None:
        connected.result().close()


class _Stream(httpcore.NetworkStream):
    """
    A connection within the bounds of the exchange that uses it.

    The last byte of each packet is handed out only if HTTP needs it. If it is still here after an
    answer, the server has sent more than that answer: somebody would take the rest for the next
    one. The connection then counts as readable, and httpcore closes it, as it does if a server
    sends or closes while nothing was asked.
    """

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream
        self._last_byte = b""

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._last_byte:
            data, self._last_byte = self._last_byte, b""
            return data
        bounds = _bounds.get()
        data = self._stream.read(max_bytes, bounds.timeout(timeout, httpcore.ReadTimeout))
        bounds.spend(data)
        if len(data) > 1:
            data, self._last_byte = data[:-1], data[-1:]
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _bounds.get().timeout(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        timeout = _bounds.get().timeout(timeout, httpcore.ConnectTimeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable" and self._last_byte:
            return True
        return self._stream.get_extra_info(info)


def open_envelope(status: int, body: bytes) -> tuple[int, bytes]:
    """
    Return the true status and body of an answer. An answer without an envelope stays the same.

    With an envelope even a refusal has HTTP status 200; its true status is a number in the body.
    MongoDB's documents name the content both `content` and `envelope`.
    """
    answer = read_object(body) or {}
    inner = answer.get("status")
    # A job's own status is a word; only an envelope's is a number.
    if isinstance(inner, bool) or not isinstance(inner, int) or not 200 <= inner <= 599:
        return status, body
    content = answer.get("content", answer.get("envelope"))
    if isinstance(content, dict):
        return inner, json.dumps(content).encode()
    # A refusal may have no content; a job always has.
    return (status, body) if inner == HTTPStatus.OK else (inner, b"")
