"""A refusal that stands is raised again without a request."""

# ruff: noqa: FBT001 - a table may have a column of booleans

import gc
import weakref

import pytest

from restore_watch.atlas.rate_limits import StandingRefusal
from restore_watch.errors import (
    AtlasError,
    AtlasForbiddenError,
    AtlasRateLimitError,
    AtlasReason,
    AtlasUnavailableError,
)
from restore_watch.model.restore_job import RestoreKind
from unit.scripted_atlas import Clock

FLEX, DEDICATED, TENANT, COLLECTION = RestoreKind
OTHER_GROUP = "5f0000000000000000000a02"


def limit(wait: float | None = None) -> AtlasRateLimitError:
    return AtlasRateLimitError("limited", AtlasReason(429, retry_after_seconds=wait))


@pytest.mark.parametrize(
    ("passed", "stands"),
    [(0.0, True), (29.9, True), (30.0, False), (-0.1, False)],
    ids=["at once", "at the end", "over", "clock set back"],
)
def test_a_refusal_stands_for_a_given_time(clock: Clock, passed: float, stands: bool) -> None:
    refusal = StandingRefusal.of(AtlasUnavailableError("out"), clock.now, 30.0)

    assert refusal.stands(clock.now + passed) is stands
    if stands:
        with pytest.raises(AtlasUnavailableError, match="out"):
            refusal.raise_while_it_stands(clock.now + passed)
    else:
        refusal.raise_while_it_stands(clock.now + passed)


@pytest.mark.parametrize("transient", [True, False], ids=["transient", "not transient"])
@pytest.mark.parametrize("error", [AtlasForbiddenError, AtlasUnavailableError])
def test_a_standing_refusal_repeats_the_text_of_the_first_one(
    clock: Clock, error: type[AtlasError], transient: bool
) -> None:
    reason = AtlasReason(403, error_code="IP_ADDRESS_NOT_ON_ACCESS_LIST", address="203.0.113.9")
    first = error("refused", reason)
    first.transient = transient

    with pytest.raises(error, match="refused") as again:
        StandingRefusal.of(first, clock.now, 30.0).raise_while_it_stands(clock.now + 5)

    assert (again.value.reason, again.value.transient) == (reason, transient)
    assert again.value is not first


def test_a_standing_refusal_names_the_rest_of_the_wait(clock: Clock) -> None:
    standing = StandingRefusal.of(limit(40.0), clock.now, 40.0)

    with pytest.raises(AtlasRateLimitError, match="Ask again in 25 s") as again:
        standing.raise_while_it_stands(clock.now + 15)

    assert again.value.retry_after_seconds == 25.0


def test_a_standing_refusal_always_names_a_positive_wait(clock: Clock) -> None:
    # A token failure stands for 30 s, even if Atlas asked for fewer.
    standing = StandingRefusal.of(limit(5.0), clock.now, 30.0)

    with pytest.raises(AtlasRateLimitError) as again:
        standing.raise_while_it_stands(clock.now + 10)

    assert again.value.retry_after_seconds == 0.1


def test_a_standing_refusal_keeps_no_traceback_alive(clock: Clock) -> None:
    error = limit(40.0)
    kept = weakref.ref(error)
    standing = StandingRefusal.of(error, clock.now, 40.0)

    del error
    gc.collect()

    assert kept() is None
    assert standing.stands(clock.now)
