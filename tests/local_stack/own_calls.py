"""The tests' own calls to AWS, which need no socket: an app answers in the thread that calls."""

import io
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit
from wsgiref.types import WSGIApplication

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from werkzeug.test import create_environ, run_wsgi_app


class _Raw(io.BytesIO):
    """The body of an answer, as botocore reads it from a connection."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


def answer_without_socket(client: Any, app: WSGIApplication) -> None:
    """From now on, the app answers every call of a boto3 client."""

    def answer(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        target = urlsplit(request.url)
        body: Any = request.body
        environ = create_environ(
            target.path,
            f"{target.scheme}://{target.netloc}",
            query_string=target.query,
            method=request.method,
            headers=[(name, _text(value)) for name, value in request.headers.items()],
            data=body.read() if hasattr(body, "read") else body,
        )
        chunks, status, headers = run_wsgi_app(app, environ, buffered=True)
        raw = _Raw(b"".join(chunks))
        answered = HTTPHeaders.from_pairs(list(headers))
        return AWSResponse(request.url, int(status.split()[0]), answered, raw)

    client.meta.events.register("before-send", answer)


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
