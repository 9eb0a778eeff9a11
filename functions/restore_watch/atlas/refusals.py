"""
What Atlas answers when it does not answer with a restore job, as typed errors.

The HTTP status decides first: Atlas uses one error code (UNEXPECTED_ERROR) with 401, 404 and 500,
and sends bodies without a code, or none at all. Nothing is matched on message text.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from typing import Any, Self

from restore_watch.errors import (
    AtlasBadRequestError,
    AtlasError,
    AtlasForbiddenError,
    AtlasRateLimitError,
    AtlasReason,
    AtlasUnauthorizedError,
    AtlasUnavailableError,
    EndpointRetiredError,
    RestoreJobNotFoundError,
    UnexpectedAtlasResponseError,
)
from restore_watch.redaction import redact
from restore_watch.restore_job import RestoreKind

_ERRORS: dict[int, type[AtlasError]] = {
    400: AtlasBadRequestError,
    401: AtlasUnauthorizedError,
    403: AtlasForbiddenError,
    404: RestoreJobNotFoundError,
    405: EndpointRetiredError,
    406: EndpointRetiredError,
    408: AtlasUnavailableError,
    410: EndpointRetiredError,
    429: AtlasRateLimitError,
}

# At the token endpoint nothing is said of a restore job or its endpoint.
_TOKEN_ERRORS = {status: _ERRORS[status] for status in (401, 403, 408, 429)}
# RFC 6749, 5.2: refused credentials may be a 400 as well.
_TOKEN_ERRORS[400] = _TOKEN_ERRORS[401]

# Required roles by the specification's x-rolesRequirements and, for tenant, its text.
_ROLES = {
    RestoreKind.FLEX: "Project Read Only",
    RestoreKind.TENANT: "Project Read Only",
    RestoreKind.DEDICATED: "Project Backup Manager",
}

_ACCESS_LIST = "IP_ADDRESS_NOT_ON_ACCESS_LIST"
_TOKEN_BUCKET = "RATE_LIMITED_TOKEN_BUCKET"  # noqa: S105 - Atlas's error code, not a password

TOKEN_LIMIT_WINDOW = 60.0
"""Seconds over which Atlas counts token requests; it is not known to send Retry-After for them."""

STANDS_AT_MOST = 60.0
"""Seconds; Atlas fills its rate limits up again within a minute."""

LONGEST_WAIT = 86_400.0
"""Seconds; whatever is asked for beyond a day is no answer of Atlas's."""

_CODE = re.compile(r"[A-Za-z0-9_]{1,100}")


@dataclass(frozen=True)
class StandingRefusal:
    """A refusal that is not asked for again for so many `seconds` since `since`, a Unix time."""

    kind: type[AtlasError]
    message: str
    reason: AtlasReason | None
    since: float
    seconds: float

    @classmethod
    def of(cls, error: AtlasError, now: float, pause: float) -> Self:
        """It stands for as long as Atlas says, a minute at most, else for `pause` seconds."""
        seconds = min(error.retry_after_seconds or pause, STANDS_AT_MOST)
        # Not the error itself, which holds on to all that was at hand where it was raised.
        return cls(type(error), error.args[0], error.reason, now, seconds)

    def stands(self, now: float) -> bool:
        """Whether it does; a clock that was set back ends it."""
        return 0 <= now - self.since < self.seconds

    def raise_while_it_stands(self, now: float) -> None:
        """Raise the error anew, with what is left of Atlas's time."""
        if not self.stands(now):
            return
        reason = self.reason
        if reason and reason.retry_after_seconds:
            left = reason.retry_after_seconds - (now - self.since)
            reason = replace(reason, retry_after_seconds=left)
        raise self.kind(self.message, reason)


def job_refusal(
    kind: RestoreKind,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    secrets: Iterable[str],
) -> AtlasError:
    """Return the error for an answer of a restore endpoint that is not 200."""
    reason = _reason(status, headers, body, secrets)
    advice = _ADVICE.get(status, "").format(role=_ROLES[kind])
    return _error(_ERRORS, f"Atlas answered {status} for a {kind} restore job", reason, advice)


def token_refusal(
    status: int, headers: Mapping[str, str], body: bytes, *, secrets: Iterable[str]
) -> AtlasError:
    """Return the error for an answer of the token endpoint that is not 200."""
    reason = _reason(status, headers, body, secrets, wait=TOKEN_LIMIT_WINDOW)
    advice = _TOKEN_ADVICE.get(status, "")
    return _error(_TOKEN_ERRORS, f"Atlas answered {status} to the token request", reason, advice)


_ADVICE = {
    401: (
        "Give the service account or API key the role {role} in this project; if it has it, renew "
        "the credentials in the secret"
    ),
    403: "Give the service account or API key access to this project",
    405: "Atlas no longer offers this endpoint",
    406: "Atlas no longer offers this version of the endpoint",
    410: "Atlas no longer offers this version of the endpoint",
}
_TOKEN_ADVICE = {
    **dict.fromkeys((400, 401), "Renew client_id and client_secret in the secret"),
    403: (
        "Atlas keeps 100 live tokens for each service account, each for an hour: give this stack "
        "a service account of its own"
    ),
}


def _error(
    errors: Mapping[int, type[AtlasError]], where: str, reason: AtlasReason, advice: str
) -> AtlasError:
    status = reason.http_status
    if reason.error_code == _ACCESS_LIST:
        advice = (
            f"Add {reason.address or 'the address of this function'} to Atlas's API access list"
        )
    if 300 <= status < 400:
        advice = "Redirects are not followed: credentials go to one host only"
    by_class = AtlasUnavailableError if status >= 500 else UnexpectedAtlasResponseError
    message = f"{where}: {reason}"
    if advice:
        message = f"{message.rstrip('.')}. {advice}"
    return errors.get(status, by_class)(message, reason)


def _reason(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    secrets: Iterable[str],
    wait: float | None = None,
) -> AtlasReason:
    said = _object(body)
    hidden = tuple(secrets)
    # The token endpoint speaks OAuth: there `error` is the code and text, elsewhere the status.
    code = said.get("errorCode") or said.get("error")
    detail = said.get("detail") or said.get("error_description")
    parameters = said.get("parameters")
    parameters = parameters if isinstance(parameters, list) else []
    if status == 429 and code == _TOKEN_BUCKET and len(parameters) > 1:
        wait = _seconds(parameters[1]) or wait
    return AtlasReason(
        http_status=status,
        error_code=redact(code, hidden)
        if isinstance(code, str) and _CODE.fullmatch(code)
        else None,
        detail=redact(detail, hidden) if isinstance(detail, str) else None,
        bad_request_fields=tuple(_bad_request_fields(said, hidden)),
        address=_address(parameters) if code == _ACCESS_LIST else None,
        retry_after_seconds=retry_after(headers) or (wait if status == 429 else None),
    )


def _object(body: bytes) -> dict[str, Any]:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _bad_request_fields(said: dict[str, Any], hidden: tuple[str, ...]) -> Iterable[str]:
    detail = said.get("badRequestDetail")
    fields = detail.get("fields") if isinstance(detail, dict) else None
    for field in fields[:5] if isinstance(fields, list) else []:
        parts = [field.get("field"), field.get("description")] if isinstance(field, dict) else []
        texts = [part for part in parts if isinstance(part, str)]
        if texts:
            yield redact(": ".join(texts), hidden)


def _address(parameters: list[Any]) -> str | None:
    first = parameters[0] if parameters else None
    try:
        # Numbers are addresses to the library, and a zone may be any text.
        return str(ip_address(first)) if isinstance(first, str) and "%" not in first else None
    except ValueError:
        return None


def retry_after(headers: Mapping[str, str]) -> float | None:
    """
    Return the seconds that Retry-After asks for, in either of its two forms, else None.

    A moment is measured from the answer's own Date, whose clock wrote it. Zero, the past and what
    cannot be read count as not said.
    """
    value = headers.get("retry-after", "")
    try:
        return _seconds(float(value))
    except ValueError:
        pass
    moment = _moment(value)
    if moment is None:
        return None
    answered = _moment(headers.get("date", "")) or datetime.now(UTC)
    return _seconds((moment - answered).total_seconds())


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _seconds(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return min(float(value), LONGEST_WAIT) if math.isfinite(value) and value > 0 else None
