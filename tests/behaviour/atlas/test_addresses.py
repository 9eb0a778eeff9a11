"""Redirects, and base URLs that point elsewhere: credentials go to Atlas only."""

import json
from collections.abc import Iterable, Iterator
from typing import NamedTuple
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest

from behaviour.rows import rows
from local_stack.environment import Environment
from local_stack.loopback import LoopbackServer
from local_stack.stack import CREDENTIALS, Credentials
from local_stack.steps import FLEX, TOKEN
from local_stack.wire import Answer, Selection, Wire
from local_stack.world import World
from restore_watch.errors import CredentialsError, InvalidEventError, UnexpectedAtlasResponseError

cases = pytest.mark.parametrize


class Elsewhere(NamedTuple):
    """A server that credentials must never reach."""

    url: str
    wire: Wire


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    def app(_: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "application/json")])
        return [b'{"access_token": "of somebody else", "expires_in": 3600}']

    wire = Wire(app, lambda _: ("elsewhere", "any"))
    with LoopbackServer(wire) as server:
        yield Elsewhere(server.url, wire)
    assert wire.calls == ()


REDIRECTS = {
    "301": (301, "{}/api"),
    "307": (307, "{}/api"),
    "same-host": (302, "/api/oauth/token"),
    "nowhere": (302, ""),
}


@pytest.mark.fault("F38")
@cases(
    ("credentials", "step"),
    [("service_account", TOKEN), ("service_account", FLEX), ("api_key", FLEX)],
    ids=["token", "bearer", "digest"],
)
@cases(("status", "location"), rows(REDIRECTS, "307"))
def test_no_redirect_is_followed(
    world: World,
    elsewhere: Elsewhere,
    credentials: Credentials,
    step: Selection,
    status: int,
    location: str,
) -> None:
    world.use(credentials)
    job, environment = world.job(), world.environment()
    world.inject(step, Answer(status, {"Location": location.format(elsewhere.url)}))
    error = world.refused(UnexpectedAtlasResponseError, job, environment)
    assert elsewhere.url not in str(error)
    assert world.count(step) == 1

    world.pass_time(60)
    assert world.check(job, environment).changed


@pytest.mark.fault("F39")
def test_a_base_url_of_another_host_in_the_secret_is_refused(
    world: World, environment: Environment, elsewhere: Elsewhere
) -> None:
    job = world.job()
    world.use("service_account")  # also at the end of the test
    world.stack.put_secret({**CREDENTIALS["service_account"], "base_url": elsewhere.url})
    error = world.refused(CredentialsError, job, environment)
    assert elsewhere.url not in str(error)
    assert world.operations() == ["GetSecretValue", "UpdateItem"]

    world.use("service_account")
    assert world.check(job, environment).changed


@pytest.mark.fault("F39")
def test_a_base_url_in_an_event_is_refused_before_any_call(
    world: World, environment: Environment, elsewhere: Elsewhere
) -> None:
    event = {**world.job().event, "baseUrl": elsewhere.url}
    error = world.raised(InvalidEventError, lambda: environment.answer(event))
    assert "baseUrl" in str(error)
    batch = {"Records": [{"messageId": "m", "eventSource": "aws:sqs", "body": json.dumps(event)}]}
    assert environment.answer(batch) == {"batchItemFailures": [{"itemIdentifier": "m"}]}

    assert elsewhere.url not in str(error) + environment.log.getvalue()
    assert world.calls() == []
