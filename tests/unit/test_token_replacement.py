"""A 401 is answered with a new token at most once in ten minutes; requests never overlap."""

import threading

import httpx
import pytest

from foundation.errors import TimeBudgetExceededError
from restore_watch.atlas.retrying import ATTEMPTS
from restore_watch.atlas.token import RENEWAL_AGE, REPLACEMENT_PAUSE, AccessToken
from restore_watch.errors import AtlasError, AtlasUnavailableError
from unit.scripted_atlas import (
    ACCOUNT,
    BASE_URL,
    TOKEN_REFUSALS,
    TOKEN_UNKNOWN_OUTCOMES,
    Clock,
    Reply,
    ScriptedAtlas,
    Token,
    answer,
    no_answer,
)


def test_a_refused_token_is_replaced_once_in_ten_minutes(token: Token) -> None:
    first = token.current()

    second = token.replacement(first)
    assert second == "token-2"

    token.clock.now += REPLACEMENT_PAUSE - 1
    assert token.replacement(second) is None
    assert token.current() == "token-2"

    token.clock.now += 1
    assert token.replacement(second) == "token-3"
    assert len(token.atlas.token_requests) == 3


def test_replacing_an_already_replaced_token_costs_no_request(token: Token) -> None:
    first = token.current()
    token.replacement(first)

    assert token.replacement(first) == "token-2"
    assert len(token.atlas.token_requests) == 2


def test_a_token_can_be_replaced_at_once_after_the_clock_steps_back(token: Token) -> None:
    first = token.current()
    second = token.replacement(first)
    assert second is not None

    token.clock.now -= 3600

    assert token.replacement(second) == "token-3"


@pytest.mark.parametrize(
    ("replies", "error"),
    [
        *(([reply], error) for reply, error in TOKEN_REFUSALS.values()),
        ([answer(503)] * ATTEMPTS, AtlasUnavailableError),
    ],
    ids=[*TOKEN_REFUSALS, "server error"],
)
def test_a_refused_replacement_does_not_count(
    token: Token, replies: list[Reply], error: type[AtlasError]
) -> None:
    first = token.current()
    token.atlas.token_replies.extend(replies)

    for _ in range(2):
        with pytest.raises(error) as refused:
            token.replacement(first)
        assert not refused.value.transient
    assert len(token.atlas.token_requests) == 1 + len(replies)

    token.clock.now += 60
    assert token.current() == first
    assert token.replacement(first) == f"token-{2 + len(replies)}"


@pytest.mark.parametrize(
    ("reply", "error"), TOKEN_UNKNOWN_OUTCOMES.values(), ids=TOKEN_UNKNOWN_OUTCOMES
)
def test_a_replacement_of_unknown_outcome_counts(
    token: Token, reply: Reply, error: type[AtlasError]
) -> None:
    first = token.current()
    token.atlas.token_replies.append(reply)
    with pytest.raises(error):
        token.replacement(first)

    token.clock.now += REPLACEMENT_PAUSE - 1
    assert token.replacement(first) is None

    token.clock.now += 1
    assert token.replacement(first) == "token-3"


def test_a_replacement_that_was_never_requested_does_not_count(token: Token) -> None:
    first = token.current()

    with pytest.raises(TimeBudgetExceededError):
        token.replacement(first, 0.5)

    assert len(token.atlas.token_requests) == 1
    assert token.replacement(first) == "token-2"


@pytest.mark.parametrize("reply", [answer(429), no_answer()], ids=["refused", "no answer"])
def test_a_failed_renewal_is_raised_for_a_refused_token_and_does_not_count_as_a_replacement(
    token: Token, reply: Reply
) -> None:
    first = token.current()
    token.clock.now += RENEWAL_AGE
    token.atlas.token_replies.append(reply)
    token.current()

    with pytest.raises(AtlasError):
        token.replacement(first)
    assert len(token.atlas.token_requests) == 2

    token.clock.now += 60
    assert token.replacement(first) == "token-3"


class SlowAtlas(ScriptedAtlas):
    """Answers a token request only when `may_answer` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.is_asked = threading.Event()
        self.may_answer = threading.Event()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.is_asked.set()
        assert self.may_answer.wait(5)
        return super().__call__(request)


@pytest.mark.parametrize("act", ["current", "replacement"])
def test_two_threads_share_one_token_request(clock: Clock, act: str) -> None:
    atlas = SlowAtlas()
    token = AccessToken(ACCOUNT, BASE_URL, atlas.client(), now=clock)
    before = 0
    if act == "replacement":
        atlas.may_answer.set()
        token.current(clock.deadline())
        atlas.may_answer.clear()
        atlas.is_asked.clear()
        before = 1
    got: list[str | None] = []

    def ask() -> None:
        if act == "current":
            got.append(token.current(clock.deadline()))
        else:
            got.append(token.replacement("token-1", clock.deadline()))

    threads = [threading.Thread(target=ask) for _ in range(2)]
    threads[0].start()
    assert atlas.is_asked.wait(5)
    threads[1].start()
    threads[1].join(0.05)
    assert not got
    atlas.may_answer.set()
    for thread in threads:
        thread.join(5)
    atlas.close()

    assert got == [f"token-{before + 1}"] * 2
    assert len(atlas.token_requests) == before + 1
