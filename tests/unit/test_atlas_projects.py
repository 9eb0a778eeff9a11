"""What Atlas is asked for the lists by which jobs are found."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from foundation.deadline import Deadline
from foundation.errors import TimeBudgetExceededError
from restore_watch.atlas.client import AtlasClient
from restore_watch.atlas.credentials import ApiKey
from restore_watch.atlas.endpoints import ACCEPT, AtlasList
from restore_watch.atlas.pages import FIRST_PAGE, Page, PageAt
from restore_watch.atlas.projects import EVENTS_ON_PAGE, RESTORE_EVENTS, AtlasProjects
from restore_watch.atlas.rate_limits import Bucket
from restore_watch.atlas.session import AtlasSession, only
from restore_watch.errors import (
    AtlasRateLimitError,
    AtlasUnauthorizedError,
    RestoreJobNotFoundError,
    UnexpectedAtlasResponseError,
)
from restore_watch.model.restore_job import RestoreKind
from unit.open_jobs import NOON
from unit.scripted_atlas import BASE_URL, GROUP, Clock, Reply, ScriptedAtlas, answer, no_answer

KEY = ApiKey("abcdefgh", "hidden")
FLEX, DEDICATED, TENANT, COLLECTION = RestoreKind
EVENTS, FLEX_CLUSTERS, CLUSTERS = AtlasList.EVENTS, AtlasList.FLEX_CLUSTERS, AtlasList.CLUSTERS
PROJECTS = f"{BASE_URL}/api/atlas/v2/groups"

type Ask = Callable[[AtlasProjects, Deadline], Page]

ASKS: dict[str, tuple[Ask, Bucket, str, dict[str, str]]] = {
    "projects": (
        lambda atlas, by: atlas.projects(2, by),
        Bucket(None, AtlasList.PROJECTS),
        "",
        {"itemsPerPage": "500", "pageNum": "2"},
    ),
    "Flex clusters": (
        lambda atlas, by: atlas.clusters(GROUP, FLEX_CLUSTERS, by),
        Bucket(GROUP, FLEX_CLUSTERS),
        f"/{GROUP}/flexClusters",
        {"itemsPerPage": "500", "pageNum": "1"},
    ),
    "dedicated clusters": (
        lambda atlas, by: atlas.clusters(GROUP, CLUSTERS, by),
        Bucket(GROUP, CLUSTERS),
        f"/{GROUP}/clusters",
        {"itemsPerPage": "500", "pageNum": "1"},
    ),
    "Flex jobs": (
        lambda atlas, by: atlas.restore_jobs(GROUP, "orders", FLEX, PageAt(2), by),
        Bucket(GROUP, FLEX),
        f"/{GROUP}/flexClusters/orders/backup/restoreJobs",
        {"itemsPerPage": "500", "pageNum": "2", "includeCount": "false"},
    ),
    "dedicated jobs": (
        lambda atlas, by: atlas.restore_jobs(GROUP, "orders", DEDICATED, FIRST_PAGE, by),
        Bucket(GROUP, DEDICATED),
        f"/{GROUP}/clusters/orders/backup/restoreJobs",
        {"itemsPerPage": "500", "pageNum": "1", "includeCount": "false"},
    ),
    "collection jobs": (
        lambda atlas, by: atlas.restore_jobs(GROUP, "orders", COLLECTION, FIRST_PAGE, by),
        Bucket(GROUP, COLLECTION),
        f"/{GROUP}/clusters/orders/collectionRestoreJobs",
        {"itemsPerPage": "100", "pageNum": "1"},
    ),
}


class Projects:
    """Asks for lists, one page at a time."""

    def __init__(self, atlas: ScriptedAtlas, clock: Clock) -> None:
        self.atlas = atlas
        self.clock = clock
        client = AtlasClient(BASE_URL, atlas.client(), now=clock, sleep=clock.sleep)
        self.session = AtlasSession(client, only(KEY))

    def read(self, ask: Ask, reply: Reply | None = None, seconds: float = 60.0) -> Page:
        self.atlas.job_replies.append(reply or page([]))
        return ask(AtlasProjects(self.session), self.clock.deadline(seconds))

    @property
    def requests(self) -> list[httpx.Request]:
        return self.atlas.job_requests


@pytest.fixture
def projects(atlas: ScriptedAtlas, clock: Clock) -> Projects:
    return Projects(atlas, clock)


def page(results: list[Any], **headers: str) -> Reply:
    return answer(200, {"results": results}, **headers)


def events(atlas: AtlasProjects, deadline: Deadline) -> Page:
    return atlas.events(GROUP, NOON + timedelta(microseconds=999_999), deadline)


@pytest.mark.parametrize(
    ("ask", "path", "query"),
    [(ask, path, query) for ask, _, path, query in ASKS.values()],
    ids=ASKS,
)
def test_each_list_has_its_address(
    projects: Projects, ask: Ask, path: str, query: dict[str, str]
) -> None:
    projects.read(ask)

    (request,) = projects.requests
    assert request.method == "GET"
    assert str(request.url).partition("?")[0] == PROJECTS + path
    assert dict(request.url.params.multi_items()) == query
    assert request.headers["Accept"] == ACCEPT


def test_events_are_asked_for_by_every_type_of_a_restore(projects: Projects) -> None:
    projects.read(events)

    (request,) = projects.requests
    assert request.url.path == f"/api/atlas/v2/groups/{GROUP}/events"
    assert request.url.params.get_list("eventType") == list(RESTORE_EVENTS)
    others = [pair for pair in request.url.params.multi_items() if pair[0] != "eventType"]
    # A moment that was rounded up could hide an event.
    assert dict(others) == {
        "includeCount": "false",
        "itemsPerPage": str(EVENTS_ON_PAGE),
        "minDate": "2026-05-04T12:00:00Z",
    }


def test_a_page_has_its_entries_and_the_date_of_the_answer(projects: Projects) -> None:
    reply = page([{"id": GROUP}], Date="Mon, 04 May 2026 12:00:00 GMT")

    shown = projects.read(ASKS["projects"][0], reply)

    assert shown == Page([{"id": GROUP}], has_next=False, date=NOON, at=PageAt(2))


def test_another_page_may_follow_a_full_one(projects: Projects) -> None:
    for ask, _, _, query in ASKS.values():
        size = int(query["itemsPerPage"])
        assert not projects.read(ask, page([{}] * (size - 1))).has_next
        assert projects.read(ask, page([{}] * size)).has_next


def test_a_full_page_of_events_has_a_hundred(projects: Projects) -> None:
    assert not projects.read(events, page([{}] * 99)).has_next
    assert projects.read(events, page([{}] * 100)).has_next


# Limits


@pytest.mark.parametrize(
    ("ask", "bucket"),
    [(events, Bucket(GROUP, EVENTS)), *((ask, bucket) for ask, bucket, *_ in ASKS.values())],
    ids=["events", *ASKS],
)
def test_each_list_has_its_own_rate_limit(projects: Projects, ask: Ask, bucket: Bucket) -> None:
    projects.read(ask, page([], RateLimit_Limit="100", RateLimit_Remaining="30"))
    assert projects.session.limits.share_left(bucket, projects.clock.now) == 0.3

    with pytest.raises(AtlasRateLimitError) as refused:
        projects.read(ask, answer(429, Retry_After="30"))
    assert refused.value.family == bucket.family
    with pytest.raises(AtlasRateLimitError):
        projects.read(ask)
    assert len(projects.requests) == 2


def test_the_limit_of_one_list_leaves_the_others(projects: Projects) -> None:
    with pytest.raises(AtlasRateLimitError):
        projects.read(events, answer(429, Retry_After="30"))

    for ask, *_ in ASKS.values():
        assert projects.read(ask).entries == []
    assert len(projects.requests) == 1 + len(ASKS)


# Failures

FAILURES: dict[str, tuple[Reply, type[Exception], str]] = {
    "no role": (
        answer(401, {"errorCode": "USER_UNAUTHORIZED"}),
        AtlasUnauthorizedError,
        "Project Backup Manager",
    ),
    "no project": (
        answer(404, {"errorCode": "GROUP_NOT_FOUND"}),
        RestoreJobNotFoundError,
        "GROUP_NOT",
    ),
    "a job": (answer(200, {"id": GROUP}), UnexpectedAtlasResponseError, "without results"),
}


@pytest.mark.parametrize(("reply", "error", "text"), FAILURES.values(), ids=FAILURES)
def test_a_list_that_is_refused_raises_the_error_of_its_family(
    projects: Projects, reply: Reply, error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text) as refused:
        projects.read(ASKS["dedicated jobs"][0], reply)

    assert type(refused.value) is error
    assert projects.clock.sleeps == []


def test_nothing_is_asked_twice_when_no_answer_comes(projects: Projects) -> None:
    """The step is tried again by the agenda, when its project's turn comes."""
    with pytest.raises(Exception, match="ReadTimeout"):
        projects.read(events, no_answer())

    assert len(projects.requests) == 1


def test_nothing_is_asked_without_the_time_for_it(projects: Projects) -> None:
    with pytest.raises(TimeBudgetExceededError):
        projects.read(events, seconds=0.9)

    assert projects.requests == []
