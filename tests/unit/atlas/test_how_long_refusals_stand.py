"""A refusal that stands is raised again without a request."""

import gc
import weakref

import pytest

from restore_watch.atlas.families import jobs_of
from restore_watch.atlas.how_long_refusals_stand import StandingRefusal, StandingRefusals
from restore_watch.atlas.rate_limits import Bucket
from restore_watch.errors import (
    AtlasForbiddenError,
    AtlasRateLimitError,
    AtlasReason,
    AtlasUnavailableError,
)
from restore_watch.model.restore_target import RestoreKind
from unit.scripted_atlas import GROUP, Clock

FLEX, DEDICATED, _, _ = RestoreKind


def limit(wait: float | None = None) -> AtlasRateLimitError:
    return AtlasRateLimitError("limited", AtlasReason(429, retry_after_seconds=wait))


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
    refusals = StandingRefusals(clock)
    refusals.note(Bucket(GROUP, jobs_of(FLEX)), limit(asked))

    clock.now += seconds - 0.1
    with pytest.raises(AtlasRateLimitError):
        refusals.check(Bucket(GROUP, jobs_of(FLEX)))

    clock.now += 0.1
    refusals.check(Bucket(GROUP, jobs_of(FLEX)))


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
    refusals = StandingRefusals(clock)
    refusals.note(Bucket(GROUP, jobs_of(FLEX)), refusal)

    refusals.check(Bucket(GROUP, jobs_of(FLEX)))
