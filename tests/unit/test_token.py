"""When a service account's token is requested, and when not (DESIGN section 5)."""

import base64
import contextlib
from urllib.parse import unquote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from restore_watch.atlas.credentials import ServiceAccount
from restore_watch.atlas.retrying import ATTEMPTS
from restore_watch.atlas.token import (
    FAILURE_PAUSE,
    LIFETIME,
    RENEWAL_AGE,
    AccessToken,
)
from restore_watch.errors import (
    AtlasError,
    AtlasForbiddenError,
    AtlasUnauthorizedError,
    AtlasUnavailableError,
    UnexpectedAtlasResponseError,
)
from strategies import secrets
from unit.scripted_atlas import (
    ACCOUNT,
    BASE_URL,
    TOKEN_FAILURES,
    TOKEN_UNKNOWN_OUTCOMES,
    Clock,
    Reply,
    ScriptedAtlas,
    Token,
    answer,
    no_answer,
)

MARK = "~|~"


@given(secrets, secrets)
def test_a_token_request_carries_the_form_encoded_credentials(client: str, secret: str) -> None:
    atlas, clock = ScriptedAtlas(), Clock()

    AccessToken(ServiceAccount(client, secret), BASE_URL, atlas.client(), now=clock).current(
        clock.deadline()
    )
    atlas.close()

    (request,) = atlas.token_requests
    scheme, _, encoded = request.headers["Authorization"].partition(" ")
    name, colon, password = base64.b64decode(encoded).decode().partition(":")
    assert (request.method, str(request.url)) == ("POST", f"{BASE_URL}/api/oauth/token")
    assert request.content == b"grant_type=client_credentials"
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert request.headers["Accept"] == "application/json"
    assert (scheme, colon) == ("Basic", ":")
    assert (unquote(name), unquote(password)) == (client, secret)


MALFORMED = {
    "HTML": b"<html>~|~</html>",
    "truncated": b'{"access_token": "~|~',
    "list": b'["~|~"]',
    "invalid UTF-8": b'{"access_token": "~|~\xff"}',
    "no token": b'{"expires_in": 3600, "token": "~|~"}',
    "empty token": b'{"access_token": ""}',
    "object": b'{"access_token": {"value": "~|~"}}',
    "header in the token": b'{"access_token": "~|~\\r\\nHost: elsewhere"}',
    "space": b'{"access_token": "~|~ x"}',
    "umlaut": '{"access_token": "~|~\u00e4"}'.encode(),
    "too deep": b"[" * 100_000,
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_token_answer_is_an_error_that_does_not_quote_it(
    token: Token, body: bytes
) -> None:
    token.atlas.token_replies.append(answer(200, body))

    with pytest.raises(UnexpectedAtlasResponseError) as refused:
        token.current()

    assert MARK not in str(refused.value)
    assert refused.value.__cause__ is None


@given(st.binary())
def test_any_token_answer_is_a_token_or_a_typed_error(body: bytes) -> None:
    atlas, clock = ScriptedAtlas(), Clock()
    atlas.token_replies.append(answer(200, body))
    token = AccessToken(ACCOUNT, BASE_URL, atlas.client(), now=clock)

    try:
        assert token.current(clock.deadline())
    except UnexpectedAtlasResponseError:
        pass
    finally:
        atlas.close()


def test_a_day_of_checks_costs_one_token_in_fifty_minutes(token: Token) -> None:
    for _ in range(24 * 60):
        token.current()
        token.clock.now += 60

    assert len(token.atlas.token_requests) == 24 * 60 // 50 + 1


@pytest.mark.parametrize("lifetime", [3600, None, 0, -1, 10**300, "soon", [3600]], ids=repr)
def test_a_token_is_used_for_fifty_minutes_with_any_lifetime_that_atlas_names(
    token: Token, lifetime: object
) -> None:
    token.atlas.token_replies.append(answer(200, {"access_token": "first", "expires_in": lifetime}))
    token.current()

    token.clock.now += RENEWAL_AGE - 1
    assert token.current() == "first"

    token.clock.now += 1
    assert token.current() == "token-2"


@pytest.mark.parametrize("step", [-1, -86_400, LIFETIME, 86_400], ids="by-{}-s".format)
def test_a_jump_of_the_clock_costs_one_new_token(token: Token, step: float) -> None:
    token.current()

    token.clock.now += step

    assert [token.current() for _ in range(3)] == ["token-2"] * 3
    assert len(token.atlas.token_requests) == 2


@pytest.mark.parametrize(("reply", "error"), TOKEN_FAILURES.values(), ids=TOKEN_FAILURES)
def test_a_token_stays_in_use_when_its_early_renewal_fails(
    token: Token, reply: Reply, error: type[AtlasError]
) -> None:
    token.current()
    token.clock.now += RENEWAL_AGE
    token.atlas.token_replies.append(reply)

    assert token.current() == "token-1"

    token.clock.now += LIFETIME - RENEWAL_AGE
    token.atlas.token_replies.append(reply)
    with pytest.raises(error):
        token.current()


@pytest.mark.parametrize(("taken", "wait"), [(4.1, "0"), (0.0, "5")], ids=["slow", "long wait"])
def test_an_early_renewal_takes_five_seconds_at_most(token: Token, taken: float, wait: str) -> None:
    def reply(request: httpx.Request) -> httpx.Response:
        token.clock.now += taken
        return answer(503, Retry_After=wait)(request)

    token.current()
    token.clock.now += RENEWAL_AGE
    token.atlas.token_replies.append(reply)

    assert token.current() == "token-1"
    assert (len(token.atlas.token_requests), token.clock.sleeps) == (2, [])


def test_a_token_stays_in_use_when_too_little_time_is_left_to_renew_it(token: Token) -> None:
    token.current()
    token.clock.now += RENEWAL_AGE

    assert token.current(0.5) == "token-1"
    assert token.current() == "token-2"
    assert len(token.atlas.token_requests) == 2


@pytest.mark.parametrize(("reply", "error"), TOKEN_FAILURES.values(), ids=TOKEN_FAILURES)
def test_a_failure_is_not_transient_and_stands_without_a_second_request(
    token: Token, reply: Reply, error: type[AtlasError]
) -> None:
    token.atlas.token_replies.append(reply)

    texts = set()
    for _ in range(3):
        with pytest.raises(error) as refused:
            token.current()
        texts.add(str(refused.value))
        assert not refused.value.transient
        token.clock.now += 0.4

    assert len(token.atlas.token_requests) == 1
    assert len(texts) <= 2  # the seconds to wait go down
    assert ACCOUNT.client_secret not in "".join(texts)


WAITS: dict[str, tuple[Reply, float]] = {
    "unauthorized": (answer(401), FAILURE_PAUSE),
    "timeout": (no_answer(), FAILURE_PAUSE),
    "malformed": (answer(200), FAILURE_PAUSE),
    "limit with a short wait": (answer(429, Retry_After="5"), FAILURE_PAUSE),
    "limit with a wait": (answer(429, Retry_After="45"), 45.0),
    "limit with a long wait": (answer(429, Retry_After="3600"), 60.0),
    "limit that names no wait": (answer(429), 60.0),
    "refusal with a wait": (answer(403, Retry_After="50"), 50.0),
}


@pytest.mark.parametrize(("reply", "seconds"), WAITS.values(), ids=WAITS)
def test_a_failure_stands_for_30_seconds_or_as_long_as_atlas_asks_up_to_a_minute(
    token: Token, reply: Reply, seconds: float
) -> None:
    token.atlas.token_replies.append(reply)
    with pytest.raises(AtlasError):
        token.current()

    token.clock.now += seconds - 0.5
    with pytest.raises(AtlasError):
        token.current()
    assert len(token.atlas.token_requests) == 1

    token.clock.now += 0.5
    assert token.current() == "token-2"


def fail(token: Token, seconds: float) -> None:
    """The token fails for this long."""
    for step in (0.0, seconds - 0.5):
        token.clock.now += step
        with pytest.raises(AtlasError):
            token.current()
    token.clock.now += 0.5


@pytest.mark.parametrize(
    "reply", [reply for reply, _ in TOKEN_UNKNOWN_OUTCOMES.values()], ids=TOKEN_UNKNOWN_OUTCOMES
)
def test_the_pause_doubles_up_to_two_minutes_while_atlas_does_not_answer(
    token: Token, reply: Reply
) -> None:
    token.atlas.token_replies.extend([reply] * 4)

    for n, seconds in enumerate((30.0, 60.0, 120.0, 120.0), start=1):
        fail(token, seconds)
        assert len(token.atlas.token_requests) == n

    assert token.current() == "token-5"


@pytest.mark.parametrize(
    "reply", [answer(403), answer(200, {"access_token": "x"})], ids=["refusal", "token"]
)
def test_an_answer_makes_the_pause_short_again(token: Token, reply: Reply) -> None:
    token.atlas.token_replies.extend([no_answer(), no_answer(), reply, no_answer()])
    fail(token, 30.0)
    fail(token, 60.0)
    with contextlib.suppress(AtlasForbiddenError):
        token.current()
    token.clock.now += LIFETIME

    fail(token, 30.0)

    assert token.current() == "token-5"


@pytest.mark.parametrize("failures", range(1, ATTEMPTS))
def test_an_answered_server_error_is_repeated(token: Token, failures: int) -> None:
    token.atlas.token_replies.extend([answer(503)] * failures)

    assert token.current() == f"token-{failures + 1}"
    assert len(token.clock.sleeps) == failures


def test_an_answered_server_error_is_tried_four_times(token: Token) -> None:
    token.atlas.token_replies.extend([answer(503)] * ATTEMPTS)

    for _ in range(2):
        with pytest.raises(AtlasUnavailableError):
            token.current()

    assert len(token.atlas.token_requests) == ATTEMPTS == 4


@pytest.mark.parametrize(("reply", "error"), TOKEN_FAILURES.values(), ids=TOKEN_FAILURES)
def test_only_an_answered_server_error_is_repeated(
    token: Token, reply: Reply, error: type[AtlasError]
) -> None:
    token.atlas.token_replies.extend([answer(503), reply])

    with pytest.raises(error):
        token.current()

    assert len(token.atlas.token_requests) == 2


def test_the_token_and_the_one_before_it_are_never_quoted(token: Token) -> None:
    assert token.tested.secrets == ACCOUNT.secrets

    first = token.current()
    second = token.replacement(first)

    assert set(token.tested.secrets) == {first, second, *ACCOUNT.secrets}


@given(secrets, secrets.map(lambda secret: MARK + secret))
def test_no_form_of_the_client_secret_is_quoted(client: str, secret: str) -> None:
    atlas, clock = ScriptedAtlas(), Clock()
    sent: list[str] = []

    def echo(request: httpx.Request) -> httpx.Response:
        sent.append(request.headers["Authorization"].removeprefix("Basic "))
        text = f"Not {sent[0]} of {secret}!"
        return answer(401, {"error": "invalid_client", "error_description": text})(request)

    atlas.token_replies.append(echo)
    token = AccessToken(ServiceAccount(client, secret), BASE_URL, atlas.client(), now=clock)
    with pytest.raises(AtlasUnauthorizedError) as refused:
        token.current(clock.deadline())
    atlas.close()

    assert sent[0] not in str(refused.value)
    assert secret not in str(refused.value)
    assert MARK not in repr(token)
