"""Redirects, and base URLs that point elsewhere: F38 and F39."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest

from local_stack.loopback import LoopbackServer
from local_stack.stack import Credentials
from local_stack.wire import Answer, Selection, Wire
from reliability.campaign import UNCHANGED, Campaign, event, record, requested
from reliability.steps import ACCOUNT, ATLAS, SETTLED_AFTER, TOKEN
from restore_watch.errors import CredentialsError, UnexpectedAtlasResponseError

pytestmark = pytest.mark.timeout(60)
cases = pytest.mark.parametrize


@contextmanager
def elsewhere() -> Iterator[tuple[str, Wire]]:
    """A server that credentials must never reach."""

    def app(_: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "application/json")])
        return [b'{"access_token": "of somebody else", "expires_in": 3600}']

    wire = Wire(app, lambda _: ("elsewhere", "any"))
    with LoopbackServer(wire) as server:
        yield server.url, wire


@pytest.mark.fault("F38")
@cases(
    ("credentials", "step"),
    [("service_account", TOKEN), ("service_account", ATLAS), ("api_key", ATLAS)],
    ids=["token", "bearer", "digest"],
)
@cases("status", [301, 307])
def test_a_redirect_to_another_host_is_not_followed(
    campaign: Campaign, status: int, credentials: Credentials, step: Selection
) -> None:
    campaign.use(credentials)
    job, checker = campaign.recorded_job(), campaign.environment()
    with elsewhere() as (url, wire):
        campaign.inject(step, Answer(status, {"Location": f"{url}/api"}))
        error = campaign.refused(UnexpectedAtlasResponseError, job, checker)
        assert url not in str(error)
        assert wire.calls == ()
    assert campaign.count(step) == 1

    campaign.pass_time(SETTLED_AFTER)
    assert campaign.recheck(job, checker) == UNCHANGED


@pytest.mark.fault("F38")
@pytest.mark.allow_hosts(["127.0.0.1"])
@cases(
    "location",
    [
        "http://169.254.169.254/latest/meta-data/iam/security-credentials/",
        "http://cloud.mongodb.com/api",
        "//evil.example/api",
        "/api/oauth/token",
        "",
        "https://xn--a.com/x",
        "https://[::1",
    ],
    ids=[
        *["metadata", "plain-http", "no-scheme", "same-host", "empty"],
        *["not-a-name", "half-an-address"],
    ],
)
def test_no_redirect_is_followed(campaign: Campaign, location: str) -> None:
    job, checker = campaign.recorded_job(), campaign.environment()
    campaign.inject(ATLAS, Answer(302, {"Location": location}))
    campaign.refused(UnexpectedAtlasResponseError, job, checker)
    assert campaign.count(ATLAS) == 1

    campaign.pass_time(SETTLED_AFTER)
    assert campaign.recheck(job, checker) == UNCHANGED


@pytest.mark.fault("F39")
@cases(
    "url",
    [
        "https://evil.example",
        "https://cloud.mongodb.com\\@evil.example",
        "http://127.0.0.1:1",
        "\x00",
    ],
)
def test_a_base_url_of_another_host_in_the_secret_is_refused(campaign: Campaign, url: str) -> None:
    job, checker = campaign.recorded_job(), campaign.environment()
    campaign.put_secret({**ACCOUNT, "base_url": url})
    error = campaign.refused(CredentialsError, job, checker)
    assert url not in str(error)
    assert campaign.calls() == ["secret", "recall"]

    campaign.use("service_account")
    assert campaign.recheck(job, checker) == UNCHANGED


@pytest.mark.fault("F39")
@cases("wrapping", ["direct", "targets", "eventbridge", "queue"])
def test_a_base_url_in_an_event_is_refused_before_any_io(campaign: Campaign, wrapping: str) -> None:
    job = campaign.recorded_job()
    with elsewhere() as (url, wire):
        one = event(job, baseUrl=url)
        wrapped: dict[str, Any] = {
            "direct": one,
            "targets": {"targets": [one]},
            "eventbridge": requested(one),
            "queue": {"Records": [record("m", one)]},
        }[wrapping]
        campaign.stack.forget_calls()
        answer = campaign.invoke_with(wrapped)
        assert wire.calls == ()
    assert campaign.calls() == []
    if wrapping == "queue":
        assert answer.result == {"batchItemFailures": [{"itemIdentifier": "m"}]}
    else:
        assert answer.error_type == "InvalidEventError"
        assert "baseUrl" in (answer.error_message or "")
    assert all(url not in text for text in (str(answer.payload), campaign.stack.logs()))

    assert campaign.invoke(job).result["changed"] is False
