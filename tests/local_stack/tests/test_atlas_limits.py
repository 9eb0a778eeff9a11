"""The rate limits of the Atlas emulator, and what a test can do to them."""

from typing import Any

import httpx
import pytest

from local_stack.atlas import RateLimit
from local_stack.tests.emulated import GROUP, RESTORE, Place

pytestmark = pytest.mark.timeout(20)

OTHER_GROUP = "5f0000000000000000000a02"


def test_the_rate_limit_is_announced_and_enforced(place: Place) -> None:
    place.atlas.behaviour.rate_limit = RateLimit(capacity=2, refill=1, seconds=10)
    place.atlas.start_restore(GROUP, "source", "flex", restore_id=RESTORE)
    told = [place.get("flex").headers["Ratelimit-Remaining"] for _ in range(2)]
    refused = place.get("flex")

    assert told == ["1", "0"]
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "10")
    assert refused.headers["Ratelimit-Limit"] == "2"
    assert refused.json()["errorCode"] == "RATE_LIMITED_TOKEN_BUCKET"
    assert refused.json()["parameters"] == [place.url("flex")[1:], 10, 2, 1, 10]

    place.clock.advance(10)
    assert place.get("flex").status_code == 200


def test_the_headers_of_the_rate_limit_can_be_missing(place: Place) -> None:
    place.atlas.behaviour.rate_limit = RateLimit(capacity=0)
    place.atlas.behaviour.announces_limits = False
    refused = place.get("flex")

    assert refused.status_code == 429
    assert not {"retry-after", "ratelimit-limit"} & set(refused.headers)
    assert refused.json()["parameters"][1] == 1


def remaining(response: httpx.Response) -> str | None:
    header: str | None = response.headers.get("RateLimit-Remaining")
    return header


def test_a_bucket_can_be_kept_at_a_level(place: Place) -> None:
    place.atlas.start_restore(GROUP, "source", "flex", restore_id=RESTORE)
    place.atlas.keep_bucket(GROUP, "flex", 7)
    before = [remaining(place.get("flex")), remaining(place.list("flex"))]
    place.clock.advance(3600)
    after = [remaining(place.get("flex")), remaining(place.list("flex"))]

    assert (before, after) == (["7", "7"], ["7", "7"])


def test_a_bucket_can_be_kept_empty(place: Place) -> None:
    place.start()
    place.atlas.keep_bucket(GROUP, "flex", 0)
    refused = place.list("flex")
    place.clock.advance(3600)

    assert (refused.status_code, remaining(refused)) == (429, "0")
    assert refused.headers["Retry-After"] == "1"
    assert refused.json()["parameters"][1:] == [1, 1200, 500, 60]
    assert place.list("flex").status_code == 429


def test_a_kept_bucket_is_of_one_project_and_kind(place: Place) -> None:
    place.start("flex")
    place.atlas.start_restore(OTHER_GROUP, "source", "flex")
    place.atlas.keep_bucket(GROUP, "flex", 0)
    path = place.url("flex", group=OTHER_GROUP)

    assert remaining(place.digest.get(path)) == "1199"
    assert remaining(place.list("dedicated")) == "1199"


def test_a_released_bucket_is_full_and_empties_again(place: Place) -> None:
    place.start()
    place.atlas.keep_bucket(GROUP, "flex", 0)
    place.list("flex")
    place.atlas.release_bucket(GROUP, "flex")

    assert [remaining(place.list("flex")) for _ in range(2)] == ["1199", "1198"]


def test_clearing_releases_every_bucket(place: Place) -> None:
    place.atlas.keep_bucket(GROUP, "flex", 0)
    place.atlas.clear()
    place.start()

    assert remaining(place.list("flex")) == "1199"


@pytest.mark.parametrize(
    ("headers", "limit", "left"),
    [
        ({"Ratelimit-Limit": "many", "Ratelimit-Remaining": "-1"}, "many", "-1"),
        ({"Ratelimit-Limit": None}, None, "1199"),
        ({"Ratelimit-Remaining": None}, "1200", None),
        ({"Ratelimit-Remaining": ""}, "1200", ""),
    ],
    ids=["odd", "no limit", "none remaining", "empty"],
)
def test_the_headers_can_say_anything_or_be_left_out(
    place: Place, headers: Any, limit: str | None, left: str | None
) -> None:
    place.start()
    place.atlas.behaviour.limit_headers = headers
    response = place.list("flex")

    assert (response.headers.get("RateLimit-Limit"), remaining(response)) == (limit, left)


def test_a_refusal_has_the_chosen_headers_too(place: Place) -> None:
    place.start()
    place.atlas.behaviour.limit_headers = {"Ratelimit-Remaining": "900"}
    place.atlas.keep_bucket(GROUP, "flex", 0)
    refused = place.list("flex")

    assert (refused.status_code, remaining(refused)) == (429, "900")
    assert refused.headers["Retry-After"] == "1"
