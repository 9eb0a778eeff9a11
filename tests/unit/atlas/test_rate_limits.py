"""What is known of Atlas's rate limits, and when a request is repeated."""

import gc
import weakref

import pytest

from restore_watch.atlas.families import jobs_of
from restore_watch.atlas.rate_limits import Bucket, RateLimits, StandingRefusal, share_left
from restore_watch.atlas.when_to_repeat import repeat_call
from restore_watch.errors import (
    AtlasError,
    AtlasForbiddenError,
    AtlasRateLimitError,
    AtlasReason,
    AtlasUnavailableError,
)
from restore_watch.model.restore_target import RestoreKind
from unit.scripted_atlas import GROUP, Clock

FLEX, DEDICATED, TENANT, COLLECTION = RestoreKind


def limit(wait: float | None = None) -> AtlasRateLimitError:
    return AtlasRateLimitError("limited", AtlasReason(429, retry_after_seconds=wait))


# A refusal that stands is raised again without a request


@pytest.mark.parametrize(
    ("passed", "stands"),
    [(0.0, True), (29.9, True), (30.0, False), (-0.1, False)],
    ids=["at once", "at the end", "over", "clock set back"],
)
def test_a_refusal_stands_for_a_given_time(clock: Clock, passed: float, *, stands: bool) -> None:
    refusal = StandingRefusal.of(AtlasUnavailableError("out"), clock.now, 30.0)

    assert refusal.stands(clock.now + passed) is stands
    if stands:
        with pytest.raises(AtlasUnavailableError, match="out"):
            refusal.raise_while_it_stands(clock.now + passed)
    else:
        refusal.raise_while_it_stands(clock.now + passed)


@pytest.mark.parametrize(
    ("asked", "passed", "left"),
    [(40.0, 15, 25.0), (5.0, 10, 0.1)],
    ids=["the rest", "a token failure stands for 30 s, even if Atlas asked for fewer"],
)
def test_a_standing_refusal_is_the_first_one_with_the_rest_of_its_wait(
    clock: Clock, asked: float, passed: float, left: float
) -> None:
    first = limit(asked)
    first.transient = False
    standing = StandingRefusal.of(first, clock.now, max(asked, 30.0))

    with pytest.raises(AtlasRateLimitError, match="limited") as again:
        standing.raise_while_it_stands(clock.now + passed)

    assert again.value is not first
    assert (again.value.retry_after_seconds, again.value.transient) == (left, False)
    assert f"Ask again in {left:.0f} s" in str(again.value)


def test_a_standing_refusal_keeps_no_traceback_alive(clock: Clock) -> None:
    error = limit(40.0)
    kept = weakref.ref(error)
    standing = StandingRefusal.of(error, clock.now, 40.0)

    del error
    gc.collect()

    assert kept() is None
    assert standing.stands(clock.now)


# What the answers of a family of endpoints have shown


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [(5.0, 5.0), (45.0, 45.0), (3600.0, 60.0), (None, 10.0)],
    ids=["short", "long", "an hour", "not named"],
)
def test_a_rate_limit_stands_as_long_as_atlas_asks_up_to_a_minute(
    clock: Clock, asked: float | None, seconds: float
) -> None:
    limits = RateLimits(clock)
    limits.note_refusal(Bucket(GROUP, jobs_of(FLEX)), limit(asked))

    clock.now += seconds - 0.1
    with pytest.raises(AtlasRateLimitError):
        limits.check(Bucket(GROUP, jobs_of(FLEX)))

    clock.now += 0.1
    limits.check(Bucket(GROUP, jobs_of(FLEX)))


@pytest.mark.parametrize(
    ("asked", "seconds"), [(5.0, 5.0), (300.0, 300.0), (86_400.0, 900.0)], ids=str
)
def test_an_outage_lasts_as_long_as_atlas_says_up_to_a_quarter_of_an_hour(
    clock: Clock, asked: float, seconds: float
) -> None:
    limits = RateLimits(clock)
    reason = AtlasReason(503, retry_after_seconds=asked)
    limits.note_refusal(Bucket(GROUP, jobs_of(FLEX)), AtlasUnavailableError("out of order", reason))

    assert not limits.waits(Bucket(GROUP, jobs_of(DEDICATED)))
    clock.now += seconds - 0.1
    assert limits.waits(Bucket(GROUP, jobs_of(FLEX)))
    limits.check(Bucket(GROUP, jobs_of(FLEX)))  # a job that is named is asked about
    clock.now += 0.1
    assert not limits.waits(Bucket(GROUP, jobs_of(FLEX)))


@pytest.mark.parametrize(
    "refusal",
    [
        AtlasUnavailableError("no answer"),
        AtlasUnavailableError("out of order", AtlasReason(500)),
        AtlasForbiddenError("refused", AtlasReason(403, retry_after_seconds=60.0)),
    ],
    ids=["no answer", "no time", "refused"],
)
def test_other_refusals_say_nothing_about_time(
    clock: Clock, refusal: AtlasUnavailableError | AtlasForbiddenError
) -> None:
    limits = RateLimits(clock)
    limits.note_refusal(Bucket(GROUP, jobs_of(FLEX)), refusal)

    assert not limits.waits(Bucket(GROUP, jobs_of(FLEX)))
    limits.check(Bucket(GROUP, jobs_of(FLEX)))


@pytest.mark.parametrize(
    ("limit", "remaining", "share"),
    [
        ("1200", "1200", 1.0),
        ("1200", "300", 0.25),
        ("1200", "0", 0.0),
        ("1200", "1300", 1.0),
        ("1200", None, None),
        (None, "300", None),
        ("0", "0", None),
        ("-5", "3", None),
        ("1200", "-1", None),
        ("many", "300", None),
        ("1200, 1200", "1, 1", None),  # sent twice
        ("1200", "nan", None),
        ("inf", "300", None),
        ("", "", None),
    ],
)
def test_the_share_that_is_left_comes_from_two_headers_or_is_unknown(
    limit: str | None, remaining: str | None, share: float | None
) -> None:
    given = {"ratelimit-limit": limit, "ratelimit-remaining": remaining}

    assert share_left({name: text for name, text in given.items() if text is not None}) == share


def test_the_share_of_a_bucket_counts_since_a_moment(clock: Clock) -> None:
    limits, begun = RateLimits(clock), clock.now
    for kind, left in ((FLEX, "70"), (DEDICATED, "30")):
        headers = {"ratelimit-limit": "100", "ratelimit-remaining": left}
        limits.note_share(Bucket(GROUP, jobs_of(kind)), headers)
    clock.now += 5
    limits.note_share(Bucket(GROUP, jobs_of(FLEX)), {})

    flex = Bucket(GROUP, jobs_of(FLEX))
    assert (limits.share_left(flex, begun), limits.share_left(flex, begun + 1)) == (0.7, None)
    assert limits.share_left(Bucket(GROUP, jobs_of(COLLECTION)), begun) is None


# When a request is repeated, and after how long


def unavailable(wait: float | None = None) -> AtlasUnavailableError:
    return AtlasUnavailableError("unavailable", AtlasReason(503, retry_after_seconds=wait))


class Request:
    """Fails with these errors, one for each attempt, and then succeeds."""

    def __init__(self, *errors: Exception) -> None:
        self._errors = list(errors)
        self.attempts = 0

    def __call__(self) -> str:
        self.attempts += 1
        if self._errors:
            raise self._errors.pop(0)
        return "answer"

    def run(self, clock: Clock, seconds: float = 300.0) -> str:
        return repeat_call(
            self, lambda error: isinstance(error, AtlasError), clock.deadline(seconds), clock.sleep
        )


@pytest.mark.parametrize(
    ("errors", "seconds", "attempts"),
    [
        ([limit(15.1)], 300, 1),
        ([unavailable(15.1)], 300, 1),
        # The wait doubles, so it is longer than 15 s.
        ([limit(), limit()], 300, 2),
        ([limit(7.0)], 8.19, 1),
        ([limit(7.0)], 3.0, 1),
    ],
    ids=["long 429", "long 503", "second 429", "just does not fit", "does not fit"],
)
def test_no_wait_is_longer_than_fifteen_seconds_or_than_the_time_left(
    clock: Clock, errors: list[AtlasError], seconds: float, attempts: int
) -> None:
    request = Request(*errors)

    with pytest.raises(type(errors[-1])):
        request.run(clock, seconds)

    assert request.attempts == attempts
    assert len(clock.sleeps) == attempts - 1
