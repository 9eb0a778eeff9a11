"""
Opens the envelopes of Atlas's answers.

With `envelope=true` Atlas answers 200 to everything and puts the true status into the body. The
transport opens it, so that authentication and all callers see the true answer.
"""

import json
from http import HTTPStatus

import httpx

from foundation.json_text import read_object

ENVELOPE = "atlas_envelope"
"""The extension of a request that asks for an envelope: `{ENVELOPE: True}`."""


class OpenedEnvelopes(httpx.BaseTransport):
    """Opens the envelope of an answer to a request that asks for it."""

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
