"""Where a session asks for a job or a list, with which proof, and what is transient."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.deadline import Deadline
from restore_watch.atlas.credentials import ApiKey, Credentials, ServiceAccount
from restore_watch.atlas.families import DEDICATED_CLUSTERS, FLEX_CLUSTERS
from restore_watch.atlas.pages import Page, PageAt
from restore_watch.atlas.session import AtlasSession, only
from restore_watch.errors import (
    AtlasError,
    AtlasRateLimitError,
    AtlasUnauthorizedError,
    RestoreJobNotFoundError,
    UnexpectedAtlasResponseError,
)
from restore_watch.model.restore_job import RestoreJob
from restore_watch.model.restore_status import RestoreStatus
from restore_watch.model.restore_target import RestoreKind
from unit.atlas_answers import RESTORE_EVENTS
from unit.open_jobs import NOON, target
from unit.scripted_atlas import (
    ACCOUNT,
    BASE_URL,
    GROUP,
    RESTORE,
    Clock,
    ScriptedAtlas,
    answer,
)

KEY = ApiKey("abcdefgh", "11111111-2222-3333-4444-555555555555")


class Client:
    """A client with one clock and one script."""

    def __init__(self, atlas: ScriptedAtlas, clock: Clock) -> None:
        self.atlas = atlas
        self.clock = clock
        self._credentials: Credentials = KEY
        self._session = atlas.session(clock, lambda: self._credentials)

    def get(
        self, credentials: Credentials = KEY, *, patient: bool = True, **fields: Any
    ) -> RestoreJob:
        self._credentials = credentials
        return self._session.restore_job(target(**fields), self.clock.deadline(), patient=patient)


@pytest.fixture
def client(atlas: ScriptedAtlas, clock: Clock) -> Client:
    return Client(atlas, clock)


@pytest.mark.parametrize(
    ("credentials", "requests"),
    [(KEY, "job_requests"), (ACCOUNT, "token_requests")],
    ids=["api key", "service account"],
)
def test_the_address_in_the_secret_overrides_the_operators(
    client: Client, credentials: Credentials, requests: str
) -> None:
    elsewhere = "https://cloud.mongodbgov.com"

    client.get(type(credentials)("name", "hidden", elsewhere))

    assert {str(one.url).partition("/api")[0] for one in client.atlas.job_requests} == {elsewhere}
    assert str(getattr(client.atlas, requests)[0].url).startswith(elsewhere)


def test_old_and_new_credentials_that_are_used_in_turns_keep_their_tokens(client: Client) -> None:
    rotated = ServiceAccount(ACCOUNT.client_id, "rotated")
    for _ in range(3):
        client.get(ServiceAccount(ACCOUNT.client_id, ACCOUNT.client_secret))
        client.get(rotated)

    assert client.atlas.bearers == ["token-1", "token-2"] * 3


@pytest.mark.parametrize(
    ("age", "transient"),
    [(0.0, True), (51.0, True), (-59.0, True), (60.0, False), (-60.0, False)],
    ids=["new", "young", "clock slow", "over", "in the future"],
)
def test_a_404_is_transient_for_a_job_that_was_created_within_the_last_minute(
    client: Client, age: float, *, transient: bool
) -> None:
    client.clock.now = 0x6B4A0F80 + age  # the id of the job begins so
    client.atlas.job_replies.extend([answer(404)] * 4)

    with pytest.raises(RestoreJobNotFoundError) as refused:
        client.get()

    assert refused.value.transient is transient
    assert len(client.atlas.job_requests) == (4 if transient else 1)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"errorCode": "RATE_LIMITED"}, AtlasRateLimitError),
        ({"errorCode": "USER_UNAUTHORIZED", "id": RESTORE}, AtlasUnauthorizedError),
        ({"errorCode": "CLUSTER_NOT_FOUND"}, RestoreJobNotFoundError),
        ({"errorCode": "UNEXPECTED_ERROR"}, UnexpectedAtlasResponseError),
        ({"errorCode": ["RATE_LIMITED"]}, UnexpectedAtlasResponseError),
        ({}, UnexpectedAtlasResponseError),
    ],
    ids=str,
)
def test_a_200_without_a_job_raises_the_error_of_its_code(
    client: Client, body: object, error: type[AtlasError]
) -> None:
    client.atlas.job_replies.append(answer(200, body))

    with pytest.raises(AtlasError) as refused:
        client.get(patient=False)

    assert type(refused.value) is error


def test_a_job_that_has_an_error_code_is_still_read(client: Client) -> None:
    client.atlas.job["errorCode"] = "RATE_LIMITED"

    assert client.get().status is RestoreStatus.RUNNING


# Digest


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E)))
def test_any_challenge_is_answered_or_a_typed_error(text: str) -> None:
    atlas = ScriptedAtlas()
    atlas.job_replies.append(answer(401, WWW_Authenticate=f"Digest {text}"))

    try:
        outcome: object = Client(atlas, Clock()).get()
    except (UnexpectedAtlasResponseError, AtlasUnauthorizedError) as error:
        outcome = error
    finally:
        atlas.close()

    assert KEY.private_key not in str(outcome)


# Lists


FLEX, DEDICATED, TENANT, COLLECTION = RestoreKind
PAGE = {"itemsPerPage": "500", "pageNum": "1"}

type Ask = Callable[[AtlasSession, Deadline], Page]


def events(atlas: AtlasSession, deadline: Deadline) -> Page:
    return atlas.events(GROUP, NOON + timedelta(microseconds=999_999), deadline)


# Each row: a question, and the path and query that are asked for.
ASKS: dict[str, tuple[Ask, str, Mapping[str, str | list[str]]]] = {
    "projects": (lambda atlas, by: atlas.projects(2, by), "", PAGE | {"pageNum": "2"}),
    "events": (
        events,
        f"/{GROUP}/events",
        {
            "eventType": RESTORE_EVENTS,
            "includeCount": "false",
            "itemsPerPage": "100",
            # A moment that was rounded up could hide an event.
            "minDate": "2026-05-04T12:00:00Z",
        },
    ),
    "Flex clusters": (
        lambda atlas, by: atlas.clusters(GROUP, FLEX_CLUSTERS, by),
        f"/{GROUP}/flexClusters",
        PAGE,
    ),
    "dedicated clusters": (
        lambda atlas, by: atlas.clusters(GROUP, DEDICATED_CLUSTERS, by),
        f"/{GROUP}/clusters",
        PAGE,
    ),
    "Flex jobs": (
        lambda atlas, by: atlas.page_of_jobs((GROUP, "orders"), FLEX, PageAt(2), by),
        f"/{GROUP}/flexClusters/orders/backup/restoreJobs",
        PAGE | {"pageNum": "2", "includeCount": "false"},
    ),
    "dedicated jobs": (
        lambda atlas, by: atlas.page_of_jobs((GROUP, "orders"), DEDICATED, PageAt(), by),
        f"/{GROUP}/clusters/orders/backup/restoreJobs",
        PAGE | {"includeCount": "false"},
    ),
    "collection jobs": (
        lambda atlas, by: atlas.page_of_jobs((GROUP, "orders"), COLLECTION, PageAt(), by),
        f"/{GROUP}/clusters/orders/collectionRestoreJobs",
        PAGE | {"itemsPerPage": "100"},
    ),
}


@pytest.mark.parametrize(("ask", "path", "query"), ASKS.values(), ids=ASKS)
def test_each_list_has_its_address(
    atlas: ScriptedAtlas, clock: Clock, ask: Ask, path: str, query: Mapping[str, str | list[str]]
) -> None:
    session = AtlasSession(BASE_URL, only(ApiKey("abcdefgh", "hidden")), atlas.client(), now=clock)
    atlas.job_replies.append(answer(200, {"results": []}))

    assert ask(session, clock.deadline()).entries == []

    (request,) = atlas.job_requests
    sent = {one: request.url.params.get_list(one) for one in request.url.params}
    assert request.method == "GET"
    assert str(request.url).partition("?")[0] == f"{BASE_URL}/api/atlas/v2/groups{path}"
    assert {one: words if len(words) > 1 else words[0] for one, words in sent.items()} == query
