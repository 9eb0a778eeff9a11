"""When a service account's token is requested and replaced, and when not (DESIGN section 5)."""

import base64
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import unquote

import httpx
import pytest
from hypothesis import given

from foundation.errors import TimeBudgetExceededError
from restore_watch.atlas.access.service_account_access import ServiceAccountAccess
from restore_watch.atlas.credentials import ServiceAccount
from restore_watch.errors import (
    AtlasError,
    AtlasUnauthorizedError,
    AtlasUnavailableError,
    UnexpectedAtlasResponseError,
)
from strategies import secrets
from unit.scripted_atlas import (
    ACCOUNT,
    BASE_URL,
    TOKEN_FAILURES,
    TOKEN_REFUSALS,
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

    ServiceAccountAccess(
        ServiceAccount(client, secret), BASE_URL, atlas.client(), clock, clock.sleep
    ).current(clock.deadline())
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


@pytest.mark.parametrize(
    ("client_id", "advice"),
    [("mdb_sa_id_1", "Renew client_id"), ("abcdefgh", "store it as public_key")],
)
def test_a_refused_client_id_of_another_form_may_be_an_api_key(client_id: str, advice: str) -> None:
    atlas, clock = ScriptedAtlas(), Clock()
    atlas.token_replies.append(answer(401))
    account = ServiceAccount(client_id, "hidden")
    access = ServiceAccountAccess(account, BASE_URL, atlas.client(), clock, clock.sleep)

    with pytest.raises(AtlasUnauthorizedError, match=advice):
        access.current(clock.deadline())
    atlas.close()


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


class Step(NamedTuple):
    """A token is asked for some seconds later, also after a 401 for one: what comes, or raises."""

    after: float
    got: str | type[Exception] | None
    refused: str | None = None
    seconds: float = 60.0


class Story(NamedTuple):
    """What Atlas answers to token requests, if not a new token, and what is got from it."""

    replies: Sequence[Reply]
    steps: Sequence[Step]
    requests: int


def issued(name: str, lifetime: object = 3600) -> Reply:
    return answer(200, {"access_token": name, "expires_in": lifetime})


def stands(seconds: float) -> list[Step]:
    """A request fails half a second later, and stands for almost this long without another."""
    return [Step(0.5, AtlasError), Step(seconds - 0.5, AtlasError)]


FIRST, SECOND, THIRD = "token-1", "token-2", "token-3"
SERVER_ERROR = answer(503)

REFUSED_REPLACEMENTS: dict[str, tuple[list[Reply], type[AtlasError]]] = {
    **{name: ([reply], error) for name, (reply, error) in TOKEN_REFUSALS.items()},
    "server error": ([SERVER_ERROR] * 4, AtlasUnavailableError),
}

STORIES: dict[str, Story] = {
    **{
        f"fifty minutes with the lifetime {lifetime!r}"[:60]: Story(
            [issued(FIRST, lifetime)], [Step(0, FIRST), Step(2999, FIRST), Step(1, SECOND)], 2
        )
        for lifetime in (3600, None, 0, -1, 10**300, "soon", [3600])
    },
    **{
        f"a jump of the clock by {seconds} s costs one token": Story(
            [], [Step(0, FIRST), Step(seconds, SECOND), Step(0, SECOND)], 2
        )
        for seconds in (-1, -86_400, 3600, 86_400)
    },
    **{
        f"in use although its early renewal fails: {name}": Story(
            [issued(FIRST), reply, reply], [Step(0, FIRST), Step(3000, FIRST), Step(600, error)], 3
        )
        for name, (reply, error) in TOKEN_FAILURES.items()
    },
    "in use when too little time is left to renew it": Story(
        [], [Step(0, FIRST), Step(3000, FIRST, seconds=0.5), Step(0, SECOND)], 2
    ),
    **{
        f"a failure stands: {name}": Story([reply], [Step(0, error), Step(0.4, error)], 1)
        for name, (reply, error) in TOKEN_FAILURES.items()
    },
    **{
        f"a failure stands for {seconds} s: {name}": Story(
            [reply], [*stands(seconds), Step(0.5, SECOND)], 2
        )
        for name, reply, seconds in [
            ("unauthorized", answer(401), 30),
            ("timeout", no_answer(), 30),
            ("malformed", answer(200), 30),
            ("limit with a short wait", answer(429, Retry_After="5"), 30),
            ("limit with a wait", answer(429, Retry_After="45"), 45),
            ("limit with a long wait", answer(429, Retry_After="3600"), 60),
            ("limit that names no wait", answer(429), 60),
            ("refusal with a wait", answer(403, Retry_After="50"), 50),
        ]
    },
    **{
        f"the pause doubles up to two minutes: {name}": Story(
            [reply] * 4,
            [*stands(30), *stands(60), *stands(120), *stands(120), Step(0.5, "token-5")],
            5,
        )
        for name, (reply, _) in TOKEN_UNKNOWN_OUTCOMES.items()
    },
    "a refusal makes the pause short again": Story(
        [no_answer(), no_answer(), answer(403), no_answer()],
        [*stands(30), *stands(60), *stands(30), *stands(30), Step(0.5, "token-5")],
        5,
    ),
    "a token makes the pause short again": Story(
        [no_answer(), no_answer(), issued(THIRD), no_answer()],
        [*stands(30), *stands(60), Step(0.5, THIRD), Step(3600, AtlasError), Step(30, "token-5")],
        5,
    ),
    **{
        f"{failures} answered server errors": Story(
            [SERVER_ERROR] * failures, [Step(0, f"token-{failures + 1}")], failures + 1
        )
        for failures in (1, 2, 3)
    },
    "four answered server errors": Story(
        [SERVER_ERROR] * 4, [Step(0, AtlasUnavailableError), Step(0, AtlasUnavailableError)], 4
    ),
    **{
        f"only an answered server error is repeated: {name}": Story(
            [SERVER_ERROR, reply], [Step(0, error)], 2
        )
        for name, (reply, error) in TOKEN_FAILURES.items()
    },
    # After a 401
    "replaced once in ten minutes": Story(
        [],
        [
            Step(0, FIRST),
            Step(0, SECOND, refused=FIRST),
            Step(0, SECOND, refused=FIRST),  # it was replaced already
            Step(599, None, refused=SECOND),
            Step(0, SECOND),
            Step(1, THIRD, refused=SECOND),
        ],
        3,
    ),
    "replaced at once after the clock steps back": Story(
        [], [Step(0, FIRST), Step(0, SECOND, FIRST), Step(-3600, THIRD, SECOND)], 3
    ),
    **{
        f"a refused replacement does not count: {name}": Story(
            [issued(FIRST), *replies],
            [
                Step(0, FIRST),
                Step(0, error, refused=FIRST),
                Step(0, error, refused=FIRST),
                Step(60, FIRST),
                Step(0, f"token-{2 + len(replies)}", refused=FIRST),
            ],
            2 + len(replies),
        )
        for name, (replies, error) in REFUSED_REPLACEMENTS.items()
    },
    **{
        f"a replacement of unknown outcome counts: {name}": Story(
            [issued(FIRST), reply],
            [
                Step(0, FIRST),
                Step(0, error, refused=FIRST),
                Step(599, None, refused=FIRST),
                Step(1, THIRD, refused=FIRST),
            ],
            3,
        )
        for name, (reply, error) in TOKEN_UNKNOWN_OUTCOMES.items()
    },
    "a replacement that was never requested does not count": Story(
        [],
        [
            Step(0, FIRST),
            Step(0, TimeBudgetExceededError, refused=FIRST, seconds=0.5),
            Step(0, SECOND, refused=FIRST),
        ],
        2,
    ),
    **{
        f"a failed renewal stands for a refused token, and is no replacement: {name}": Story(
            [issued(FIRST), reply],
            [
                Step(0, FIRST),
                Step(3000, FIRST),
                Step(0, AtlasError, refused=FIRST),
                Step(60, THIRD, refused=FIRST),
            ],
            3,
        )
        for name, reply in (("refused", answer(429)), ("no answer", no_answer()))
    },
}


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
def test_a_token_is_requested_as_seldom_as_possible(token: Token, story: Story) -> None:
    token.atlas.token_replies.extend(story.replies)

    def get(step: Step) -> str | None:
        if step.refused is None:
            return token.current(step.seconds)
        return token.replacement(step.refused, step.seconds)

    for step in story.steps:
        token.clock.now += step.after
        if isinstance(step.got, type):
            with pytest.raises(step.got) as raised:
                get(step)
            assert not getattr(raised.value, "transient", False)
            assert ACCOUNT.client_secret not in str(raised.value)
        else:
            assert get(step) == step.got

    assert len(token.atlas.token_requests) == story.requests


@pytest.mark.parametrize(("taken", "wait"), [(4.1, "0"), (0.0, "5")], ids=["slow", "long wait"])
def test_an_early_renewal_takes_five_seconds_at_most(token: Token, taken: float, wait: str) -> None:
    def reply(request: httpx.Request) -> httpx.Response:
        token.clock.now += taken
        return answer(503, Retry_After=wait)(request)

    token.current()
    token.clock.now += 3000
    token.atlas.token_replies.append(reply)

    assert token.current() == FIRST
    assert (len(token.atlas.token_requests), token.clock.sleeps) == (2, [])
