"""The share of a rate limit that is left, as Atlas's answers show it."""

import pytest

from restore_watch.atlas.families import jobs_of
from restore_watch.atlas.rate_limits import Bucket, RateLimits, share_left
from restore_watch.model.restore_target import RestoreKind
from unit.scripted_atlas import GROUP, Clock

FLEX, DEDICATED, _, COLLECTION = RestoreKind


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
