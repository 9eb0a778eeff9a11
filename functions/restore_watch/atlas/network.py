"""
Two things that httpx lacks: limits for a whole exchange with Atlas, and the opening of envelopes.

httpx's timeouts limit a single read, so an answer of one byte a second never times out, and the
operating system's name lookup has no timeout at all. A network backend of httpcore, below httpx,
limits both. It also limits the bytes, so that no answer, not even a challenge, can fill the memory.

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
from contextlib import closing, contextmanager
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
    return _Client(on_sunset)


class _Client(httpx.Client):
    """As httpx's, but without cookies, redirects and a log: they take a sixth of an exchange."""

    def __init__(self, on_sunset: Callable[[str], object]) -> None:
        self._sender = _Transport()
        super().__init__(
            transport=self._sender,
            # An answer is only a kilobyte, and uncompressed its size has a limit.
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
            timeout=httpx.Timeout(READ_TIMEOUT, connect=CONNECT_TIMEOUT),
            trust_env=False,
        )
        self._on_sunset = on_sunset

    def send(
        self, request: httpx.Request, *, stream: bool = False, auth: Any = None, **_: Any
    ) -> httpx.Response:
        """Return the answer, after that to a challenge if there is one."""
        auth = auth if isinstance(auth, httpx.Auth) else httpx.Auth()
        with closing(auth.sync_auth_flow(request)) as flow:
            request = next(flow)
            while True:
                response = self._sender.handle_request(request)
                response.request = request
                try:
                    sunset = response.headers.get("sunset") or response.headers.get("deprecation")
                    if sunset:
                        self._on_sunset(sunset)
                    request = flow.send(response)
                    response.read()
                except StopIteration:
                    break
                except BaseException:
                    response.close()  # or the connection is never used again
                    raise
        if not stream:
            response.read()
        return response


class _Transport(httpx.BaseTransport):
    """Sends the requests of each slot over connections that no other slot uses."""

    def __init__(self) -> None:
        # One for all slots: it takes long to make, because it reads every certificate.
        tls = tls_context()
        self._transports = defaultdict[int, httpx.HTTPTransport](lambda: _transport(tls))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._transports[current_slot()].handle_request(request)
        # With them httpx would decompress to any size, and answer a challenge with its cookies.
        for name in ("Content-Encoding", "Set-Cookie"):
            response.headers.pop(name, None)
        if not request.extensions.get(ENVELOPE) or response.status_code != httpx.codes.OK:
            return response
        status, content = open_envelope(response.status_code, response.read())
        # A stream, because `exchange` reads the raw stream.
        return httpx.Response(status, headers=response.headers, stream=httpx.ByteStream(content))

    def close(self) -> None:
        for transport in self._transports.values():
            transport.close()


def _transport(tls: ssl.SSLContext) -> httpx.HTTPTransport:
    transport = httpx.HTTPTransport(verify=tls)
    # httpx 0.28 has no argument for a network backend.
    transport._pool = httpcore.ConnectionPool(  # noqa: SLF001
        ssl_context=tls, keepalive_expiry=KEEP_ALIVE, network_backend=_Backend()
    )
    return transport


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
