"""
Bounds for one exchange with Atlas that httpx does not have: on all of it, not on each read.

httpx's timeouts hold for a single read, so an answer of one byte a second would never time out, and
the operating system's name look-up has no timeout at all. Both are bounded here, below httpx, at
the network backend that httpcore offers for it. Bytes are bounded at the same place, so that no
answer of any kind, a challenge included, can fill the memory.
"""

import ssl
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import httpcore
import httpx

from restore_watch import __version__
from restore_watch.errors import UnexpectedAtlasResponseError

CONNECT_TIMEOUT = 5.0
"""Seconds for the name look-up with the connection, and as many for TLS."""

READ_TIMEOUT = 10.0
"""Seconds without a byte. In every recording Atlas answered within 0.4 s."""

ANSWER_LIMIT = 1_000_000
"""Bytes that one exchange may bring. A restore job takes about 1,000."""

KEEP_ALIVE = 240.0
"""Seconds an idle connection is kept, so that the next minute's check finds it open."""

LOOK_UPS = 4
"""Name look-ups that may hang at once before a further one has to wait for its turn."""


# httpx would unpack a body, and to what a megabyte unpacks is not bounded; would read an address
# that is not followed, and fail for one that it cannot read; would keep a cookie.
_NOT_ACTED_ON = ("Content-Encoding", "Location", "Set-Cookie")


@dataclass
class _Bounds:
    ends_at: float
    bytes_left: int = ANSWER_LIMIT

    def cut(self, timeout: float | None, expired: type[Exception]) -> float:
        """Return the seconds after which the next step must have ended."""
        left = self.ends_at - time.monotonic()
        if left <= 0:
            msg = "the time for the whole exchange is over"
            raise expired(msg)
        return left if timeout is None else min(timeout, left)

    def spend(self, data: bytes) -> bytes:
        self.bytes_left -= len(data)
        if self.bytes_left < 0:
            msg = f"Atlas sent more than {ANSWER_LIMIT} bytes"
            raise UnexpectedAtlasResponseError(msg)
        return data


_bounds: ContextVar[_Bounds] = ContextVar("_bounds")


@contextmanager
def bounded(seconds: float) -> Iterator[None]:
    """
    Bound the network traffic of the block to so many seconds and to ANSWER_LIMIT bytes.

    Past the first, httpx's timeouts are raised; past the second, UnexpectedAtlasResponseError.
    """
    token = _bounds.set(_Bounds(time.monotonic() + seconds))
    try:
        yield
    finally:
        _bounds.reset(token)


def http_client() -> httpx.Client:
    """
    Return the client that talks to Atlas, to be used within `bounded` and kept for many checks.

    Nothing of the environment (proxies, certificates, .netrc) steers it, no cookie is kept, and
    redirects are not followed.
    """
    return httpx.Client(
        transport=_Transport(),
        headers={
            "User-Agent": f"atlas-restore-watch/{__version__}",
            # An answer takes a kilobyte; without compression its size is what was counted.
            "Accept-Encoding": "identity",
        },
        timeout=httpx.Timeout(READ_TIMEOUT, connect=CONNECT_TIMEOUT),
        follow_redirects=False,
        trust_env=False,
    )


class _Transport(httpx.HTTPTransport):
    def __init__(self) -> None:
        context = httpx.create_ssl_context(trust_env=False)
        super().__init__(verify=context)
        # httpx 0.28 hands no network backend down to the pool that it makes of the same arguments.
        self._pool = httpcore.ConnectionPool(
            ssl_context=context, keepalive_expiry=KEEP_ALIVE, network_backend=_Backend()
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = super().handle_request(request)
        for name in _NOT_ACTED_ON:
            response.headers.pop(name, None)
        return response


class _Backend(httpcore.NetworkBackend):
    def __init__(self) -> None:
        self._sync = httpcore.SyncBackend()
        self._connecting = ThreadPoolExecutor(LOOK_UPS, thread_name_prefix="connect")

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        timeout = _bounds.get().cut(timeout, httpcore.ConnectTimeout)
        # In a thread, because a name look-up cannot be interrupted, only left behind.
        connected = self._connecting.submit(
            self._sync.connect_tcp, host, port, timeout, local_address, socket_options
        )
        try:
            return _Stream(connected.result(timeout))
        except TimeoutError as error:
            connected.add_done_callback(_close_late)
            msg = "the name look-up timed out"
            raise httpcore.ConnectTimeout(msg) from error


def _close_late(connected: Future[httpcore.NetworkStream]) -> None:
    if not connected.cancelled() and connected.exception() is None:
        connected.result().close()


class _Stream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        bounds = _bounds.get()
        return bounds.spend(self._stream.read(max_bytes, bounds.cut(timeout, httpcore.ReadTimeout)))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _bounds.get().cut(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        timeout = _bounds.get().cut(timeout, httpcore.ConnectTimeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
