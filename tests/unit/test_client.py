"""What a client asks Atlas for one restore job, and what it keeps for the next one."""

# ruff: noqa: FBT001 - a table may have a column of booleans

from typing import Any

import httpx
import pytest

from restore_watch.atlas.client import AtlasClient
from restore_watch.atlas.credentials import ApiKey, Credentials, ServiceAccount
from restore_watch.atlas.endpoints import ACCEPT
from restore_watch.atlas.network import ENVELOPE
from restore_watch.atlas.retrying import ATTEMPTS
from restore_watch.atlas.session import GRACE, AtlasSession
from restore_watch.errors import (
    AtlasError,
    AtlasRateLimitError,
    AtlasUnauthorizedError,
    AtlasUnavailableError,
    RestoreJobNotFoundError,
    UnexpectedAtlasResponseError,
)
from restore_watch.model.restore_job import RestoreJob, RestoreKind, RestoreStatus
from unit.checking import target
from unit.scripted_atlas import (
    ACCOUNT,
    BASE_URL,
    GROUP,
    RESTORE,
    Clock,
    Reply,
    ScriptedAtlas,
    answer,
    no_answer,
)

KEY = ApiKey("abcdefgh", "hidden")
CREATED = int(RESTORE[:8], 16)


class Client:
    """A client with one clock and one script."""

    def __init__(self, atlas: ScriptedAtlas, clock: Clock) -> None:
        self.atlas = atlas
        self.clock = clock
        self._credentials: Credentials = KEY
        client = AtlasClient(BASE_URL, atlas.client(), now=clock, sleep=clock.sleep)
        self._session = AtlasSession(client, lambda *_, **_refused: self._credentials)

    def get(
        self, credentials: Credentials = KEY, *, patient: bool = True, **fields: Any
    ) -> RestoreJob:
        self._credentials = credentials
        return self._session.restore_job(target(**fields), self.clock.deadline(), patient=patient)


@pytest.fixture
def client(atlas: ScriptedAtlas, clock: Clock) -> Client:
    return Client(atlas, clock)


PATHS = {
    RestoreKind.FLEX: "flexClusters/orders/backup/restoreJobs",
    RestoreKind.DEDICATED: "clusters/orders/backup/restoreJobs",
    RestoreKind.TENANT: "clusters/orders/backup/tenant/restores",
    RestoreKind.COLLECTION: "clusters/orders/collectionRestoreJobs",
}


@pytest.mark.parametrize("kind", RestoreKind)
def test_each_kind_has_its_endpoint(client: Client, kind: RestoreKind) -> None:
    client.atlas.job = {"id": RESTORE, "deliveryType": "automated"} | dict.fromkeys(
        ("status", "state"), "RUNNING"
    )

    assert client.get(kind=kind).kind is kind

    (request,) = client.atlas.job_requests
    path = f"/api/atlas/v2/groups/{GROUP}/{PATHS[kind]}/{RESTORE}"
    assert (request.method, str(request.url)) == ("GET", BASE_URL + path)
    assert request.headers["Accept"] == ACCEPT


@pytest.mark.parametrize(
    ("options", "query"),
    [
        ({}, ""),
        ({"envelope": True}, "envelope=true"),
        ({"envelope": False, "pretty": True}, "envelope=false&pretty=true"),
    ],
    ids=["absent", "envelope", "both"],
)
def test_envelope_and_pretty_are_sent_and_only_a_requested_envelope_is_opened(
    client: Client, options: dict[str, Any], query: str
) -> None:
    opened: list[bool] = []
    send_job = answer(200, client.atlas.job)

    def reply(request: httpx.Request) -> httpx.Response:
        opened.append(bool(request.extensions.get(ENVELOPE)))
        return send_job(request)

    client.atlas.job_replies.append(reply)
    client.get(**options)

    assert client.atlas.job_requests[0].url.query.decode() == query
    assert opened == ["envelope=true" in query]


@pytest.mark.parametrize(
    ("credentials", "requests"),
    [(KEY, "job_requests"), (ACCOUNT, "token_requests")],
    ids=["api key", "service account"],
)
def test_the_address_in_the_secret_overrides_the_operators(
    client: Client, credentials: Credentials, requests: str
) -> None:
    elsewhere = "https://cloud.mongodbgov.com"
    kind = type(credentials)
    account = kind("name", "hidden", elsewhere)

    client.get(account)

    assert {str(one.url).partition("/api")[0] for one in client.atlas.job_requests} == {elsewhere}
    assert str(getattr(client.atlas, requests)[0].url).startswith(elsewhere)


def test_one_token_serves_many_checks_until_the_credentials_change(client: Client) -> None:
    client.get(ACCOUNT)
    client.get(ServiceAccount(ACCOUNT.client_id, ACCOUNT.client_secret))
    assert len(client.atlas.token_requests) == 1

    client.get(ServiceAccount(ACCOUNT.client_id, "rotated"))
    assert client.atlas.bearers == ["token-1", "token-1", "token-2"]


def test_old_and_new_credentials_that_are_used_in_turns_keep_their_tokens(client: Client) -> None:
    rotated = ServiceAccount(ACCOUNT.client_id, "rotated")
    for _ in range(3):
        client.get(ACCOUNT)
        client.get(rotated)

    assert client.atlas.bearers == ["token-1", "token-2"] * 3


def test_a_remembered_kind_is_asked_first(client: Client) -> None:
    client.atlas.job = {"id": RESTORE, "deliveryType": "automated"}
    client.atlas.job_replies.append(
        answer(400, {"errorCode": "CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API"})
    )

    client.get(kind=None)
    client.get(kind=None)

    families = [
        "flex" if "/flexClusters/" in str(r.url) else "dedicated" for r in client.atlas.job_requests
    ]
    assert families == ["flex", "dedicated", "dedicated"]


PASSING: dict[str, Reply] = {
    "503": answer(503),
    "502 in HTML": answer(502, b"<html></html>"),
    "408": answer(408),
    "429": answer(429, Retry_After="3"),
    "timeout": no_answer(),
}


@pytest.mark.parametrize("reply", PASSING.values(), ids=PASSING)
def test_a_request_for_a_job_is_repeated_after_a_transient_failure(
    client: Client, reply: Reply
) -> None:
    client.atlas.job_replies.append(reply)

    client.get()

    assert len(client.atlas.job_requests) == 2
    assert len(client.clock.sleeps) == 1


@pytest.mark.parametrize("reply", PASSING.values(), ids=PASSING)
def test_an_impatient_request_is_never_repeated(client: Client, reply: Reply) -> None:
    client.atlas.job_replies.append(reply)

    with pytest.raises(AtlasError) as refused:
        client.get(patient=False)

    assert refused.value.transient
    assert (len(client.atlas.job_requests), client.clock.sleeps) == (1, [])


@pytest.mark.parametrize("status", [400, 401, 403, 410])
def test_a_refusal_that_is_not_transient_is_raised_at_once(client: Client, status: int) -> None:
    client.atlas.job_replies.append(answer(status))

    with pytest.raises(AtlasError, match=str(status)) as refused:
        client.get()

    assert not refused.value.transient
    assert len(client.atlas.job_requests) == 1


@pytest.mark.parametrize(
    ("age", "transient"),
    [(0.0, True), (GRACE - 9, True), (1 - GRACE, True), (GRACE, False), (-GRACE, False)],
    ids=["new", "young", "clock slow", "over", "in the future"],
)
def test_a_404_is_transient_for_a_job_that_was_created_within_the_last_minute(
    client: Client, age: float, transient: bool
) -> None:
    client.clock.now = CREATED + age
    client.atlas.job_replies.extend([answer(404)] * ATTEMPTS)

    with pytest.raises(RestoreJobNotFoundError) as refused:
        client.get()

    assert refused.value.transient is transient
    assert len(client.atlas.job_requests) == (ATTEMPTS if transient else 1)


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


@pytest.mark.parametrize(
    "reply", [answer(429), answer(503), no_answer()], ids=["429", "503", "timeout"]
)
def test_a_failed_token_request_is_not_repeated_as_a_request_for_a_job(
    client: Client, reply: Reply
) -> None:
    client.atlas.token_replies.extend([reply] * 20)

    for _ in range(3):
        with pytest.raises((AtlasRateLimitError, AtlasUnavailableError)):
            client.get(ACCOUNT)

    assert len(client.atlas.token_requests) <= ATTEMPTS
    assert not client.atlas.job_requests


def limit_flex(client: Client, seconds: str = "30") -> None:
    client.atlas.job_replies.append(answer(429, Retry_After=seconds))
    with pytest.raises(AtlasRateLimitError):
        client.get(patient=False)


def test_no_request_is_sent_while_a_rate_limit_lasts(client: Client) -> None:
    limit_flex(client)

    client.clock.now += 10
    with pytest.raises(AtlasRateLimitError) as limited:
        client.get()
    assert limited.value.retry_after_seconds == 20
    assert len(client.atlas.job_requests) == 1

    client.clock.now += 20
    client.get()
    assert len(client.atlas.job_requests) == 2


def test_the_client_waits_for_a_rate_limit_that_ends_within_fifteen_seconds(client: Client) -> None:
    limit_flex(client, seconds="10")

    client.get()

    assert 10 <= sum(client.clock.sleeps) <= 11
