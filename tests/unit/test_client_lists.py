"""What a client asks Atlas for a cluster's restore jobs, and how many pages it reads."""

from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from restore_watch.atlas.client import NEWER_JOBS, AtlasClient
from restore_watch.atlas.credentials import ApiKey
from restore_watch.atlas.endpoints import ACCEPT
from restore_watch.atlas.lists import Listing
from restore_watch.atlas.pages import PAGE_LIMIT
from restore_watch.errors import (
    AtlasBadRequestError,
    AtlasRateLimitError,
    AtlasUnauthorizedError,
    RestoreJobNotFoundError,
    TimeBudgetExceededError,
    UnexpectedAtlasResponseError,
)
from restore_watch.restore_job import RestoreKind
from unit.atlas_answers import collection, dedicated, flex
from unit.checking import target
from unit.open_jobs import restore_id
from unit.scripted_atlas import BASE_URL, GROUP, Clock, Reply, ScriptedAtlas, answer

KEY = ApiKey("abcdefgh", "hidden")
FLEX, DEDICATED, TENANT, COLLECTION = RestoreKind

LISTS = {
    FLEX: "flexClusters/orders/backup/restoreJobs",
    DEDICATED: "clusters/orders/backup/restoreJobs",
    TENANT: "clusters/orders/backup/tenant/restores",
    COLLECTION: "clusters/orders/collectionRestoreJobs",
}


def page(numbers: Iterable[int], *, is_last: bool = True, at: str = BASE_URL) -> Reply:
    """A page that shows these jobs. Its link to the next page leads to `at`."""
    links = [] if is_last else [{"rel": "next", "href": f"{at}/api/atlas/v2/next?pageNum=9"}]
    results = [
        {**flex(), **dedicated(), **collection(), "id": restore_id(number), "status": "RUNNING"}
        for number in numbers
    ]
    return answer(200, {"links": links, "results": results, "totalCount": 1000})


class Lists:
    """Asks for the list of one cluster."""

    def __init__(self, atlas: ScriptedAtlas, clock: Clock) -> None:
        self.atlas = atlas
        self.clock = clock
        self.client = AtlasClient(BASE_URL, atlas.client(), now=clock, sleep=clock.sleep)

    def read(
        self,
        numbers: Sequence[int],
        *pages: Reply,
        kind: RestoreKind = FLEX,
        seconds: float = 60.0,
    ) -> Listing:
        self.atlas.job_replies.extend(pages)
        targets = [target(restore_id(number), kind=None) for number in numbers]
        return self.client.list_restore_jobs(targets, kind, KEY, self.clock.deadline(seconds))

    @property
    def queries(self) -> list[dict[str, str]]:
        return [dict(request.url.params) for request in self.atlas.job_requests]


@pytest.fixture
def lists(atlas: ScriptedAtlas, clock: Clock) -> Lists:
    return Lists(atlas, clock)


def shown(listing: Listing) -> set[str]:
    return set(listing.jobs)


def ids(numbers: Iterable[int]) -> set[str]:
    return set(map(restore_id, numbers))


@pytest.mark.parametrize("kind", RestoreKind)
def test_each_kind_has_its_list(lists: Lists, kind: RestoreKind) -> None:
    listing = lists.read([1, 2], page([1, 2]), kind=kind)

    (request,) = lists.atlas.job_requests
    address, _, _ = str(request.url).partition("?")
    assert address == f"{BASE_URL}/api/atlas/v2/groups/{GROUP}/{LISTS[kind]}"
    assert request.headers["Accept"] == ACCEPT
    assert {job.kind for job in listing.jobs.values()} == {kind}


@pytest.mark.parametrize(
    ("wanted", "size"),
    [
        (2, 25),
        (30, 30 + NEWER_JOBS),
        (31, 250),
        (PAGE_LIMIT - NEWER_JOBS, PAGE_LIMIT),
        (PAGE_LIMIT, PAGE_LIMIT),
    ],
)
def test_a_page_has_room_for_the_wanted_jobs_and_some_newer_ones(
    lists: Lists, wanted: int, size: int
) -> None:
    lists.read(range(wanted), page(range(wanted)))

    assert lists.queries == [
        {"itemsPerPage": str(size), "pageNum": "1", "includeCount": "false"},
    ]


def test_a_list_of_tenant_jobs_has_no_pages(lists: Lists) -> None:
    listing = lists.read([1, 2], page([1]), kind=TENANT)

    assert lists.queries == [{}]
    assert shown(listing) == ids([1])


def test_a_list_of_collection_jobs_has_pages_and_no_count(lists: Lists) -> None:
    """Its specification has no `includeCount`."""
    listing = lists.read([1, 2, 3], page([1], is_last=False), page([2, 3]), kind=COLLECTION)

    assert lists.queries == [{"itemsPerPage": "25", "pageNum": number} for number in "12"]
    assert shown(listing) == ids([1, 2, 3])


def test_pages_are_read_by_number_as_long_as_they_show_wanted_jobs(lists: Lists) -> None:
    elsewhere = "https://elsewhere.example.net"
    listing = lists.read(
        [1, 2, 3, 4, 5],
        page([1, 50], is_last=False, at=elsewhere),
        page([2, 3], is_last=False, at=elsewhere),
        page([60], is_last=False, at=elsewhere),
    )

    assert shown(listing) == ids([1, 2, 3])
    assert [query["pageNum"] for query in lists.queries] == ["1", "2", "3"]
    assert {request.url.host for request in lists.atlas.job_requests} == {"cloud.mongodb.com"}


def test_no_page_is_read_after_every_wanted_job_was_shown(lists: Lists) -> None:
    assert shown(lists.read([1, 2], page([2, 1], is_last=False))) == ids([1, 2])
    assert len(lists.queries) == 1


def test_no_page_is_read_for_a_last_job_that_the_pages_before_did_not_show(lists: Lists) -> None:
    """Its own endpoint takes one call as well, and shows it for certain."""
    assert shown(lists.read([1, 2, 3], page([3, 1], is_last=False))) == ids([1, 3])
    assert len(lists.queries) == 1


def test_no_page_is_read_after_the_last(lists: Lists) -> None:
    assert shown(lists.read([1, 2, 3], page([2]))) == ids([2])
    assert len(lists.queries) == 1


def test_a_list_costs_at_most_as_many_calls_as_its_jobs(lists: Lists) -> None:
    """Somebody else's jobs come between: without the list, each job costs one call."""
    pages = [page([number], is_last=False) for number in (1, 1, 1, 1)]

    assert shown(lists.read([1, 2, 3], *pages)) == ids([1])
    assert len(lists.queries) == 3


def test_a_wanted_entry_of_an_unknown_shape_is_named(lists: Lists) -> None:
    odd = answer(200, {"results": [{"id": restore_id(1)}, flex(id=restore_id(2))]})

    listing = lists.read([1, 2], odd)

    assert shown(listing) == ids([2])
    assert set(listing.unreadable) == ids([1])


REFUSALS: dict[str, tuple[Reply, type[Exception]]] = {
    "no results": (answer(200, {}), UnexpectedAtlasResponseError),
    "not JSON": (answer(200, b"<html>"), UnexpectedAtlasResponseError),
    "coded 200": (answer(200, {"errorCode": "RATE_LIMITED"}), AtlasRateLimitError),
    "wrong kind": (
        answer(400, {"errorCode": "CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API"}),
        AtlasBadRequestError,
    ),
    "unauthorized": (answer(401), AtlasUnauthorizedError),
    "no cluster": (answer(404), RestoreJobNotFoundError),
}


@pytest.mark.parametrize(("reply", "error"), REFUSALS.values(), ids=REFUSALS)
def test_a_list_that_is_refused_raises_the_error_of_its_code_at_once(
    lists: Lists, reply: Reply, error: type[Exception]
) -> None:
    with pytest.raises(error) as refused:
        lists.read([1, 2], reply)

    assert type(refused.value) is error
    assert len(lists.queries) == 1
    assert not lists.clock.sleeps


def test_no_list_is_asked_for_while_its_rate_limit_lasts(lists: Lists) -> None:
    with pytest.raises(AtlasRateLimitError):
        lists.read([1, 2], answer(429, Retry_After="30"))

    with pytest.raises(AtlasRateLimitError):
        lists.read([1, 2], page([1, 2]))
    assert len(lists.queries) == 1

    lists.atlas.job_replies.clear()
    lists.read([1, 2], page([1, 2]), kind=DEDICATED)
    assert len(lists.queries) == 2


def test_what_a_list_says_is_left_of_its_bucket_is_remembered(lists: Lists) -> None:
    results: dict[str, Any] = {"results": []}
    lists.read([1], answer(200, results, RateLimit_Limit="100", RateLimit_Remaining="30"))

    assert lists.client.limits.smallest_share(lists.clock.now) == 0.3


def test_no_list_is_asked_for_without_the_time_for_it(lists: Lists) -> None:
    with pytest.raises(TimeBudgetExceededError):
        lists.read([1], page([1]), seconds=0.9)

    assert lists.queries == []
