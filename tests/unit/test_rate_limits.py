"""What is known of Atlas's rate limits: a 429 stands, and headers say how much is left."""

from itertools import product

import pytest

from restore_watch.atlas.rate_limits import (
    OUTAGE_AT_MOST,
    STANDS_AT_MOST,
    Bucket,
    RateLimits,
    share_left,
)
from restore_watch.atlas.retrying import RATE_LIMIT_PAUSE
from restore_watch.errors import (
    AtlasForbiddenError,
    AtlasRateLimitError,
    AtlasReason,
    AtlasUnavailableError,
)
from restore_watch.model.restore_job import RestoreKind
from unit.scripted_atlas import GROUP, Clock

FLEX, DEDICATED, TENANT, COLLECTION = RestoreKind
OTHER_GROUP = "5f0000000000000000000a02"


def limit(wait: float | None = None) -> AtlasRateLimitError:
    return AtlasRateLimitError("limited", AtlasReason(429, retry_after_seconds=wait))


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [(5.0, 5.0), (45.0, 45.0), (3600.0, STANDS_AT_MOST), (None, RATE_LIMIT_PAUSE)],
    ids=["short", "long", "an hour", "not named"],
)
def test_a_rate_limit_stands_as_long_as_atlas_asks_up_to_a_minute(
    clock: Clock, asked: float | None, seconds: float
) -> None:
    limits = RateLimits(clock)
    limits.refused(Bucket(GROUP, FLEX), limit(asked))

    clock.now += seconds - 0.1
    with pytest.raises(AtlasRateLimitError):
        limits.check(Bucket(GROUP, FLEX))

    clock.now += 0.1
    limits.check(Bucket(GROUP, FLEX))


@pytest.mark.parametrize(
    ("asked", "seconds"), [(5.0, 5.0), (300.0, 300.0), (86_400.0, OUTAGE_AT_MOST)]
)
def test_an_outage_lasts_as_long_as_atlas_says_up_to_a_quarter_of_an_hour(
    clock: Clock, asked: float, seconds: float
) -> None:
    limits = RateLimits(clock)
    reason = AtlasReason(503, retry_after_seconds=asked)
    limits.refused(Bucket(GROUP, FLEX), AtlasUnavailableError("out of order", reason))

    assert not limits.waits(Bucket(GROUP, DEDICATED))
    clock.now += seconds - 0.1
    assert limits.waits(Bucket(GROUP, FLEX))
    limits.check(Bucket(GROUP, FLEX))  # a job that is named is asked about
    clock.now += 0.1
    assert not limits.waits(Bucket(GROUP, FLEX))


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
    limits.refused(Bucket(GROUP, FLEX), refusal)

    assert not limits.waits(Bucket(GROUP, FLEX))
    limits.check(Bucket(GROUP, FLEX))


def test_a_rate_limit_applies_to_one_project_and_kind(clock: Clock) -> None:
    limits = RateLimits(clock)
    limits.refused(Bucket(GROUP, FLEX), limit(30.0))
    limits.refused(Bucket(OTHER_GROUP, DEDICATED), limit(5.0))

    clock.now += 10
    limits.refused(Bucket(OTHER_GROUP, TENANT), limit(30.0))

    for group, kind in product((GROUP, OTHER_GROUP), RestoreKind):
        if (group, kind) in {(GROUP, FLEX), (OTHER_GROUP, TENANT)}:
            with pytest.raises(AtlasRateLimitError):
                limits.check(Bucket(group, kind))
        else:
            limits.check(Bucket(group, kind))


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


def test_only_shares_since_a_moment_count(clock: Clock) -> None:
    limits = RateLimits(clock)
    bucket = Bucket(GROUP, FLEX)
    limits.answered(bucket, {"ratelimit-limit": "100", "ratelimit-remaining": "20"})
    told_at = clock.now

    clock.now += 5

    assert limits.share_left(bucket, told_at) == 0.2
    assert limits.share_left(bucket, told_at + 1) is None
    assert limits.share_left(Bucket(GROUP, DEDICATED), told_at) is None


def test_the_smallest_share_is_that_of_the_emptiest_bucket(clock: Clock) -> None:
    limits = RateLimits(clock)
    begun = clock.now
    for kind, left in ((FLEX, "70"), (DEDICATED, "30"), (TENANT, "90")):
        limits.answered(
            Bucket(GROUP, kind), {"ratelimit-limit": "100", "ratelimit-remaining": left}
        )

    assert limits.smallest_share(begun) == 0.3
    assert limits.smallest_share(begun + 1) is None


def test_an_answer_without_the_headers_changes_nothing(clock: Clock) -> None:
    limits = RateLimits(clock)
    bucket = Bucket(GROUP, FLEX)
    limits.answered(bucket, {"ratelimit-limit": "100", "ratelimit-remaining": "20"})

    limits.answered(bucket, {})

    assert limits.share_left(bucket, clock.now) == 0.2
