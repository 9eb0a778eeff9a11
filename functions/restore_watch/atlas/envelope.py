"""Opens the envelope of `envelope=true`. Pure."""

import json
from http import HTTPStatus

from foundation.json_text import read_object


def open_envelope(status: int, body: bytes) -> tuple[int, bytes]:
    """
    Return the true status and body of an answer. An answer without an envelope stays the same.

    With an envelope even a refusal has HTTP status 200; its true status is a number in the body.
    MongoDB's documents name the content both `content` and `envelope`.
    """
    answer = read_object(body)
    if answer is None:
        return status, body
    inner = answer.get("status")
    # A job's own status is a word; only an envelope's is a number.
    if isinstance(inner, bool) or not isinstance(inner, int) or not 200 <= inner <= 599:
        return status, body
    content = answer.get("content", answer.get("envelope"))
    if isinstance(content, dict):
        return inner, json.dumps(content).encode()
    # A refusal may have no content; a job always has.
    return (status, body) if inner == HTTPStatus.OK else (inner, b"")
