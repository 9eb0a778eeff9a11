"""
Atlas's refusals as typed errors.

If Atlas's `errorCode` has one clear meaning, it decides; otherwise the HTTP status does. Atlas uses
UNEXPECTED_ERROR with 401, 404 and 500, and sends bodies without a code, or no body at all. Message
texts decide nothing.
"""

import re
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Any

from foundation.json_text import as_list, as_map, read_object
from foundation.retry_after import read_wait, retry_after
from restore_watch.atlas.credentials import STORE_AS_API_KEY
from restore_watch.atlas.exchange import Answer
from restore_watch.atlas.rate_limits import Bucket
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

# These codes have one meaning with any HTTP status.
_BY_CODE: dict[str, type[AtlasError]] = {
    "CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API": AtlasBadRequestError,
    "CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API": AtlasBadRequestError,
    "FEATURE_UNSUPPORTED": AtlasBadRequestError,
    "CLUSTER_NOT_FOUND": RestoreJobNotFoundError,
    "GROUP_NOT_FOUND": RestoreJobNotFoundError,
    "RESOURCE_NOT_FOUND": RestoreJobNotFoundError,
    "USER_UNAUTHORIZED": AtlasUnauthorizedError,
    "IP_ADDRESS_NOT_ON_ACCESS_LIST": AtlasForbiddenError,
    "RATE_LIMITED": AtlasRateLimitError,
    "RATE_LIMITED_TOKEN_BUCKET": AtlasRateLimitError,
    "VERSION_GONE": EndpointRetiredError,
    "SERVICE_UNAVAILABLE": AtlasUnavailableError,
}

# The token endpoint says nothing about a restore job or its endpoint.
_TOKEN_ERRORS = {status: _ERRORS[status] for status in (401, 403, 408, 429)}
# RFC 6749, 5.2: the answer to wrong credentials may be a 400 as well.
_TOKEN_ERRORS[400] = AtlasUnauthorizedError

_ACCESS_LIST = "IP_ADDRESS_NOT_ON_ACCESS_LIST"

TOKEN_LIMIT_WINDOW = 60.0
"""Seconds over which Atlas counts token requests. Its endpoint is not known to send Retry-After."""

_CODE = re.compile(r"[A-Za-z0-9_]{1,100}")


def is_refusal(body: bytes) -> bool:
    """Whether the body has an error code of one meaning: then it is a refusal, even with 200."""
    return str((read_object(body) or {}).get("errorCode")) in _BY_CODE


def family_refusal(
    bucket: Bucket, answer: Answer, *, secrets: Iterable[str], is_list: bool = False
) -> AtlasError:
    """Return the error for an answer of a family of endpoints, of a project, that refuses."""
    (group_id, family), status = bucket, answer.status
    asked_for = family.of_list if is_list else family.of_single
    reason = _reason(answer, secrets)
    error = _BY_CODE.get(reason.error_code or "") or _ERRORS.get(status) or _by_class(status)
    advice = _ADVICE.get(error, "").format(role=family.role)
    if reason.error_code == "GROUP_NOT_FOUND" and group_id:
        advice = f"Atlas has no project {group_id}: correct groupId, or AtlasProjectIds"
    where = f"Atlas answered {status} for {asked_for}"
    refusal = _error(error, where, reason, advice)
    refusal.family = family
    return refusal


def token_refusal(
    answer: Answer, *, secrets: Iterable[str], may_be_api_key: bool = False
) -> AtlasError:
    """Return the error for an answer of the token endpoint that is not 200."""
    reason = _reason(answer, secrets, wait=TOKEN_LIMIT_WINDOW)
    error = _TOKEN_ERRORS.get(answer.status) or _by_class(answer.status)
    where = f"Atlas answered {answer.status} to the token request"
    advice = _TOKEN_ADVICE.get(error, "")
    if error is AtlasUnauthorizedError and may_be_api_key:
        advice = STORE_AS_API_KEY
    return _error(error, where, reason, advice)


_ADVICE: dict[type[AtlasError], str] = {
    AtlasUnauthorizedError: (
        "Give the service account or API key {role}. If it has the role, renew the credentials in "
        "the secret"
    ),
    AtlasForbiddenError: "Give the service account or API key access to this project",
    EndpointRetiredError: "Atlas no longer offers this endpoint, or this version of it",
}
_TOKEN_ADVICE: dict[type[AtlasError], str] = {
    AtlasUnauthorizedError: "Renew client_id and client_secret in the secret",
    AtlasForbiddenError: (
        "Atlas keeps 100 live tokens for each service account, each for an hour: give this stack "
        "a separate service account"
    ),
}


def _by_class(status: int) -> type[AtlasError]:
    return AtlasUnavailableError if status >= 500 else UnexpectedAtlasResponseError


def _error(error: type[AtlasError], where: str, reason: AtlasReason, advice: str) -> AtlasError:
    if reason.error_code == _ACCESS_LIST:
        advice = (
            f"Add {reason.address or 'the address of this function'} to Atlas's API access list"
        )
    if 300 <= reason.http_status < 400:
        advice = "Redirects are not followed: credentials go to one host only"
    summary = f"{where}: {reason}"
    refusal = error(f"{summary.rstrip('.')}. {advice}" if advice else summary, reason)
    refusal.summary = summary
    return refusal


def _reason(refusal: Answer, secrets: Iterable[str], wait: float | None = None) -> AtlasReason:
    status, headers, body = refusal
    answer = read_object(body) or {}
    hidden = tuple(secrets)
    # The token endpoint uses OAuth: its `error` is the code, a text. Elsewhere `error` is a number.
    code = answer.get("errorCode") or answer.get("error")
    detail = answer.get("detail") or answer.get("error_description")
    parameters = as_list(answer.get("parameters"))
    limited = status == 429 or _BY_CODE.get(str(code)) is AtlasRateLimitError
    if code == "RATE_LIMITED_TOKEN_BUCKET" and len(parameters) > 1:
        wait = read_wait(parameters[1]) or wait
    return AtlasReason(
        http_status=status,
        error_code=redact(code, hidden)
        if isinstance(code, str) and _CODE.fullmatch(code)
        else None,
        detail=redact(detail, hidden) if isinstance(detail, str) else None,
        bad_request_fields=tuple(_bad_request_fields(answer, hidden)),
        address=read_ip_address(parameters[0]) if code == _ACCESS_LIST and parameters else None,
        retry_after_seconds=retry_after(headers) or (wait if limited else None),
    )


def _bad_request_fields(answer: dict[str, Any], hidden: tuple[str, ...]) -> Iterable[str]:
    fields = as_list(as_map(answer.get("badRequestDetail")).get("fields"))
    for field in map(as_map, fields[:5]):
        parts = (field.get("field"), field.get("description"))
        texts = [part for part in parts if isinstance(part, str)]
        if texts:
            yield redact(": ".join(texts), hidden)


def read_ip_address(value: object) -> str | None:
    """Return an address in its usual form. None for anything else."""
    try:
        # ip_address also accepts a number, and an IPv6 zone can be any text.
        return str(ip_address(value)) if isinstance(value, str) and "%" not in value else None
    except ValueError:
        return None
