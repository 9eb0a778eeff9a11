"""Atlas's refusals as typed errors, and how long they ask to wait."""

import json
import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from typing import Any

import httpx
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from foundation.retry_after import retry_after
from restore_watch.atlas.exchange import Answer
from restore_watch.atlas.families import (
    API_STATUS,
    COLLECTION_JOBS,
    DEDICATED_CLUSTERS,
    DEDICATED_JOBS,
    EVENTS,
    FLEX_CLUSTERS,
    FLEX_JOBS,
    PROJECTS,
    TENANT_JOBS,
    Family,
    jobs_of,
)
from restore_watch.atlas.rate_limits import Bucket
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
from restore_watch.model.fixes_of_errors import fix_of
from restore_watch.model.restore_target import RestoreKind
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
    family: Family = FLEX_JOBS,
    headers: dict[str, str] | None = None,
) -> AtlasError:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = Answer(status, httpx.Headers(headers), content)
    return family_refusal(Bucket(None, family), answer, secrets=())


def token_refused(status: int, body: object = b"", **headers: str) -> AtlasError:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return token_refusal(Answer(status, httpx.Headers(headers), content), secrets=())


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


def test_an_error_names_the_first_five_fields_that_atlas_rejects() -> None:
    fields = [{"field": f"f{n}", "description": "must not be blank"} for n in range(1000)]

    error = refusal(400, {"errorCode": "VALIDATION_ERROR", "badRequestDetail": {"fields": fields}})

    assert error.reason is not None
    assert error.reason.bad_request_fields == tuple(f"f{n}: must not be blank" for n in range(5))
    assert "f0: must not be blank; f1: must not be blank;" in str(error)


ACCESS_LIST = "IP_ADDRESS_NOT_ON_ACCESS_LIST"
ODD: dict[tuple[str, str | None], list[Any]] = {
    ("badRequestDetail", "VALIDATION_ERROR"): [
        *(None, [], "text", {}, {"fields": None}, {"fields": {}}),
        {"fields": [None, 5, "x", [], {}, {"field": 5}]},
    ],
    ("parameters", ACCESS_LIST): [
        *(None, [], "203.0.113.9", {}, ["not one"], [None], [5], [{}], ["fe80::1%\r\nevil"])
    ],
    ("errorCode", None): [None, 5, [], "", "a b", "x" * 101, "CODE\n", "a-b"],
}
ODD_VALUES = [(field, code, odd) for (field, code), values in ODD.items() for odd in values]


@pytest.mark.parametrize(("field", "code", "odd"), ODD_VALUES, ids=lambda value: repr(value)[:30])
def test_a_value_of_another_shape_is_left_out(field: str, code: str | None, odd: object) -> None:
    error = refusal(400, {"errorCode": code, field: odd})

    assert error.error_code == code
    assert error.reason is not None
    assert (error.reason.bad_request_fields, error.reason.address) == ((), None)
    assert ("the address of this function to Atlas's API access" in str(error)) is (
        code == ACCESS_LIST
    )


@pytest.mark.parametrize("address", ["203.0.113.9", "2001:db8::9"], ids=["IPv4", "IPv6"])
@pytest.mark.parametrize("refused", [refusal, token_refused], ids=["job", "token"])
def test_a_403_for_the_access_list_names_the_address_to_allow(
    refused: Callable[[int, object], AtlasError], address: str
) -> None:
    error = refused(403, {"errorCode": "IP_ADDRESS_NOT_ON_ACCESS_LIST", "parameters": [address]})

    assert error.reason is not None
    assert error.reason.address == address
    assert f"Add {address} to Atlas's API access list" in str(error)
    assert fix_of(error).startswith(f"Add {address} to the API access list of the service account")
    assert "100 live tokens" not in str(error)


READ_ONLY = "the role Project Read Only in this project"
RECOVERY_OPERATOR_FIRST = (
    "the role Project Backup Recovery Operator in this project, or, if that is refused too, "
    "Project Backup Manager"
)

# Each row: a family of endpoints, its name in a message, and the role that it needs.
FAMILIES: dict[Family, tuple[str, str]] = {
    FLEX_JOBS: ("a flex restore job", READ_ONLY),
    TENANT_JOBS: ("a tenant restore job", READ_ONLY),
    DEDICATED_JOBS: ("a dedicated restore job", RECOVERY_OPERATOR_FIRST),
    COLLECTION_JOBS: ("a collection restore job", RECOVERY_OPERATOR_FIRST),
    PROJECTS: ("the list of projects", "a role in the organization"),
    EVENTS: ("the list of events", READ_ONLY),
    FLEX_CLUSTERS: ("the list of Flex clusters", READ_ONLY),
    DEDICATED_CLUSTERS: ("the list of dedicated clusters", READ_ONLY),
    API_STATUS: ("the status of the API", "any role"),
}


@pytest.mark.parametrize("family", FAMILIES, ids=str)
def test_a_401_names_what_was_asked_for_and_the_role_that_it_needs(family: Family) -> None:
    name, role = FAMILIES[family]

    assert str(refusal(401, family=family)) == (
        f"Atlas answered 401 for {name}: no reason given. Give the service account or API key "
        f"{role}. If it has the role, renew the credentials in the secret"
    )


ELSEWHERE = {"Location": "http://169.254.169.254/latest/meta-data"}
ADVICE: dict[str, tuple[Callable[[], AtlasError], str]] = {
    "project": (lambda: refusal(403), "access to this project"),
    "endpoint": (lambda: refusal(405), "no longer offers this endpoint"),
    "version": (lambda: refusal(410), "this version of it"),
    "token of an API key": (
        lambda: token_refusal(Answer(401, httpx.Headers(), b""), secrets=(), may_be_api_key=True),
        "store it as public_key, and its private key as private_key",
    ),
    "token": (lambda: token_refused(401), "Renew client_id and client_secret"),
    "too many tokens": (lambda: token_refused(403), "100 live tokens"),
    **{
        str(status): (partial(refusal, status, headers=ELSEWHERE), "Redirects are not followed")
        for status in (300, 302, 308, 399)
    },
}


@pytest.mark.parametrize(("refuse", "advice"), ADVICE.values(), ids=ADVICE)
def test_an_error_has_advice(refuse: Callable[[], AtlasError], advice: str) -> None:
    error = refuse()

    assert advice in str(error)
    assert not [text for text in ("access list", "169.254") if text in str(error)]


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


@given(kinds, not_ok, any_headers, any_body)
def test_any_refusal_is_a_typed_error_of_one_printable_line(
    kind: RestoreKind, status: int, headers: dict[str, str], body: bytes
) -> None:
    answer = Answer(status, httpx.Headers(headers), body)

    for error, classes in (
        (family_refusal(Bucket(None, jobs_of(kind)), answer, secrets=()), CLASSES),
        (token_refusal(answer, secrets=()), TOKEN_CLASSES),
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


@given(
    secrets.map(lambda secret: MARK + secret),
    st.sampled_from(["", "https://restore.example.net:27017/"]),
    st.sampled_from(FIELDS),
    st.text(max_size=20),
    st.text(max_size=20),
    not_ok,
)
@example(MARK + "hidden", "", "detail", "fe80::1%", "", 403)
@example(MARK + "hid'\\den", "", "detail", "", "", 400)
def test_no_refusal_quotes_a_secret_or_a_download_url_from_any_field(
    hidden: str, host: str, field: str, before: str, after: str, status: int
) -> None:
    assume(MARK not in before + after)
    text = before + host + hidden + after
    body: dict[str, Any] = {
        "errorCode": ACCESS_LIST,
        "parameters": [text],
        "badRequestDetail": {
            "fields": [{"field": text, "description": text}, {"field": {text: [text]}}]
        },
    }
    content = json.dumps(body | {field: text}).encode()
    known = [] if host else [hidden]

    header = text.encode(errors="replace")
    headers = httpx.Headers({b"retry-after": header, b"location": header})
    answer = Answer(status, headers, content)
    for error in (
        family_refusal(Bucket(None, FLEX_JOBS), answer, secrets=known),
        token_refusal(answer, secrets=known),
    ):
        assert MARK not in str(error) + repr(error) + repr(error.reason)


# How long they ask to wait: in Retry-After, else in the body of a rate limit


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        *(("1", 1.0), ("55", 55.0), ("0.5", 0.5), (" 10 ", 10.0)),
        *(("86400", 86_400.0), ("1e9", 86_400.0)),
        *((odd, None) for odd in ("", " ", "0", "-5", "nan", "inf", "1e999", "soon", "5 seconds")),
        ("0, 0", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", None),
        ("Wed, 99 Oct 2099 07:28:00 GMT", None),
        ("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", None),
        ("Mon, 01 Jan 2035 00:00:00 +99999999999999", None),
    ],
    ids=repr,
)
def test_retry_after_is_a_number_of_seconds_or_counts_as_absent(
    text: str, seconds: float | None
) -> None:
    assert retry_after(httpx.Headers({"Retry-After": text})) == seconds
    assert retry_after({}) is None


def test_retry_after_may_be_a_date_which_is_measured_from_the_date_of_the_answer() -> None:
    then = datetime.now(UTC) + timedelta(hours=5)
    text = format_datetime(then, usegmt=True)
    later = format_datetime(then + timedelta(seconds=30), usegmt=True)

    assert retry_after({"date": text, "retry-after": later}) == 30
    for headers in ({}, {"date": "today"}):
        assert retry_after({"retry-after": text, **headers}) == pytest.approx(5 * 3600, abs=30)
    without_a_zone = format_datetime(then).rsplit(" ", 1)[0]
    assert retry_after({"retry-after": without_a_zone}) == pytest.approx(5 * 3600, abs=30)


@given(st.text() | date_likes | st.floats().map(str))
def test_any_text_gives_a_wait_or_counts_as_absent(text: str) -> None:
    seconds = retry_after({"retry-after": text})

    assert seconds is None or (seconds > 0 and math.isfinite(seconds))


TOKEN_BUCKET = "RATE_LIMITED_TOKEN_BUCKET"


@pytest.mark.parametrize(
    ("code", "status", "parameters", "seconds"),
    [
        (TOKEN_BUCKET, 429, ["path", 55, 1200, 500, 60], 55.0),
        (TOKEN_BUCKET, 503, ["path", 55], 55.0),
        (TOKEN_BUCKET, 429, ["path", "55"], 55.0),
        # The second parameter of another limiter is a number of requests.
        ("RATE_LIMITED", 429, ["/api/oauth/token", 50, 1], None),
        *((TOKEN_BUCKET, 429, odd, None) for odd in (None, 5, [], ["path"], {"1": 55})),
        *(
            (TOKEN_BUCKET, 429, ["path", odd], None)
            for odd in (None, "5 s", True, 0, -5, [55], math.inf, math.nan)
        ),
    ],
    ids=repr,
)
def test_without_the_header_only_the_token_bucket_names_seconds_in_its_body(
    code: str, status: int, parameters: object, seconds: float | None
) -> None:
    body = {"errorCode": code, "parameters": parameters}

    assert refusal(status, body).retry_after_seconds == seconds
    assert refusal(status, body, headers={"Retry-After": "7"}).retry_after_seconds == 7.0


def test_a_limit_of_the_token_endpoint_lasts_a_minute() -> None:
    assert token_refused(429).retry_after_seconds == 60
