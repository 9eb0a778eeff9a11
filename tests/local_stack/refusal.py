"""Atlas's error answers: its shape, our words."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from local_stack.faults import Answer


class Refusal(Exception):  # noqa: N818 - an answer on its way out, not an error of the emulator
    """Ends a request with this answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def atlas_error(
    status: int,
    code: str | None,
    detail: str,
    parameters: Sequence[str | int] | None = (),
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Return an ApiError. The header `X-Error-Code` repeats its code, except on a 401."""
    body = {
        "detail": detail,
        "error": status,
        "errorCode": code,
        "parameters": None if parameters is None else list(parameters),
        "reason": HTTPStatus(status).phrase,
    }
    repeated = {"X-Error-Code": code} if code and status != HTTPStatus.UNAUTHORIZED else {}
    return Answer.json(status, body, {"Vary": "Accept-Encoding", **repeated, **(headers or {})})


def oauth_error(status: int, error: str, description: str) -> Answer:
    """Return an error of the token endpoint, where `error` is a word."""
    return Answer.json(status, {"error": error, "error_description": description})
