"""What Atlas answers when it does not answer with a restore job, as typed errors."""

import json
import math
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from restore_watch.atlas.refusals import job_refusal, retry_after, token_refusal
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
from restore_watch.restore_job import RestoreKind
from strategies import json_values, kinds, secrets

MARK = "~|~"

CLASSES: dict[int, type[AtlasError]] = {
    204: UnexpectedAtlasResponseError,
    301: UnexpectedAtlasResponseError,
    302: UnexpectedAtlasResponseError,
    307: UnexpectedAtlasResponseError,
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
    502: AtlasUnavailableError,
    503: AtlasUnavailableError,
    504: AtlasUnavailableError,
}
# The token endpoint knows nothing of restore jobs.
TOKEN_CLASSES = (
    CLASSES
    | dict.fromkeys((404, 405, 406, 410), UnexpectedAtlasResponseError)
    | {400: AtlasUnauthorizedError}
)

BODIES = {
    "nothing": b"",
    "HTML": b"<html><head><title>502 Bad Gateway</title></head></html>",
    "no code": b'{"error": 401, "reason": "Unauthorized", "detail": "No."}',
    "null code": b'{"error": 404, "errorCode": null, "parameters": null, "detail": null}',
    "misleading code": b'{"error": 500, "errorCode": "UNEXPECTED_ERROR", "detail": "Oh."}',
    "null": b"null",
    "list": b"[]",
    "text": b'"text"',
    "no JSON": b"{",
    "no UTF-8": b"\xff\xfe",
    "too deep": b"[" * 100_000,
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
    return job_refusal(kind, status, httpx.Headers(headers), content, secrets=hidden)


def token_refused(status: int, body: object = b"", **headers: str) -> AtlasError:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return token_refusal(status, httpx.Headers(headers), content, secrets=())


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize(("status", "error"), CLASSES.items(), ids=[str(code) for code in CLASSES])
def test_the_http_status_decides_whatever_the_body_says(
    status: int, error: type[AtlasError], body: bytes
) -> None:
    for refused, expected in (
        (refusal(status, body), error),
        (token_refused(status, body), TOKEN_CLASSES[status]),
    ):
        assert type(refused) is expected
        assert refused.reason is not None
        assert refused.reason.http_status == status


def test_an_error_keeps_what_atlas_said() -> None:
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


def test_an_error_keeps_which_fields_atlas_objects_to() -> None:
    error = refusal(
        400,
        {
            "error": 400,
            "errorCode": "VALIDATION_ERROR",
            "badRequestDetail": {
                "fields": [
                    {"field": "restoreJobId", "description": "must match the pattern"},
                    {"field": "groupId", "description": "must not be blank"},
                ]
            },
        },
    )

    assert error.reason is not None
    assert error.reason.bad_request_fields == (
        "restoreJobId: must match the pattern",
        "groupId: must not be blank",
    )
    assert "restoreJobId: must match the pattern; groupId: must not be blank" in str(error)


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


def test_only_so_many_fields_are_named_as_anybody_reads() -> None:
    fields = [{"field": f"f{n}", "description": "x" * 1000} for n in range(1000)]

    assert len(str(refusal(400, {"badRequestDetail": {"fields": fields}}))) < 4_000


def test_an_answer_without_a_reason_says_so() -> None:
    assert "no reason given" in str(refusal(404))


@pytest.mark.parametrize(
    ("kind", "role"),
    [
        (RestoreKind.FLEX, "Project Read Only"),
        (RestoreKind.TENANT, "Project Read Only"),
        (RestoreKind.DEDICATED, "Project Backup Manager"),
    ],
)
def test_a_401_names_the_role_that_is_needed(kind: RestoreKind, role: str) -> None:
    assert role in str(refusal(401, kind=kind))


@pytest.mark.parametrize(
    ("given", "address"),
    [("203.0.113.9", "203.0.113.9"), ("2001:db8::9", "2001:db8::9")],
    ids=["IPv4", "IPv6"],
)
def test_a_403_for_the_access_list_names_the_address_to_allow(given: str, address: str) -> None:
    error = refusal(
        403,
        {
            "error": 403,
            "errorCode": "IP_ADDRESS_NOT_ON_ACCESS_LIST",
            "detail": "This address is not allowed to access this resource.",
            "parameters": [given],
        },
    )

    assert error.reason is not None
    assert error.reason.address == address
    assert f"Add {address} to Atlas's API access list" in str(error)


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
        [True],
        [[]],
        [{}],
        ["203.0.113.9/24"],
        ["fe80::1%\r\nevil"],
    ],
    ids=repr,
)
def test_what_is_no_address_is_not_named_as_one(parameters: object) -> None:
    error = refusal(403, {"errorCode": "IP_ADDRESS_NOT_ON_ACCESS_LIST", "parameters": parameters})

    assert error.reason is not None
    assert error.reason.address is None
    assert "Atlas's API access list" in str(error)


def test_a_403_for_another_reason_says_nothing_of_the_access_list() -> None:
    error = refusal(403, {"errorCode": "USER_UNAUTHORIZED", "parameters": ["203.0.113.9"]})

    assert error.reason is not None
    assert error.reason.address is None
    assert "access list" not in str(error)


@pytest.mark.parametrize(
    "code",
    [None, 5, True, [], {}, "", " ", "a b", "x" * 101, "CODE\n", "code-with-hyphen", "<b>"],
    ids=lambda code: repr(code)[:20],
)
def test_what_does_not_look_like_a_code_is_none(code: object) -> None:
    assert refusal(404, {"errorCode": code}).error_code is None


@pytest.mark.parametrize("status", [300, 302, 308, 399])
def test_a_redirect_is_told_to_be_refused(status: int) -> None:
    error = refusal(status, headers={"Location": "http://169.254.169.254/latest/meta-data"})

    assert "Redirects are not followed" in str(error)
    assert "169.254" not in str(error)


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (403, "access to this project"),
        (405, "no longer offers this endpoint"),
        (406, "no longer offers this version"),
        (410, "no longer offers this version"),
    ],
)
def test_what_to_do_next_is_told(status: int, advice: str) -> None:
    assert advice in str(refusal(status, {"error": status, "errorCode": "SOME_CODE"}))


@pytest.mark.parametrize("status", [204, 400, 404, 429, 500])
def test_no_advice_is_made_up(status: int) -> None:
    assert str(refusal(status)) == (
        f"Atlas answered {status} for a flex restore job: no reason given"
    )


@pytest.mark.parametrize(
    ("status", "code"),
    [(401, "invalid_client"), (400, "invalid_request"), (403, "access_denied")],
)
def test_the_token_endpoint_speaks_oauth(status: int, code: str) -> None:
    error = token_refused(status, {"error": code, "error_description": "Not this time."})

    assert error.error_code == code
    assert error.reason is not None
    assert error.reason.detail == "Not this time."


def test_a_refused_client_is_told_to_be_renewed_in_the_secret() -> None:
    error = token_refused(401, {"error": "invalid_client"})

    assert "Renew client_id and client_secret" in str(error)


def test_too_many_tokens_are_told_from_a_missing_permission() -> None:
    error = token_refused(403, {"error": "access_denied"})

    assert "100 live tokens" in str(error)


def test_an_address_that_may_not_ask_for_tokens_is_named() -> None:
    error = token_refused(
        403, {"errorCode": "IP_ADDRESS_NOT_ON_ACCESS_LIST", "parameters": ["203.0.113.9"]}
    )

    assert "Add 203.0.113.9" in str(error)
    assert "100 live tokens" not in str(error)


TOKEN_BUCKET = {
    "error": 429,
    "errorCode": "RATE_LIMITED_TOKEN_BUCKET",
    "parameters": ["api/atlas/v2/groups", 55, 1200, 500, 60],
}


def test_a_429_tells_how_long_to_wait_in_its_header() -> None:
    error = refusal(429, TOKEN_BUCKET, headers={"Retry-After": "7"})

    assert error.retry_after_seconds == 7.0


@pytest.mark.parametrize("parameters", [["path", 55, 1200, 500, 60], ["path", 55]], ids=len)
def test_a_429_without_the_header_tells_it_in_its_body(parameters: list[object]) -> None:
    error = refusal(429, TOKEN_BUCKET | {"parameters": parameters})

    assert error.retry_after_seconds == 55.0


@pytest.mark.parametrize(
    "parameters",
    [
        None,
        [],
        ["path"],
        ["path", None],
        ["path", "55"],
        ["path", True],
        ["path", 0],
        ["path", -5],
        ["path", [55]],
        ["path", math.inf],
        ["path", math.nan],
        {"1": 55},
        "path",
    ],
    ids=repr,
)
def test_a_429_that_tells_no_seconds_leaves_the_wait_open(parameters: object) -> None:
    error = refusal(429, TOKEN_BUCKET | {"parameters": parameters})

    assert error.retry_after_seconds is None


def test_only_the_token_bucket_tells_seconds_in_its_body() -> None:
    # Of another limiter the second parameter is a number of requests.
    limited = {"errorCode": "RATE_LIMITED", "parameters": ["/api/oauth/token", 50, 1]}

    assert refusal(429, limited).retry_after_seconds is None
    assert token_refused(429, limited).retry_after_seconds == 60.0


def test_a_503_may_tell_how_long_to_wait_too() -> None:
    assert refusal(503, headers={"Retry-After": "12"}).retry_after_seconds == 12.0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1", 1.0), ("55", 55.0), ("0.5", 0.5), (" 10 ", 10.0), ("86400", 86_400.0)],
)
def test_retry_after_may_count_seconds(text: str, seconds: float) -> None:
    assert retry_after(httpx.Headers({"Retry-After": text})) == seconds


@pytest.mark.parametrize("zone", [UTC, None], ids=["GMT", "no zone"])
def test_retry_after_may_be_a_date(zone: Any) -> None:
    then = datetime.now(UTC) + timedelta(hours=1)
    text = format_datetime(then, usegmt=True) if zone else format_datetime(then).rsplit(" ", 1)[0]

    seconds = retry_after({"retry-after": text})

    assert seconds == pytest.approx(3600, abs=30)


def test_a_date_to_retry_after_is_measured_by_the_clock_that_wrote_it() -> None:
    fast = datetime.now(UTC) + timedelta(hours=5)
    headers = {
        "date": format_datetime(fast, usegmt=True),
        "retry-after": format_datetime(fast + timedelta(seconds=30), usegmt=True),
    }

    assert retry_after(headers) == 30
    assert retry_after(headers | {"date": "today"}) == pytest.approx(5 * 3600 + 30, abs=5)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "0",
        "-5",
        "nan",
        "inf",
        "1e999",
        "soon",
        "5 seconds",
        "Wed, 21 Oct 2015 07:28:00 GMT",
        "Wed, 99 Oct 2099 07:28:00 GMT",
        "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
        "Mon, 01 Jan 2035 00:00:00 +99999999999999",
    ],
    ids=lambda text: repr(text)[:45],
)
def test_a_retry_after_that_asks_for_nothing_counts_as_not_said(text: str) -> None:
    assert retry_after({"retry-after": text}) is None


def test_without_the_header_nothing_is_asked_for() -> None:
    assert retry_after({}) is None


date_likes = st.from_regex(
    r"(Mon, )?[0-9]{1,12} (Jan|Feb|Foo) [0-9]{1,22} [0-9]{1,3}:[0-9]{1,3}(:[0-9]{1,3})? "
    r"([+-][0-9]{1,16}|GMT|PST|)",
    fullmatch=True,
)


@settings(max_examples=500)
@given(st.text() | date_likes | st.floats().map(str))
def test_retry_after_of_any_text_is_a_wait_or_nothing(text: str) -> None:
    seconds = retry_after({"retry-after": text})

    assert seconds is None or (seconds > 0 and math.isfinite(seconds))


refusal_bodies = st.fixed_dictionaries(
    {},
    optional={
        "error": st.integers() | st.text() | json_values(),
        "errorCode": st.sampled_from(["IP_ADDRESS_NOT_ON_ACCESS_LIST", "RATE_LIMITED_TOKEN_BUCKET"])
        | json_values(),
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
        (job_refusal(kind, status, sent, body, secrets=()), CLASSES),
        (token_refusal(status, sent, body, secrets=()), TOKEN_CLASSES),
    ):
        assert type(error) is classes.get(
            status, AtlasUnavailableError if status >= 500 else UnexpectedAtlasResponseError
        )
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
def test_no_refusal_quotes_a_secret_wherever_atlas_put_it(
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
        job_refusal(RestoreKind.FLEX, status, {"retry-after": text}, content, secrets=[secret]),
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
