"""
A WSGI app on a loopback port, over connections that stay open.

Werkzeug's own handler closes every connection after one answer, and waits 10 ms for stray bytes
before that; Atlas and AWS do neither.
"""

import itertools
import logging
import os
import secrets
import select
import socket
import ssl
import struct
import subprocess
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from io import BytesIO
from typing import Self, override
from wsgiref.types import WSGIApplication, WSGIEnvironment

from werkzeug.datastructures import Headers
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler
from werkzeug.test import run_wsgi_app

LINE = "local_stack.line"
"""The key in an app's environ of the Line on which the request came in."""

_log = logging.getLogger(__name__)
_connection_numbers = itertools.count(1)


class HungUp(Exception):  # noqa: N818 - an outcome that an app asks for, not an error
    """
    Raised by an app that has ended the connection itself: no further byte is sent.

    `status` is that of an answer that the app has sent already.
    """

    def __init__(self, status: int | None = None) -> None:
        super().__init__(status)
        self.status = status


class Line:
    """The TCP connection a request came in on."""

    def __init__(self, connection: socket.socket, stopping: threading.Event) -> None:
        self.number = next(_connection_numbers)
        self._connection = connection
        self._stopping = stopping

    def send(self, data: bytes) -> None:
        self._connection.sendall(data)

    def send_last(self, data: bytes) -> None:
        """Send data and FIN together: a client that has read the data can see the FIN."""
        self._connection.sendall(data, socket.MSG_MORE)
        self.close()

    def reset(self) -> None:
        """End the connection with RST: what the client has not read yet is lost."""
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # The handler's file objects would keep a closed socket open, but not its descriptor.
        os.close(self._connection.detach())

    def close(self) -> None:
        """End the connection with FIN, in both directions."""
        with suppress(OSError):  # the client may have closed it already
            self._connection.shutdown(socket.SHUT_RDWR)

    def wait(self, seconds: float) -> bool:
        """Return True when the time has passed, False if the server stops first."""
        return not self._stopping.wait(seconds)

    def wait_for_client(self) -> bool:
        """Return True when the client sends more or hangs up, False if the server stops first."""
        while not self._stopping.is_set():
            readable, _, _ = select.select([self._connection], [], [], 0.02)
            if readable:
                return True
        return False


def free_port() -> int:
    """Return a free port outside the range from which outgoing connections take theirs."""
    while True:
        # Not from a generator with a seed, which two runs may share.
        port = 15_000 + secrets.randbelow(17_000)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def wait_until_listening(
    port: int, process: subprocess.Popen[bytes], seconds: float = 10.0
) -> None:
    """Return when the process listens, or has ended."""
    until = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < until:
        with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.002)


def head_of(status: str, headers: Iterable[tuple[str, str]]) -> bytes:
    """Return the status line and headers of an answer as they go over the wire."""
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers), "", ""]
    return "\r\n".join(lines).encode("latin-1")


class _Server(ThreadedWSGIServer):
    def __init__(self, app: WSGIApplication, tls: ssl.SSLContext | None) -> None:
        super().__init__("127.0.0.1", 0, app, _KeepAliveHandler, ssl_context=tls)
        self.stopping = threading.Event()
        self.lines: set[Line] = set()


class _KeepAliveHandler(WSGIRequestHandler):
    """One for each connection. It sends an answer in one write, so nothing waits for an ACK."""

    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    @override
    def setup(self) -> None:
        super().setup()
        self.line = Line(self.connection, self.server.stopping)
        self.server.lines.add(self.line)

    @override
    def finish(self) -> None:
        self.server.lines.discard(self.line)
        super().finish()

    @override
    def make_environ(self) -> WSGIEnvironment:
        environ = super().make_environ()
        stream = environ["wsgi.input"]
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = stream.read() if "wsgi.input_terminated" in environ else stream.read(length)
        if len(body) < length:  # its sender was killed: AWS does not run half a request either
            raise HungUp
        environ.update(
            {"wsgi.input": BytesIO(body), "CONTENT_LENGTH": str(len(body)), LINE: self.line}
        )
        return environ

    @override
    def run_wsgi(self) -> None:
        try:
            chunks, status, headers = run_wsgi_app(
                self.server.app, self.make_environ(), buffered=True
            )
        except (HungUp, ConnectionError):
            self.close_connection = True
            return
        except Exception:  # noqa: BLE001 - a real server answers 500 as well
            _log.exception("%s %s was not answered", self.command, self.path)
            chunks, status, headers = [], "500 Internal Server Error", Headers()
        self._answer(status, list(headers), b"".join(chunks))

    def _answer(self, status: str, headers: list[tuple[str, str]], body: bytes) -> None:
        names = {name.lower() for name, _ in headers}
        if "date" not in names:
            headers.append(("Date", self.date_time_string()))
        if "content-length" not in names and not status.startswith(("1", "204", "304")):
            headers.append(("Content-Length", str(len(body))))
        if ("connection", "close") in {(name.lower(), value.lower()) for name, value in headers}:
            self.close_connection = True
        self.connection.sendall(
            head_of(status, headers) + (b"" if self.command == "HEAD" else body)
        )

    @override
    def log(self, type: str, message: str, *args: object) -> None:
        """Log nothing; tests read the traffic from the Wire."""


class LoopbackServer:
    """Serves an app on a free port of 127.0.0.1 within its block, one thread per connection."""

    def __init__(self, app: WSGIApplication, *, tls: ssl.SSLContext | None = None) -> None:
        self._server = _Server(app, tls)
        self._scheme = "http" if tls is None else "https"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True
        )

    @property
    def port(self) -> int:
        return self._server.port

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Refuse new connections and end the open ones, even if they wait for something."""
        self._server.stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        for line in list(self._server.lines):
            line.close()
