"""
The connections to Atlas, within the bounds of each exchange.

The operating system's name lookup has no timeout, and httpx's timeouts limit a single read. A
network backend of httpcore, below httpx, limits the whole exchange and the bytes it receives. httpx
has no argument for such a backend, so a transport of ours hands it to httpcore.

Each slot has its own connection pool. In one pool for 32 threads, httpcore's default of ten
connections allows a third of the requests, and assigning them to more takes longer than sending.
"""

import ssl
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpcore
import httpx

from restore_watch.atlas.transport.bounds import current_bounds

CONNECT_TIMEOUT = 5.0
"""Seconds for name lookup and connection together, and the same again for TLS."""

READ_TIMEOUT = 10.0
"""Seconds without a byte. In every recording Atlas answered within 0.4 s."""

KEEP_ALIVE = 240.0
"""Seconds an idle connection is kept, so that the next minute's check finds it open."""

LOOK_UPS = 32
"""This many name lookups may hang at once. The next lookup has to wait for a thread."""

_IGNORED_HEADERS = {b"content-encoding", b"location", b"set-cookie"}
"""
With these, httpx would decompress an answer to any size, fail at a malformed address of a redirect
that it does not follow, and send a challenge's cookies back.
"""


class Connections(httpx.BaseTransport):
    """
    Sends the requests of each slot over connections that no other slot uses.

    As httpx.HTTPTransport, which has no argument for a network backend.
    """

    def __init__(self) -> None:
        # One for all slots: it takes long to make, because it reads every certificate.
        tls = httpx.create_ssl_context(trust_env=False)
        backend = _BoundedBackend()
        self._pools = defaultdict[int, httpcore.ConnectionPool](
            lambda: httpcore.ConnectionPool(
                ssl_context=tls, keepalive_expiry=KEEP_ALIVE, network_backend=backend
            )
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Return the answer, whose body is still to be read."""
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
            answer = self._pools[current_bounds().slot].handle_request(sent)
        headers = [
            (name, value) for name, value in answer.headers if name.lower() not in _IGNORED_HEADERS
        ]
        return httpx.Response(
            answer.status,
            headers=headers,
            stream=_AnswerBody(answer),
            extensions=answer.extensions,
        )

    def close(self) -> None:
        """Close the connections of every slot."""
        for pool in self._pools.values():
            pool.close()


class _AnswerBody(httpx.SyncByteStream):
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


class _BoundedBackend(httpcore.SyncBackend):
    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, *how: Any, **named: Any
    ) -> httpcore.NetworkStream:
        bounds = current_bounds()
        bounds.connections += 1
        timeout = bounds.timeout(timeout, httpcore.ConnectTimeout)
        # In a thread, because a name lookup cannot be interrupted.
        connected = _connecting.submit(super().connect_tcp, host, port, timeout, *how, **named)
        try:
            return _BoundedStream(connected.result(timeout))
        except TimeoutError as error:
            connected.add_done_callback(_close_late)
            msg = "the name lookup timed out"
            raise httpcore.ConnectTimeout(msg) from error


def _close_late(connected: Future[httpcore.NetworkStream]) -> None:
    if not connected.cancelled() and connected.exception() is None:
        connected.result().close()


class _BoundedStream(httpcore.NetworkStream):
    """
    A connection within the bounds of the exchange that uses it.

    The last byte of each packet is handed out only if HTTP needs it. If it is still here after an
    answer, the server has sent more than that answer: somebody would take the rest for the next
    answer. The connection then counts as readable, and httpcore closes it, as it does if a server
    sends or closes while nothing was asked.
    """

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream
        self._last_byte = b""

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._last_byte:
            data, self._last_byte = self._last_byte, b""
            return data
        bounds = current_bounds()
        data = self._stream.read(max_bytes, bounds.timeout(timeout, httpcore.ReadTimeout))
        bounds.spend(data)
        if len(data) > 1:
            data, self._last_byte = data[:-1], data[-1:]
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, current_bounds().timeout(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        timeout = current_bounds().timeout(timeout, httpcore.ConnectTimeout)
        return _BoundedStream(self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable" and self._last_byte:
            return True
        return self._stream.get_extra_info(info)
