"""The access token of a service account: renewed, replaced after a 401, and seldom requested."""

import pytest

from local_stack.environment import Environment
from local_stack.steps import FLEX, TOKEN
from local_stack.wire import Action, Answer, Close
from local_stack.world import World
from restore_watch.errors import (
    AtlasUnauthorizedError,
    AtlasUnavailableError,
)

cases = pytest.mark.parametrize

STORED = "UpdateItem"
TEN_MINUTES = 600.0


@pytest.mark.fault("F24")
def test_an_expired_token_is_replaced_once_in_ten_minutes(
    world: World, environment: Environment
) -> None:
    client_id = world.own_credentials()["client_id"]
    job = world.job(timeline=["PENDING", "RUNNING", "COMPLETED"])

    def check_with_expired_token() -> None:
        world.atlas.expire_tokens(client_id)
        job.advance()
        world.stack.forget_calls()
        environment.check(job)

    environment.check(job)
    check_with_expired_token()
    assert world.operations() == ["flex", "token", "flex", STORED, "Publish", STORED]
    with pytest.raises(AtlasUnauthorizedError):
        check_with_expired_token()
    assert world.operations() == ["flex", "GetSecretValue", STORED]

    world.pass_time(TEN_MINUTES)
    world.stack.forget_calls()
    environment.check(job)
    assert world.operations()[:4] == ["GetSecretValue", "flex", "token", "flex"]
    assert world.published(job) == ["PENDING", "RUNNING", "COMPLETED"]


# Token requests that fail


@pytest.mark.campaign
@pytest.mark.fault("F54")
@cases(("fault", "requests"), [(Answer(502), 4), (Close(), 1)], ids=["502", "closed"])
def test_a_hundred_targets_request_no_more_tokens_than_one(
    world: World, environment: Environment, fault: Action, requests: int
) -> None:
    event = {"targets": [world.job().event for _ in range(100)]}
    world.inject(TOKEN, fault, times=None)
    for _ in range(2):
        world.raised(AtlasUnavailableError, lambda: environment.answer(event))

    assert (world.count(TOKEN), world.count(FLEX)) == (requests, 0)
