"""Atlas's refusals as typed errors: its code decides, else the HTTP status."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from restore_watch.atlas.refusals import family_refusal, token_refusal
from restore_watch.errors import (
    AtlasBadRequestError,
    AtlasError,
    AtlasForbiddenError,
    AtlasRateLimitError,
    AtlasUnauthorizedError,
    AtlasUnavailableError,
    EndpointRetiredError,
    RestoreJobNotFoundError,
    UnexpectedAtlasResponseError,
)
from restore_watch.model.restore_job import RestoreKind
from strategies import date_likes, json_values, kinds, secrets

MARK = "~|~"

CLASSES: dict[int, type[AtlasError]] = {
    204: UnexpectedAtlasResponseError,
    302: UnexpectedAtlasResponseError,
    400: AtlasBadRequestError,
    401: AtlasUnauthorizedError,
    403: AtlasForbiddenError,
    404: RestoreJobNotFoundError,
    405: EndpointRetiredError,
    406: EndpointRetiredError,
    408: AtlasUnavailableError,
    410: EndpointRetiredError,
    418: UnexpectedAtlasResponseError,
    429: AtlasRateLimitError,
    500: AtlasUnavailableError,
    503: AtlasUnavailableError,
}
# The token endpoint says nothing about restore jobs.
TOKEN_CLASSES = (
    CLASSES
    | dict.fromkeys((404, 405, 406, 410), UnexpectedAtlasResponseError)
    | {400: AtlasUnauthorizedError}
)

BODIES = {
    "empty": b"",
    "HTML": b"<html><head><title>502 Bad Gateway</title></head></html>",
    "no code": b'{"error": 401, "reason": "Unauthorized", "detail": "No."}',
    "null code": b'{"error": 404, "errorCode": null, "parameters": null, "detail": null}',
    "UNEXPECTED_ERROR": b'{"error": 500, "errorCode": "UNEXPECTED_ERROR", "detail": "Oh."}',
    "unknown code": b'{"error": 400, "errorCode": "NOT_SERVERLESS_TENANT_CLUSTER"}',
    "list": b"[]",
    "invalid UTF-8": b"\xff\xfe",
    "too deep": b"[" * 100_000,
}

# Codes with one meaning, and the status with which Atlas documents or was seen to send them.
CODES: dict[str, tuple[int, type[AtlasError]]] = {
    "CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API": (400, AtlasBadRequestError),
    "CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API": (400, AtlasBadRequestError),
    "FEATURE_UNSUPPORTED": (400, AtlasBadRequestError),
    "CLUSTER_NOT_FOUND": (404, RestoreJobNotFoundError),
    "GROUP_NOT_FOUND": (404, RestoreJobNotFoundError),
    "RESOURCE_NOT_FOUND": (404, RestoreJobNotFoundError),
    "USER_UNAUTHORIZED": (401, AtlasUnauthorizedError),
    "IP_ADDRESS_NOT_ON_ACCESS_LIST": (403, AtlasForbiddenError),
    "RATE_LIMITED": (429, AtlasRateLimitError),
    "RATE_LIMITED_TOKEN_BUCKET": (429, AtlasRateLimitError),
    "VERSION_GONE": (410, EndpointRetiredError),
    "SERVICE_UNAVAILABLE": (503, AtlasUnavailableError),
}


def refusal(
    status: int,
    body: object = b"",
    *,
    kind: RestoreKind = RestoreKind.FLEX,
    headers: dict[str, str] | None = None,
    hidden: tuple[str, ...] = (),
) -> AtlasError:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return family_refusal(kind, status, httpx.Headers(headers), content, secrets=hidden)


def token_refused(status: int, body: object = b"", **headers: str) -> AtlasError:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return token_refusal(status, httpx.Headers(headers), content, secrets=())


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize(("status", "error"), CLASSES.items(), ids=[str(code) for code in CLASSES])
def test_the_http_status_decides_when_there_is_no_decisive_code(
    status: int, error: type[AtlasError], body: bytes
) -> None:
    for refused, expected in (
        (refusal(status, body), error),
        (token_refused(status, body), TOKEN_CLASSES[status]),
    ):
        assert type(refused) is expected
        assert refused.reason is not None
        assert refused.reason.http_status == status
        assert refused.transient is (expected in {AtlasRateLimitError, AtlasUnavailableError})


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("unexpected", [None, 302, 400, 401, 404, 409, 410, 429, 500], ids=str)
def test_a_decisive_code_overrides_any_http_status(code: str, unexpected: int | None) -> None:
    usual, error = CODES[code]

    refused = refusal(unexpected or usual, {"errorCode": code})

    assert type(refused) is error
    assert refused.error_code == code


def test_an_error_quotes_the_code_and_the_detail() -> None:
    error = refusal(
        400,
        {
            "detail": "Cannot use non-flex cluster orders in the flex API.",
            "error": 400,
            "errorCode": "CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API",
            "parameters": ["orders"],
            "reason": "Bad Request",
        },
    )

    assert error.error_code == "CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API"
    assert error.reason is not None
    assert error.reason.detail == "Cannot use non-flex cluster orders in the flex API."
    assert str(error) == (
        "Atlas answered 400 for a flex restore job: CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API: "
        "Cannot use non-flex cluster orders in the flex API."
    )


def test_an_error_names_the_first_five_fields_that_atlas_rejects() -> None:
    fields = [{"field": f"f{n}", "description": "must not be blank"} for n in range(1000)]

    error = refusal(400, {"errorCode": "VALIDATION_ERROR", "badRequestDetail": {"fields": fields}})

    assert error.reason is not None
    assert error.reason.bad_request_fields == tuple(f"f{n}: must not be blank" for n in range(5))
    assert "f0: must not be blank; f1: must not be blank;" in str(error)


@pytest.mark.parametrize(
    "detail",
    [
        None,
        [],
        "text",
        {},
        {"fields": None},
        {"fields": {}},
        {"fields": [None, 5, "x", [], {}, {"field": 5}]},
    ],
    ids=repr,
)
def test_a_bad_request_detail_of_another_shape_is_left_out(detail: object) -> None:
    error = refusal(400, {"errorCode": "VALIDATION_ERROR", "badRequestDetail": detail})

    assert error.reason is not None
    assert error.reason.bad_request_fields == ()


@pytest.mark.parametrize("address", ["203.0.113.9", "2001:db8::9"], ids=["IPv4", "IPv6"])
@pytest.mark.parametrize("refused", [refusal, token_refused], ids=["job", "token"])
def test_a_403_for_the_access_list_names_the_address_to_allow(
    refused: Callable[[int, object], AtlasError], address: str
) -> None:
    error = refused(403, {"errorCode": "IP_ADDRESS_NOT_ON_ACCESS_LIST", "parameters": [address]})

    assert error.reason is not None
    assert error.reason.address == address
    assert f"Add {address} to Atlas's API access list" in str(error)
    assert "100 live tokens" not in str(error)


@pytest.mark.parametrize(
    "parameters",
    [
        None,
        [],
        "203.0.113.9",
        {},
        ["not an address"],
        [None],
        [5],
        [{}],
        ["fe80::1%\r\nevil"],
    ],
    ids=repr,
)
def test_a_value_that_is_not_an_address_is_not_quoted(parameters: object) -> None:
    error = refusal(403, {"errorCode": "IP_ADDRESS_NOT_ON_ACCESS_LIST", "parameters": parameters})

    assert error.reason is not None
    assert error.reason.address is None
    assert "Atlas's API access list" in str(error)


@pytest.mark.parametrize(
    "code",
    [None, 5, [], "", "a b", "x" * 101, "CODE\n", "code-with-hyphen"],
    ids=lambda code: repr(code)[:20],
)
def test_a_value_that_does_not_look_like_a_code_is_not_quoted(code: object) -> None:
    assert refusal(404, {"errorCode": code}).error_code is None


@pytest.mark.parametrize("status", [300, 302, 308, 399])
def test_a_redirect_is_not_followed(status: int) -> None:
    error = refusal(status, headers={"Location": "http://169.254.169.254/latest/meta-data"})

    assert "Redirects are not followed" in str(error)
    assert "169.254" not in str(error)


ADVICE: dict[str, tuple[AtlasError, str]] = {
    "flex role": (refusal(401), "the role Project Read Only"),
    "tenant role": (refusal(401, kind=RestoreKind.TENANT), "the role Project Read Only"),
    "dedicated role": (refusal(401, kind=RestoreKind.DEDICATED), "the role Project Backup Manager"),
    "collection role": (
        refusal(401, kind=RestoreKind.COLLECTION),
        "the role Project Backup Manager",
    ),
    "project": (refusal(403), "access to this project"),
    "endpoint": (refusal(405), "no longer offers this endpoint"),
    "version": (refusal(410), "this version of it"),
    "token": (token_refused(401), "Renew client_id and client_secret"),
    "too many tokens": (token_refused(403), "100 live tokens"),
}


@pytest.mark.parametrize(("error", "advice"), ADVICE.values(), ids=ADVICE)
def test_an_error_has_advice(error: AtlasError, advice: str) -> None:
    assert advice in str(error)
    assert "access list" not in str(error)


@pytest.mark.parametrize("status", [204, 400, 404, 429, 500])
def test_an_error_may_have_no_advice(status: int) -> None:
    assert str(refusal(status)) == (
        f"Atlas answered {status} for a flex restore job: no reason given"
    )


@pytest.mark.parametrize(
    ("status", "code"),
    [(401, "invalid_client"), (400, "invalid_request"), (403, "access_denied")],
    ids=str,
)
def test_errors_of_the_token_endpoint_have_the_oauth_form(status: int, code: str) -> None:
    error = token_refused(status, {"error": code, "error_description": "Not this time."})

    assert error.error_code == code
    assert error.reason is not None
    assert error.reason.detail == "Not this time."


refusal_bodies = st.fixed_dictionaries(
    {},
    optional={
        "error": st.integers() | st.text() | json_values(),
        "errorCode": st.sampled_from(sorted(CODES)) | json_values(),
        "error_description": json_values(),
        "detail": json_values(),
        "parameters": json_values() | st.lists(json_values() | st.ip_addresses().map(str)),
        "badRequestDetail": st.fixed_dictionaries({"fields": st.lists(json_values())})
        | json_values(),
    },
)
any_body = (
    (json_values() | refusal_bodies).map(lambda value: json.dumps(value).encode())
    | st.binary()
    | st.text().map(str.encode)
)
header_text = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E))
any_headers = st.fixed_dictionaries(
    {}, optional={"Retry-After": header_text | date_likes, "Sunset": header_text}
)
not_ok = st.integers(100, 599).filter(lambda status: status != 200)


@settings(max_examples=300)
@given(kinds, not_ok, any_headers, any_body)
def test_any_refusal_is_a_typed_error_of_one_printable_line(
    kind: RestoreKind, status: int, headers: dict[str, str], body: bytes
) -> None:
    sent = httpx.Headers(headers)

    for error, classes in (
        (family_refusal(kind, status, sent, body, secrets=()), CLASSES),
        (token_refusal(status, sent, body, secrets=()), TOKEN_CLASSES),
    ):
        by_status = classes.get(
            status, AtlasUnavailableError if status >= 500 else UnexpectedAtlasResponseError
        )
        by_code = CODES.get(error.error_code or "") if classes is CLASSES else None
        assert type(error) is (by_code[1] if by_code else by_status)
        assert str(error).isprintable()
        assert len(str(error)) < 4_000
        assert error.error_code is None or error.error_code.isascii()


FIELDS = ("error", "errorCode", "error_description", "detail", "reason")


@settings(max_examples=300)
@given(
    secrets.map(lambda secret: MARK + secret),
    st.sampled_from(FIELDS),
    st.text(max_size=20),
    st.text(max_size=20),
    not_ok,
)
@example(MARK + "hidden", "detail", "fe80::1%", "", 403)
@example(MARK + "hid'\\den", "detail", "", "", 400)
def test_no_refusal_quotes_a_secret_from_any_field(
    secret: str, field: str, before: str, after: str, status: int
) -> None:
    assume(MARK not in before + after)
    text = before + secret + after
    body: dict[str, Any] = {
        "errorCode": "IP_ADDRESS_NOT_ON_ACCESS_LIST",
        "parameters": [text],
        "badRequestDetail": {
            "fields": [{"field": text, "description": text}, {"field": {text: [text]}}]
        },
    }
    content = json.dumps(body | {field: text}).encode()

    for error in (
        family_refusal(RestoreKind.FLEX, status, {"retry-after": text}, content, secrets=[secret]),
        token_refusal(status, {"retry-after": text}, content, secrets=[secret]),
    ):
        assert MARK not in str(error) + repr(error) + repr(error.reason)


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E)), not_ok)
def test_no_refusal_quotes_a_download_url(path: str, status: int) -> None:
    url = f"https://restore.example.net:27017/{MARK}{path}"

    error = refusal(
        status,
        {
            "errorCode": "IP_ADDRESS_NOT_ON_ACCESS_LIST",
            "detail": f"{url} is gone",
            "parameters": [url],
            "badRequestDetail": {"fields": [{"field": url, "description": f"is {url}"}]},
        },
        headers={"Location": url},
    )

    assert MARK not in str(error) + repr(error.reason)
