"""
I7, read from the wire: how many tokens are requested, and what follows a rate limit.

The rules are written here a second time, because a judge must not ask the accused.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

TOKEN_RENEWAL = 3000.0
REPLACEMENT_PAUSE = 600.0
FAILURE_PAUSE = 30.0
TOKEN_TRIES = 4
TOKENS_AN_HOUR = 8
"""Two by age, and six because of a 401."""

DEFAULT_LIMIT = 10.0
LONGEST_LIMIT = 60.0

LONGEST_REFUSAL = 120.0
"""Seconds for which a token request that was never answered stands."""

LONGEST_WAIT = 15.0
"""Seconds that an invocation sleeps at most before it asks Atlas again."""

REQUESTS_OF_A_CHECK = 16
"""Four tries of two kinds, each replayed once with another token."""

TICKS = 0.1
"""Seconds that the model's clock may pass between a decision and the request that follows it."""


@dataclass
class Request:
    """
    A request to Atlas. `at` is the environment's clock, in seconds, when it arrived.

    `status` is the status of the answer, None if no whole answer was sent; `readable` is false for
    an answer of an unknown shape. `limit` are the seconds for which a rate limit stands. `targets`
    is how many jobs its invocation names, `epoch` how often the clock was set back before. It
    `is_to_find` if it asks for a list by which jobs are found; `said_at` is Atlas's own clock.
    """

    number: int
    at: float
    epoch: int
    environment: int
    invocation: int
    targets: int
    operation: str
    group: str = ""
    cluster: str = ""
    path: str = ""
    page: str = "1"
    is_to_find: bool = False
    said_at: float = 0.0
    status: int | None = None
    readable: bool = True
    limit: float | None = None

    @property
    def issued(self) -> bool:
        return self.status == 200 and self.readable


def judge_traffic(requests: Sequence[Request]) -> None:
    """I7, for all requests of an example in the order of their arrival."""
    _judge_retries(requests)
    for own in _grouped(requests):
        _judge_limits(own)
        _judge_tokens([one for one in own if one.operation == "token"])


def _grouped(requests: Iterable[Request]) -> Iterator[list[Request]]:
    """
    The requests of each environment, from one step back of its clock to the next.

    When the clock is set back the age of everything remembered is unknown, and asking is allowed.
    """
    groups: dict[tuple[int, int], list[Request]] = defaultdict(list)
    for one in requests:
        groups[one.environment, one.epoch].append(one)
    yield from groups.values()


def _judge_retries(requests: Iterable[Request]) -> None:
    """Until the clock is set back: then a job may seem so new that a 404 is repeated."""
    asked = Counter(
        (one.invocation, one.targets)
        for one in requests
        if one.operation != "token" and not one.epoch
    )
    for (_, targets), count in asked.items():
        assert count <= targets * REQUESTS_OF_A_CHECK, "I7: a check asks Atlas too often"


def _judge_limits(requests: Sequence[Request]) -> None:
    """In a sweep or a batch, other questions may be under way when the first 429 comes."""
    until: dict[tuple[str, str], float] = {}
    limited: dict[tuple[str, str], Request] = {}
    for one in requests:
        asked = one.group, one.operation.removesuffix("_list")
        first = limited.get(asked, one)
        is_under_way = one.invocation == first.invocation and _thing(one) != _thing(first)
        if one.operation != "token" and not is_under_way:
            assert one.at >= until.get(asked, 0.0), "I7: a 429 was answered with more requests"
        if one.limit is not None:
            limited[asked] = one
            until[asked] = one.at + min(one.limit, LONGEST_LIMIT)


def _thing(request: Request) -> tuple[str, bool, str]:
    """What is asked about once at a time: a job of a batch, and in a sweep all of a cluster."""
    return request.cluster, request.is_to_find, request.path if request.targets > 1 else ""


def _judge_tokens(requests: Sequence[Request]) -> None:
    """Replay the rule: when may the next token be requested?"""
    issued_at: float | None = None
    replaced_at: float | None = None
    failed: Request | None = None
    series_at = 0.0
    tries = 0
    replacing = False
    for one in requests:
        if failed is not None and one.at - failed.at < FAILURE_PAUSE:
            is_repeatable = failed.status is not None and failed.status >= 500
            assert is_repeatable, "I7: a token request that Atlas may have served was repeated"
            assert one.invocation == failed.invocation, "I7: a failed token request does not stand"
            assert tries < TOKEN_TRIES, "I7: a token request was repeated too often"
            tries += 1
        else:
            tries, series_at = 1, one.at
            replacing = issued_at is not None and one.at - issued_at < TOKEN_RENEWAL
            if replacing and replaced_at is not None:
                pause = one.at - replaced_at
                assert pause >= REPLACEMENT_PAUSE - TICKS, "I7: tokens were replaced too often"
        is_unknown = one.status is None or (one.status == 200 and not one.readable)
        if replacing and (one.issued or is_unknown):
            replaced_at = series_at
        if one.issued:
            issued_at, failed = one.at, None
        else:
            failed = one
    issued = [one.at for one in requests if one.issued]
    for place, at in enumerate(issued):
        within_an_hour = [later for later in issued[place:] if later - at < 3600]
        assert len(within_an_hour) <= TOKENS_AN_HOUR, "I7: more tokens than seven an hour"
