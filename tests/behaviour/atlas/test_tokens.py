"""The access token of a service account: renewed, replaced after a 401, and seldom requested."""

import pytest

from local_stack.environment import Environment
from local_stack.refusal import atlas_error, oauth_error
from local_stack.steps import FLEX, MISSING_ROLE, TOKEN
from local_stack.wire import Action, Answer, Close, Phase, Truncate
from local_stack.world import World
from restore_watch.errors import (
    AtlasError,
    AtlasForbiddenError,
    AtlasRateLimitError,
    AtlasUnauthorizedError,
    AtlasUnavailableError,
    UnexpectedAtlasResponseError,
)

cases = pytest.mark.parametrize

STORED = "UpdateItem"
TEN_MINUTES = 600.0
TOO_MANY_TOKENS = oauth_error(403, "access_denied", "Access Token limit reached.")


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


@pytest.mark.fault("F24", "F26")
def test_a_401_for_an_hour_costs_seven_tokens(world: World, environment: Environment) -> None:
    """Then one more replaces the token that has died meanwhile."""
    client_id = world.own_credentials()["client_id"]
    jobs = [world.job(), world.job()]
    world.inject(FLEX, MISSING_ROLE, times=None)
    for number in range(12):
        world.refused(AtlasUnauthorizedError, jobs[number % 2], environment)
        world.pass_time(TEN_MINUTES / 2)
    assert world.count(TOKEN) == 7

    world.heal()
    world.atlas.expire_tokens(client_id)
    assert environment.check(jobs[0]).changed
    assert world.count(TOKEN) == 8


# Token requests that fail

HTML = Answer(200, {"Content-Type": "text/html"}, "<html>")

# Each row: what happens to each token request, when, the error, and how many requests there are.
# "after" means that Atlas has issued a token, and its answer does not arrive.
FAILURES: dict[str, tuple[Action, Phase, type[AtlasError], int]] = {
    "500": (Answer(500), "before", AtlasUnavailableError, 4),
    "429": (atlas_error(429, "RATE_LIMITED", "No."), "before", AtlasRateLimitError, 1),
    "too-many-tokens": (TOO_MANY_TOKENS, "before", AtlasForbiddenError, 1),
    "unknown": (oauth_error(401, "invalid_client", "No."), "before", AtlasUnauthorizedError, 1),
    "html": (HTML, "before", UnexpectedAtlasResponseError, 1),
    "closed": (Close(), "before", AtlasUnavailableError, 1),
    "issued-and-closed": (Close(), "after", AtlasUnavailableError, 1),
    "issued-and-truncated": (Truncate(20), "after", AtlasUnavailableError, 1),
}


@pytest.mark.fault("F27", "F54")
@cases(("action", "phase", "error", "requests"), FAILURES.values(), ids=FAILURES)
def test_after_a_failed_token_request_none_is_sent_for_thirty_seconds(
    world: World,
    environment: Environment,
    action: Action,
    phase: Phase,
    error: type[AtlasError],
    requests: int,
) -> None:
    """Only a 5xx is tried again at once: Atlas has answered, so it has issued no token."""
    job, client_id = world.recorded_job(), world.own_credentials()["client_id"]
    world.inject(TOKEN, action, phase=phase, times=None)
    for _ in range(4):
        world.refused(error, job, environment)
        world.pass_time(7)
    assert (world.count(TOKEN), world.count(FLEX)) == (requests, 0)
    assert (len(world.naps), sum(world.naps) < 3) == (requests - 1, True)
    assert world.atlas.tokens_alive(client_id) == (phase == "after")

    world.heal()
    world.pass_time(60)
    assert world.is_unchanged(job, environment)
    assert world.count(TOKEN) == requests + 1


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


@pytest.mark.fault("F26", "F27")
@cases("status", [400, 401])
def test_a_refused_token_request_does_not_change_the_remembered_kind(
    world: World, environment: Environment, status: int
) -> None:
    job = world.job("dedicated")
    environment.check(job)
    world.pass_time(3600)
    world.inject(TOKEN, oauth_error(status, "invalid_client", "No."), times=None)
    world.stack.forget_calls()
    world.refused(AtlasUnauthorizedError, job, environment)
    # The secret is read once because of its age, and once because it may have been rotated.
    assert world.operations() == ["GetSecretValue", "token", "GetSecretValue", STORED]

    world.heal()
    world.pass_time(60)
    world.stack.forget_calls()
    assert not environment.check(job).changed
    assert world.operations() == ["token", "dedicated", STORED]
