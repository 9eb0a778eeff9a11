"""How long Atlas asks to wait: in Retry-After, else in the body of a rate limit."""

import json
import math
from datetime import UTC, datetime, timedelta, tzinfo
from email.utils import format_datetime

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from restore_watch.atlas.refusals import family_refusal, retry_after, token_refusal
from restore_watch.model.restore_job import RestoreKind
from strategies import date_likes


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1", 1.0),
        ("55", 55.0),
        ("0.5", 0.5),
        (" 10 ", 10.0),
        ("86400", 86_400.0),
        ("1e9", 86_400.0),
    ],
    ids=repr,
)
def test_retry_after_is_a_number_of_seconds(text: str, seconds: float) -> None:
    assert retry_after(httpx.Headers({"Retry-After": text})) == seconds


@pytest.mark.parametrize("zone", [UTC, None], ids=["GMT", "no zone"])
def test_retry_after_may_be_a_date(zone: tzinfo | None) -> None:
    then = datetime.now(UTC) + timedelta(hours=1)
    text = format_datetime(then, usegmt=True) if zone else format_datetime(then).rsplit(" ", 1)[0]

    seconds = retry_after({"retry-after": text})

    assert seconds == pytest.approx(3600, abs=30)


def test_a_date_is_measured_from_the_date_of_the_answer() -> None:
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
        "0, 0",
        "Wed, 21 Oct 2015 07:28:00 GMT",
        "Wed, 99 Oct 2099 07:28:00 GMT",
        "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
        "Mon, 01 Jan 2035 00:00:00 +99999999999999",
    ],
    ids=lambda text: repr(text)[:45],
)
def test_a_retry_after_without_a_wait_counts_as_absent(text: str) -> None:
    assert retry_after({"retry-after": text}) is None
    assert retry_after({}) is None


@settings(max_examples=500)
@given(st.text() | date_likes | st.floats().map(str))
def test_any_text_gives_a_wait_or_counts_as_absent(text: str) -> None:
    seconds = retry_after({"retry-after": text})

    assert seconds is None or (seconds > 0 and math.isfinite(seconds))


def wait(status: int, parameters: object, code: str = "RATE_LIMITED_TOKEN_BUCKET") -> float | None:
    body = json.dumps({"errorCode": code, "parameters": parameters}).encode()
    return family_refusal(RestoreKind.FLEX, status, {}, body, secrets=()).retry_after_seconds


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    "parameters", [["path", 55, 1200, 500, 60], ["path", 55], ["path", "55"]], ids=repr
)
def test_without_the_header_the_body_of_a_rate_limit_names_the_wait(
    status: int, parameters: object
) -> None:
    assert wait(status, parameters) == 55.0


@pytest.mark.parametrize("odd", [None, "5 s", True, 0, -5, [55], math.inf, math.nan], ids=repr)
def test_a_rate_limit_may_name_no_wait(odd: object) -> None:
    assert wait(429, ["path", odd]) is None
    assert {wait(429, parameters) for parameters in (odd, [], ["path"], {"1": 55})} == {None}


def test_the_wait_in_the_header_overrides_the_one_in_the_body() -> None:
    body = b'{"errorCode": "RATE_LIMITED_TOKEN_BUCKET", "parameters": ["path", 55]}'
    headers = httpx.Headers({"Retry-After": "7"})

    error = family_refusal(RestoreKind.FLEX, 429, headers, body, secrets=())

    assert error.retry_after_seconds == 7.0


def test_only_the_token_bucket_names_seconds_in_its_body() -> None:
    # The second parameter of another limiter is a number of requests.
    body = b'{"errorCode": "RATE_LIMITED", "parameters": ["/api/oauth/token", 50, 1]}'

    assert wait(429, ["/api/oauth/token", 50, 1], "RATE_LIMITED") is None
    assert token_refusal(429, {}, body, secrets=()).retry_after_seconds == 60
