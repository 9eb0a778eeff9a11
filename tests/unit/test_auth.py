"""
The two ways to prove who asks, driven step by step: what is sent next, given what came back.

A flow does no I/O, so nothing here is a stand-in but Atlas's answers and the clock.
"""

import base64
import hashlib
import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote
from urllib.request import parse_http_list

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from restore_watch.atlas.auth import (
    LEAST_LIFETIME,
    REFUSALS_ANSWERED,
    RENEWAL_MARGIN,
    RENEWAL_PAUSE,
    TOKEN_LIFETIME,
    ApiKey,
    ApiKeyAuth,
    ServiceAccount,
    ServiceAccountAuth,
    authentication,
)

from restore_watch.errors import (
    AtlasError,
    AtlasForbiddenError,
    AtlasRateLimitError,
    AtlasUnauthorizedError,
    AtlasUnavailableError,
    UnexpectedAtlasResponseError,
)
from strategies import secrets

BASE_URL = "https://cloud.mongodb.com"
TOKEN_URL = f"{BASE_URL}/api/oauth/token"
JOB_URL = f"{BASE_URL}/api/atlas/v2/groups/5f0000000000000000000a01/flexClusters/orders"
OTHER_URL = f"{BASE_URL}/api/atlas/v2/groups/5f0000000000000000000a02/flexClusters/orders"
ACCOUNT = ServiceAccount("mdb_sa_id_1", "mdb_sa_sk_hidden/+ %")
KEY = ApiKey("abcdefgh", "11111111-2222-3333-4444-555555555555")
MARK = "~|~"


class Clock:
    """Stands still until it is moved."""

    def __init__(self, now: float = 1_777_896_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True)
class Sent:
    """A request as it was when it went out; the flow goes on changing the same object."""

    method: str
    url: str
    authorization: str | None
    body: bytes


Answer = Callable[[Sent], httpx.Response]


def token(name: str = "first", expires_in: object = 3600) -> Answer:
    return said(200, {"access_token": name, "expires_in": expires_in, "token_type": "Bearer"})


def said(status: int, body: object = None, **headers: str) -> Answer:
    return lambda _: httpx.Response(status, json=body, headers=headers)


def raw(status: int, body: bytes) -> Answer:
    return lambda _: httpx.Response(status, content=body)


OK = said(200, {"id": "x"})
REFUSED = said(401, {"error": 401, "reason": "Unauthorized"})
LIMITED = said(429, {"error": 429, "errorCode": "RATE_LIMITED"})
TOO_MANY_TOKENS = said(403, {"error": "access_denied"})


def drive(auth: httpx.Auth, *answers: Answer) -> list[Sent]:
    """Play the answers to one request in their order; all of them must be asked for."""
    request = httpx.Request("GET", JOB_URL, headers={"User-Agent": "atlas-restore-watch/test"})
    flow = auth.auth_flow(request)
    outgoing = next(flow)
    sent: list[Sent] = []
    remaining = iter(answers)
    while True:
        sent.append(
            Sent(
                outgoing.method,
                str(outgoing.url),
                outgoing.headers.get("Authorization"),
                outgoing.read(),
            )
        )
        answer = next(remaining)(sent[-1])
        answer.request = outgoing
        try:
            outgoing = flow.send(answer)
        except StopIteration:
            assert next(remaining, None) is None
            return sent


def service_account(clock: Clock | None = None) -> tuple[ServiceAccountAuth, Clock]:
    clock = clock or Clock()
    return ServiceAccountAuth(ACCOUNT, BASE_URL, clock), clock


def bearers(sent: list[Sent]) -> list[str | None]:
    return [request.authorization for request in sent if request.url == JOB_URL]


def token_requests(sent: list[Sent]) -> list[Sent]:
    return [request for request in sent if request.url == TOKEN_URL]


def test_the_first_request_of_all_gets_a_token() -> None:
    auth, _ = service_account()

    asked, went = drive(auth, token("first"), OK)

    assert (asked.method, asked.url) == ("POST", TOKEN_URL)
    assert asked.body == b"grant_type=client_credentials"
    assert (went.url, went.authorization) == (JOB_URL, "Bearer first")


@given(secrets, secrets)
def test_a_token_is_asked_for_with_form_encoded_credentials(client: str, secret: str) -> None:
    auth = ServiceAccountAuth(ServiceAccount(client, secret), BASE_URL, Clock())

    asked, _ = drive(auth, token(), OK)

    assert asked.authorization is not None
    scheme, _, encoded = asked.authorization.partition(" ")
    name, colon, password = base64.b64decode(encoded).decode().partition(":")
    assert (scheme, colon) == ("Basic", ":")
    assert (unquote(name), unquote(password)) == (client, secret)


def test_a_token_request_says_who_asks_and_takes_json() -> None:
    auth, _ = service_account()
    request = httpx.Request("GET", JOB_URL, headers={"User-Agent": "atlas-restore-watch/test"})
    request.extensions["timeout"] = {"connect": 1.0, "read": 2.0}

    asked = next(auth.auth_flow(request))

    assert asked.headers["User-Agent"] == "atlas-restore-watch/test"
    assert asked.headers["Accept"] == "application/json"
    assert asked.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert asked.extensions["timeout"] == {"connect": 1.0, "read": 2.0}


def test_a_token_serves_until_its_renewal_is_due() -> None:
    auth, clock = service_account()
    drive(auth, token("first"), OK)

    clock.now += TOKEN_LIFETIME - RENEWAL_MARGIN - 1

    assert bearers(drive(auth, OK)) == ["Bearer first"]


def test_a_token_is_renewed_before_it_ends() -> None:
    auth, clock = service_account()
    drive(auth, token("first"), OK)

    clock.now += TOKEN_LIFETIME - RENEWAL_MARGIN

    sent = drive(auth, token("second"), OK)
    assert [request.url for request in sent] == [TOKEN_URL, JOB_URL]
    assert bearers(sent) == ["Bearer second"]
    assert bearers(drive(auth, OK)) == ["Bearer second"]


VAIN_RENEWALS = {
    "rate limit": LIMITED,
    "too many tokens": TOO_MANY_TOKENS,
    "server error": said(500, {"errorCode": "UNEXPECTED_ERROR"}),
    "gateway": raw(502, b"<html></html>"),
    "refused": said(401, {"error": "invalid_client"}),
    "malformed": raw(200, b"<html></html>"),
    "no token": said(200, {"expires_in": 3600}),
}


@pytest.mark.parametrize("answer", VAIN_RENEWALS.values(), ids=VAIN_RENEWALS)
def test_a_renewal_that_fails_leaves_the_token_in_hand_in_use(answer: Answer) -> None:
    auth, clock = service_account()
    drive(auth, token("first"), OK)

    clock.now += TOKEN_LIFETIME - RENEWAL_MARGIN

    assert bearers(drive(auth, answer, OK)) == ["Bearer first"]


def test_a_renewal_that_failed_is_not_tried_again_at_once() -> None:
    auth, clock = service_account()
    drive(auth, token("first"), OK)
    clock.now += TOKEN_LIFETIME - RENEWAL_MARGIN
    drive(auth, LIMITED, OK)

    clock.now += RENEWAL_PAUSE - 1
    assert bearers(drive(auth, OK)) == ["Bearer first"]

    clock.now += 1
    assert bearers(drive(auth, token("second"), OK)) == ["Bearer second"]


def test_a_renewal_cut_off_by_the_network_is_not_tried_again_at_once() -> None:
    auth, clock = service_account()
    drive(auth, token("first"), OK)
    clock.now += TOKEN_LIFETIME - RENEWAL_MARGIN

    interrupted = auth.auth_flow(httpx.Request("GET", JOB_URL, headers={"User-Agent": "x"}))
    assert str(next(interrupted).url) == TOKEN_URL
    interrupted.close()

    assert bearers(drive(auth, OK)) == ["Bearer first"]


REFUSALS: dict[str, tuple[Answer, type[AtlasError]]] = {
    "rate limit": (LIMITED, AtlasRateLimitError),
    "too many tokens": (TOO_MANY_TOKENS, AtlasForbiddenError),
    "wrong secret": (said(401, {"error": "invalid_client"}), AtlasUnauthorizedError),
    "server error": (said(500), AtlasUnavailableError),
    "gateway": (raw(503, b""), AtlasUnavailableError),
    "redirect": (said(302, Location="http://169.254.169.254"), UnexpectedAtlasResponseError),
    "created": (said(201, {"access_token": "x"}), UnexpectedAtlasResponseError),
}


@pytest.mark.parametrize(("answer", "error"), REFUSALS.values(), ids=REFUSALS)
def test_without_a_token_in_hand_a_refusal_is_raised(
    answer: Answer, error: type[AtlasError]
) -> None:
    auth, _ = service_account()

    with pytest.raises(error) as refused:
        drive(auth, answer)

    assert ACCOUNT.client_secret not in str(refused.value)


def test_a_token_that_has_ended_is_not_used_when_no_new_one_is_had() -> None:
    auth, clock = service_account()
    drive(auth, token("first"), OK)

    clock.now += TOKEN_LIFETIME

    with pytest.raises(AtlasRateLimitError):
        drive(auth, LIMITED)


def test_a_refused_token_that_was_in_hand_is_renewed_once_and_the_request_replayed_once() -> None:
    auth, _ = service_account()
    drive(auth, token("first"), OK)

    sent = drive(auth, REFUSED, token("second"), OK)

    assert bearers(sent) == ["Bearer first", "Bearer second"]
    assert bearers(drive(auth, OK)) == ["Bearer second"]


def test_a_replay_that_is_refused_too_is_the_last() -> None:
    auth, _ = service_account()
    drive(auth, token("first"), OK)

    sent = drive(auth, REFUSED, token("second"), REFUSED)

    assert bearers(sent) == ["Bearer first", "Bearer second"]


def test_a_refused_token_that_was_just_issued_is_not_renewed() -> None:
    auth, _ = service_account()

    sent = drive(auth, token("first"), REFUSED)

    assert len(token_requests(sent)) == 1


def test_a_token_renewed_early_and_refused_is_not_renewed_once_more() -> None:
    auth, clock = service_account()
    drive(auth, token("first"), OK)
    clock.now += TOKEN_LIFETIME - RENEWAL_MARGIN

    sent = drive(auth, token("second"), REFUSED)

    assert len(token_requests(sent)) == 1


@pytest.mark.parametrize("status", [403, 404, 429, 500])
def test_only_a_401_casts_doubt_on_a_token(status: int) -> None:
    auth, _ = service_account()
    drive(auth, token("first"), OK)

    assert bearers(drive(auth, said(status))) == ["Bearer first"]


class Atlas:
    """Issues tokens that live an hour; grants and refuses as it is told."""

    def __init__(self) -> None:
        self.issued = 0
        self.grants = True
        self.issues = True
        self.revoked: set[str] = set()
        self.without_role: set[str] = set()
        self.said = 0

    def __call__(self, request: Sent) -> httpx.Response:
        if request.url == TOKEN_URL:
            self.issued += 1
            return (token(f"token-{self.issued}") if self.issues else LIMITED)(request)
        refused = request.url in self.without_role or request.authorization in self.revoked
        answer = (OK if self.grants and not refused else REFUSED)(request)
        self.said = answer.status_code
        return answer

    def revoke(self) -> None:
        """End every token there is."""
        self.revoked = {f"Bearer token-{number + 1}" for number in range(self.issued)}

    def asked(self, auth: httpx.Auth, url: str = JOB_URL) -> int:
        """How many token requests one request cost; what came last is `said`."""
        before = self.issued
        flow = auth.auth_flow(httpx.Request("GET", url, headers={"User-Agent": "x"}))
        try:
            outgoing = next(flow)
            while True:
                authorization = outgoing.headers.get("Authorization")
                sent = Sent(outgoing.method, str(outgoing.url), authorization, outgoing.read())
                outgoing = flow.send(self(sent))
        except (StopIteration, AtlasError):
            return self.issued - before


def test_a_missing_role_costs_one_token_in_fifty_minutes() -> None:
    auth, clock = service_account()
    atlas = Atlas()
    atlas.grants = False

    for _ in range(50):
        atlas.asked(auth)
        clock.now += 60

    assert atlas.issued == 1


def test_a_role_that_went_missing_costs_one_token_more_than_one_that_was_never_there() -> None:
    auth, clock = service_account()
    atlas = Atlas()
    atlas.asked(auth)

    atlas.grants = False
    for _ in range(49):
        clock.now += 60
        atlas.asked(auth)

    assert atlas.issued == 2


def test_a_role_that_is_missing_in_one_of_two_projects_costs_no_more() -> None:
    auth, clock = service_account()
    atlas = Atlas()
    atlas.without_role = {OTHER_URL}

    for minute in range(50):
        for url in (JOB_URL, OTHER_URL):
            atlas.asked(auth, url)
        assert atlas.issued <= 2, f"after {minute} minutes"
        clock.now += 60


@pytest.mark.parametrize("first", [JOB_URL, OTHER_URL], ids=["with-role", "without-role"])
def test_a_project_without_a_role_keeps_no_other_from_a_new_token(first: str) -> None:
    auth, clock = service_account()
    atlas = Atlas()
    atlas.without_role = {OTHER_URL}
    for url in (first, OTHER_URL, JOB_URL):
        atlas.asked(auth, url)
    issued = atlas.issued

    atlas.revoke()
    costs = []
    for _ in range(20):
        clock.now += 60
        costs.append(atlas.asked(auth, OTHER_URL) + atlas.asked(auth, JOB_URL))
        assert atlas.said == 200

    assert issued <= 2
    assert sum(costs) <= 2


def test_a_role_lost_in_one_project_costs_one_token_while_another_never_had_one() -> None:
    auth, clock = service_account()
    atlas = Atlas()
    atlas.without_role = {OTHER_URL}
    for url in (OTHER_URL, JOB_URL):
        atlas.asked(auth, url)
    atlas.without_role = {OTHER_URL, JOB_URL}

    costs = []
    for _ in range(20):
        clock.now += 60
        costs.append(atlas.asked(auth, OTHER_URL) + atlas.asked(auth, JOB_URL))

    assert sum(costs) == 1


@pytest.mark.parametrize(
    "answers", ["10", "01", "1100", "001", "0111"], ids=lambda answers: f"grants-{answers}"
)
@pytest.mark.parametrize("seconds", [0, 1, 60], ids="every-{}-s".format)
def test_grants_and_refusals_by_turns_cost_no_token_each(answers: str, seconds: int) -> None:
    auth, clock = service_account()
    atlas = Atlas()

    for answer in itertools.islice(itertools.cycle(answers), 100):
        refused = {f"{JOB_URL}/backup/restoreJobs/x"}
        atlas.without_role = set() if answer == "1" else refused
        atlas.asked(auth, *refused)
        clock.now += seconds

    assert atlas.issued <= 2 * (REFUSALS_ANSWERED + 2)


@pytest.mark.parametrize("first", ["granted", "refused"])
def test_two_jobs_of_a_cluster_of_which_one_is_refused_cost_a_few_tokens(first: str) -> None:
    auth, clock = service_account()
    atlas = Atlas()
    granted, refused = (f"{JOB_URL}/backup/restoreJobs/{name}" for name in "xy")
    atlas.without_role = {refused}

    for _ in range(50):
        for url in (granted, refused) if first == "granted" else (refused, granted):
            atlas.asked(auth, url)
        clock.now += 50

    assert atlas.issued <= REFUSALS_ANSWERED + 2


@pytest.mark.parametrize(
    ("refusal", "error"),
    [
        (LIMITED, AtlasRateLimitError),
        (TOO_MANY_TOKENS, AtlasForbiddenError),
    ],
    ids=["limited", "too-many-tokens"],
)
def test_a_token_that_cannot_be_replaced_is_told_by_what_is_in_the_way(
    refusal: Answer, error: type[AtlasError]
) -> None:
    auth, _ = service_account()
    drive(auth, token("first"), OK)

    with pytest.raises(error):
        drive(auth, REFUSED, refusal)
    for _ in range(3):
        with pytest.raises(error):
            drive(auth, REFUSED)


def test_a_token_endpoint_out_of_order_for_a_moment_is_asked_once_more() -> None:
    auth, _ = service_account()
    drive(auth, token("first"), OK)
    with pytest.raises(AtlasUnavailableError):
        drive(auth, REFUSED, said(503))

    assert bearers(drive(auth, REFUSED, token("second"), OK))[-1] == "Bearer second"


def test_a_refusal_that_is_news_is_not_tried_again_while_no_token_is_to_be_had() -> None:
    auth, clock = service_account()
    atlas = Atlas()
    atlas.without_role = {OTHER_URL}
    for url in (OTHER_URL, JOB_URL):
        atlas.asked(auth, url)
    atlas.revoke()
    atlas.issues = False

    assert [atlas.asked(auth) for _ in range(3)] == [1, 0, 0]
    clock.now += RENEWAL_PAUSE
    atlas.issues = True

    assert (atlas.asked(auth), atlas.said) == (1, 200)


def test_a_day_of_checks_costs_one_token_in_fifty_minutes() -> None:
    auth, clock = service_account()
    atlas = Atlas()

    for _ in range(24 * 60):
        atlas.asked(auth)
        clock.now += 60

    assert atlas.issued == 24 * 60 // 50 + 1


def test_a_role_that_is_granted_later_is_found_without_a_new_token() -> None:
    auth, clock = service_account()
    drive(auth, token("first"), REFUSED)

    clock.now += 600

    assert bearers(drive(auth, OK)) == ["Bearer first"]


def test_a_refused_token_stays_in_hand_until_there_is_another() -> None:
    auth, clock = service_account()
    atlas = Atlas()
    atlas.asked(auth)

    # A project where the role is missing, at a time when no token is to be had.
    atlas.grants = atlas.issues = False
    atlas.asked(auth)
    clock.now += 10

    atlas.grants = True
    assert bearers(drive(auth, OK)) == ["Bearer token-1"]


def test_no_token_is_asked_for_again_and_again_while_none_is_to_be_had() -> None:
    auth, clock = service_account()
    atlas = Atlas()
    atlas.asked(auth)

    atlas.grants = atlas.issues = False
    costs = []
    for _ in range(6):
        costs.append(atlas.asked(auth))
        clock.now += 10

    assert sum(costs) == 1


def test_a_renewal_that_just_failed_is_not_tried_again_for_a_refusal() -> None:
    auth, clock = service_account()
    atlas = Atlas()
    atlas.asked(auth)
    clock.now += TOKEN_LIFETIME - RENEWAL_MARGIN

    atlas.grants = atlas.issues = False

    assert atlas.asked(auth) == 1


@pytest.mark.parametrize("step", [3_000, 3_599, 3_600, 86_400, -3_600, -86_400])
def test_a_clock_that_jumped_costs_one_replay_at_most(step: float) -> None:
    auth, clock = service_account()
    drive(auth, token("first"), OK)

    clock.now += step
    live = "first" if step < 0 else "second"
    sent = drive(
        auth, *([REFUSED, token("second"), OK] if live == "first" else [token("second"), OK])
    )

    assert bearers(sent)[-1] == "Bearer second"
    assert len(token_requests(sent)) == 1


@pytest.mark.parametrize("expires_in", [0, 1, 5, 59, True], ids=str)
def test_a_token_of_a_tiny_lifetime_serves_for_a_minute_all_the_same(expires_in: int) -> None:
    auth, clock = service_account()

    sent = drive(auth, token("first", expires_in), OK)
    assert [request.url for request in sent] == [TOKEN_URL, JOB_URL]

    clock.now += LEAST_LIFETIME * 5 / 6 - 1
    assert bearers(drive(auth, OK)) == ["Bearer first"]

    assert bearers(drive(auth, REFUSED, token("second"), OK))[-1] == "Bearer second"


@pytest.mark.parametrize("expires_in", [60, 600, 1800])
def test_a_short_lived_token_is_renewed_after_five_sixths_of_its_life(expires_in: int) -> None:
    auth, clock = service_account()
    drive(auth, token("first", expires_in), OK)

    clock.now += expires_in * 5 / 6 - 1
    assert bearers(drive(auth, OK)) == ["Bearer first"]

    clock.now += 2
    assert bearers(drive(auth, token("second"), OK)) == ["Bearer second"]


LIFETIMES: dict[str, dict[str, Any]] = {
    "absent": {"access_token": "first"},
    "null": {"access_token": "first", "expires_in": None},
    "a day": {"access_token": "first", "expires_in": 86_400},
    "huge": {"access_token": "first", "expires_in": 10**300},
    "as text": {"access_token": "first", "expires_in": "3600"},
}


@pytest.mark.parametrize("answer", LIFETIMES.values(), ids=LIFETIMES)
def test_a_token_is_taken_to_live_an_hour_at_most(answer: dict[str, Any]) -> None:
    auth, clock = service_account()
    drive(auth, said(200, answer), OK)

    clock.now += TOKEN_LIFETIME - RENEWAL_MARGIN - 1
    assert bearers(drive(auth, OK)) == ["Bearer first"]

    clock.now += 1
    assert bearers(drive(auth, token("second"), OK)) == ["Bearer second"]


MALFORMED = {
    "empty": b"",
    "HTML": b"<html>~|~</html>",
    "truncated": b'{"access_token": "~|~',
    "list": b'["~|~"]',
    "null": b"null",
    "no UTF-8": b'{"access_token": "~|~\xff"}',
    "no token": b'{"expires_in": 3600, "token": "~|~"}',
    "null token": b'{"access_token": null}',
    "empty token": b'{"access_token": ""}',
    "number": b'{"access_token": 5}',
    "object": b'{"access_token": {"value": "~|~"}}',
    "line feed": b'{"access_token": "~|~\\n"}',
    "header in it": b'{"access_token": "~|~\\r\\nHost: elsewhere"}',
    "blank": b'{"access_token": "~|~ x"}',
    "umlaut": '{"access_token": "~|~\u00e4"}'.encode(),
    "negative life": b'{"access_token": "~|~", "expires_in": -1}',
    "no number": b'{"access_token": "~|~", "expires_in": "soon"}',
    "not a number": b'{"access_token": "~|~", "expires_in": NaN}',
    "life in a list": b'{"access_token": "~|~", "expires_in": [3600]}',
    "too deep": b"[" * 100_000,
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_token_answer_is_refused_and_not_quoted(body: bytes) -> None:
    auth, _ = service_account()

    with pytest.raises(UnexpectedAtlasResponseError) as refused:
        drive(auth, raw(200, body))

    assert MARK not in str(refused.value)
    assert refused.value.__cause__ is None


@given(st.binary())
def test_any_token_answer_is_a_token_or_a_typed_error(body: bytes) -> None:
    auth, _ = service_account()

    try:
        sent = drive(auth, raw(200, body), OK)
    except UnexpectedAtlasResponseError:
        return
    assert bearers(sent)[0] != "Bearer "


def test_who_comes_second_waits_for_the_token_of_who_came_first() -> None:
    auth, _ = service_account()
    first = auth.auth_flow(httpx.Request("GET", JOB_URL, headers={"User-Agent": "x"}))
    asked = next(first)
    went: list[Sent] = []
    second = threading.Thread(target=lambda: went.extend(drive(auth, OK)))

    second.start()
    second.join(0.05)
    assert second.is_alive()
    answer = token("shared")(Sent("POST", TOKEN_URL, None, b""))
    answer.request = asked
    first.send(answer)
    second.join(5)

    assert bearers(went) == ["Bearer shared"]
    assert not token_requests(went)


def test_who_is_refused_late_takes_the_token_that_another_has_renewed() -> None:
    auth, _ = service_account()
    drive(auth, token("first"), OK)
    late = auth.auth_flow(httpx.Request("GET", JOB_URL, headers={"User-Agent": "x"}))
    next(late)
    drive(auth, REFUSED, token("second"), OK)

    replayed = late.send(httpx.Response(401))

    assert str(replayed.url) == JOB_URL
    assert replayed.headers["Authorization"] == "Bearer second"


def test_a_request_that_is_given_up_lets_the_next_one_ask() -> None:
    auth, _ = service_account()
    given_up = auth.auth_flow(httpx.Request("GET", JOB_URL, headers={"User-Agent": "x"}))
    next(given_up)
    given_up.close()
    went: list[Sent] = []

    other = threading.Thread(target=lambda: went.extend(drive(auth, token("first"), OK)))
    other.start()
    other.join(5)

    assert bearers(went) == ["Bearer first"]


marked_secrets = secrets.map(lambda secret: MARK + secret)


@given(secrets, marked_secrets, marked_secrets)
def test_what_holds_a_secret_does_not_show_it(name: str, secret: str, access_token: str) -> None:
    account = ServiceAccount(name, secret)
    key = ApiKey(name, secret)
    account_auth = authentication(account, BASE_URL, Clock())
    key_auth = authentication(key, BASE_URL, Clock())
    drive(account_auth, token(access_token), OK)

    for holder in (account, key, account_auth, key_auth):
        assert MARK not in repr(holder).replace(name, "")
        assert MARK not in str(holder).replace(name, "")


@given(secrets, marked_secrets)
def test_all_that_must_not_be_quoted_is_known(name: str, access_token: str) -> None:
    account = ServiceAccount("mdb_sa_id_1", name)
    auth = ServiceAccountAuth(account, BASE_URL, Clock())
    assert not auth.secrets

    drive(auth, token(access_token), OK)

    assert name in account.secrets
    assert auth.secrets == (access_token,)
    assert name in ApiKey("abcdefgh", name).secrets
    assert list(ApiKeyAuth(ApiKey("abcdefgh", name)).secrets) == []


@given(secrets, marked_secrets)
def test_no_form_of_the_client_secret_that_was_sent_can_come_back_in_an_error(
    client: str, secret: str
) -> None:
    auth = ServiceAccountAuth(ServiceAccount(client, secret), BASE_URL, Clock())
    sent = []

    def echo(request: Sent) -> httpx.Response:
        sent.append((request.authorization or "").removeprefix("Basic "))
        return said(401, {"error": "invalid_client", "error_description": f"Not {sent[0]}!"})(
            request
        )

    with pytest.raises(AtlasUnauthorizedError) as refused:
        drive(auth, echo)

    assert sent[0] not in str(refused.value)


@pytest.mark.parametrize(
    ("credentials", "flow"), [(ACCOUNT, ServiceAccountAuth), (KEY, ApiKeyAuth)]
)
def test_each_kind_of_credentials_has_its_flow(
    credentials: ServiceAccount | ApiKey, flow: type[httpx.Auth]
) -> None:
    assert type(authentication(credentials, BASE_URL, Clock())) is flow


class DigestServer:
    """Checks digests as RFC 7616 says, and challenges with the nonce that it is told to use."""

    def __init__(self, **challenge: str) -> None:
        self.nonce = "nonce-1"
        self.challenge = {"algorithm": "MD5", "qop": '"auth"', "stale": "false"} | challenge
        self.refuses = False
        self.statuses: list[int] = []
        self.counts: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        good = not self.refuses and self._proves(request)
        self.statuses.append(200 if good else 401)
        if good:
            return httpx.Response(200, json={"id": "x"})
        parameters = {"realm": '"MMS Public API"', "domain": '""', "nonce": f'"{self.nonce}"'}
        said = ", ".join(f"{k}={v}" for k, v in (parameters | self.challenge).items() if v)
        return httpx.Response(401, headers={"WWW-Authenticate": f"Digest {said}"})

    def _proves(self, request: httpx.Request) -> bool:
        scheme, _, fields = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Digest":
            return False
        said = {
            key.strip(): value.strip('"')
            for key, _, value in (field.partition("=") for field in parse_http_list(fields))
        }
        self.counts.append(said.get("nc", ""))
        algorithm = self.challenge["algorithm"] or "MD5"

        def h(text: str) -> str:
            name = algorithm.removesuffix("-sess").lower().replace("-", "")
            return hashlib.new(name, text.encode(), usedforsecurity=False).hexdigest()

        secret = h(f"{KEY.public_key}:MMS Public API:{KEY.private_key}")
        if algorithm.endswith("-sess"):
            secret = h(f"{secret}:{self.nonce}:{said['cnonce']}")
        asked = h(f"GET:{request.url.raw_path.decode()}")
        between = self.nonce
        if self.challenge["qop"]:
            between = f"{self.nonce}:{said['nc']}:{said['cnonce']}:auth"
        return said["nonce"] == self.nonce and said["response"] == h(f"{secret}:{between}:{asked}")


@dataclass
class Place:
    server: DigestServer
    client: httpx.Client

    def get(self) -> int:
        return self.client.get(JOB_URL, params={"pretty": "true"}).status_code


@pytest.fixture
def place() -> Iterator[Callable[..., Place]]:
    """A digest server, and a client with one authentication for as long as the test lasts."""
    with ExitStack() as clients:

        def made(key: ApiKey = KEY, **challenge: str) -> Place:
            server = DigestServer(**challenge)
            client = httpx.Client(transport=httpx.MockTransport(server), auth=ApiKeyAuth(key))
            return Place(server, clients.enter_context(client))

        yield made


FORMS = {
    "as recorded": {},
    "no qop": {"qop": ""},
    "no algorithm": {"algorithm": ""},
    "opaque": {"opaque": '"opaque"'},
    "SHA-256": {"algorithm": "SHA-256"},
    "MD5-sess": {"algorithm": "MD5-sess"},
    "choice of qop": {"qop": '"auth-int, auth"'},
}


@pytest.mark.parametrize("challenge", FORMS.values(), ids=FORMS)
def test_a_digest_challenge_is_answered(
    place: Callable[..., Place], challenge: dict[str, str]
) -> None:
    here = place(**challenge)

    assert here.get() == 200
    assert here.server.statuses == [401, 200]


def test_a_challenge_serves_the_requests_that_follow(place: Callable[..., Place]) -> None:
    here = place()

    assert [here.get(), here.get(), here.get()] == [200, 200, 200]
    assert here.server.statuses == [401, 200, 200, 200]
    assert here.server.counts == ["00000001", "00000002", "00000003"]


@pytest.mark.parametrize("stale", ["true", "false", ""], ids=["stale", "not stale", "not said"])
def test_a_new_nonce_costs_one_401(place: Callable[..., Place], stale: str) -> None:
    here = place()
    here.get()

    here.server.nonce = "nonce-2"
    here.server.challenge["stale"] = stale

    assert [here.get(), here.get()] == [200, 200]
    assert here.server.statuses == [401, 200, 401, 200, 200]


def test_a_second_401_in_a_row_is_the_refusal(place: Callable[..., Place]) -> None:
    here = place(ApiKey(KEY.public_key, "wrong"))

    assert here.get() == 401
    assert here.server.statuses == [401, 401]


def test_a_key_that_was_good_and_is_refused_is_tried_twice(place: Callable[..., Place]) -> None:
    here = place()
    here.get()

    here.server.refuses = True

    assert here.get() == 401
    assert here.server.statuses == [401, 200, 401, 401]


def test_a_refusal_is_forgotten_once_the_key_is_good_again(place: Callable[..., Place]) -> None:
    here = place()
    here.server.refuses = True
    here.get()

    here.server.refuses = False

    assert here.get() == 200


@pytest.mark.parametrize(
    "headers", [{}, {"WWW-Authenticate": 'Basic realm="x"'}], ids=["none", "basic"]
)
def test_a_401_without_a_digest_challenge_is_the_refusal(headers: dict[str, str]) -> None:
    assert len(drive(ApiKeyAuth(KEY), said(401, **headers))) == 1


ODD_CHALLENGES = {
    "unknown algorithm": 'Digest realm="a", nonce="b", algorithm=SHA-512-256, qop="auth"',
    "empty algorithm": 'Digest realm="a", nonce="b", algorithm=, qop="auth"',
    "only auth-int": 'Digest realm="a", nonce="b", qop="auth-int"',
    "unknown qop": 'Digest realm="a", nonce="b", qop="proof"',
    "no nonce": 'Digest realm="a"',
    "empty nonce": 'Digest realm="a", nonce=',
    "no realm": 'Digest nonce="b"',
    "nothing": "Digest ",
    "no parameters": "Digest foo",
    "one without a value": 'Digest realm="a", nonce="b", stale',
}


@pytest.mark.parametrize("challenge", ODD_CHALLENGES.values(), ids=ODD_CHALLENGES)
def test_a_challenge_that_cannot_be_answered_is_a_typed_error(challenge: str) -> None:
    with pytest.raises(UnexpectedAtlasResponseError) as refused:
        drive(ApiKeyAuth(KEY), said(401, **{"WWW-Authenticate": challenge}), OK)

    assert KEY.private_key not in str(refused.value)


@pytest.mark.parametrize("challenge", ODD_CHALLENGES.values(), ids=ODD_CHALLENGES)
def test_one_odd_challenge_does_not_spoil_the_requests_that_follow(challenge: str) -> None:
    auth = ApiKeyAuth(KEY)
    with pytest.raises(UnexpectedAtlasResponseError):
        drive(auth, said(401, **{"WWW-Authenticate": challenge}), OK)

    assert len(drive(auth, OK)) == 1


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E)))
def test_any_challenge_is_answered_or_a_typed_error(text: str) -> None:
    challenge = said(401, **{"WWW-Authenticate": f"Digest {text}"})

    try:
        outcome: object = drive(ApiKeyAuth(KEY), challenge, OK)
    except UnexpectedAtlasResponseError as error:
        outcome = error

    assert KEY.private_key not in str(outcome)
