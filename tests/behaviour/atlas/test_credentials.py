"""The secret and its credentials: rotated, refused, unreadable, and where they are sent."""

from collections.abc import Callable
from typing import Any

import pytest

from behaviour.rows import rows
from local_stack.aws import aws_error
from local_stack.connections import connect
from local_stack.environment import Environment, target_of
from local_stack.stack import CREDENTIALS, Credentials
from local_stack.steps import FLEX, SECRET
from local_stack.wire import Action, Answer, Reset, Truncate
from local_stack.world import World
from restore_watch.errors import (
    AtlasError,
    AtlasUnauthorizedError,
    CredentialsError,
    UnexpectedAtlasResponseError,
)

cases = pytest.mark.parametrize

READ, STORED = "GetSecretValue", "UpdateItem"
MINUTE = 60.0


# Rotation


def rotate(world: World, own: dict[str, str], to: Credentials = "service_account") -> None:
    """Atlas refuses the old credentials from now on, and the secret holds new ones of a kind."""
    (_, name), (key, _) = own.items()
    if key == "client_secret":
        world.atlas.rotate_service_account(name, "new")
        world.atlas.expire_tokens(name)
    else:
        world.atlas.rotate_api_key(name, "new")
    if key in CREDENTIALS[to]:
        world.put_secret({**own, key: "new"})
    else:
        world.own_credentials(to)


# The refused call, the refused renewal, and the same with what is in the secret now. The renewal of
# an API key is a digest challenge.
ROTATIONS: dict[str, tuple[Credentials, Credentials, list[str]]] = {
    "client-secret": (
        "service_account",
        "service_account",
        ["flex", "token", READ, "token", "flex"],
    ),
    "api-key": ("api_key", "api_key", ["flex", "flex", READ, "flex", "flex"]),
    "account-to-key": ("service_account", "api_key", ["flex", "token", READ, "flex", "flex"]),
}


@pytest.mark.fault("F25")
@cases(("before", "after", "calls"), ROTATIONS.values(), ids=ROTATIONS)
def test_rotated_credentials_cost_one_more_read(
    world: World,
    environment: Environment,
    before: Credentials,
    after: Credentials,
    calls: list[str],
) -> None:
    own, job = world.own_credentials(before), world.job()
    environment.check(job)
    rotate(world, own, after)
    job.run_to_end()
    world.stack.forget_calls()
    environment.check(job)

    assert world.operations()[:5] == calls
    assert world.published(job) == ["PENDING", "COMPLETED"]


# Refusals that stay


# The first check reads the secret at its start, and again because Atlas refuses what it holds.
UNKNOWN: dict[Credentials, tuple[list[str], list[str]]] = {
    "service_account": ([READ, "token", READ, STORED], [STORED]),
    "api_key": ([READ, "flex", "flex", READ, STORED], ["flex", "flex", STORED]),
}


@pytest.mark.fault("F26")
@cases("kind", UNKNOWN)
def test_credentials_that_atlas_does_not_know_are_tried_again_after_a_minute(
    world: World, environment: Environment, kind: Credentials
) -> None:
    """A token is not requested again for thirty seconds; a refused API key is tried each time."""
    own = world.own_credentials(kind)
    name = list(own)[1]
    world.put_secret({**own, name: "wrong"})
    job, (first, later) = world.job(), UNKNOWN[kind]
    for calls in (first, later, later):
        world.stack.forget_calls()
        world.refused(AtlasUnauthorizedError, target_of(job, "flex"), environment)
        assert world.operations() == calls
    assert world.stored(job) is None

    world.put_secret(own)
    world.pass_time(MINUTE)
    environment.check(job)
    assert world.published(job) == ["PENDING"]


# Digest


@pytest.fixture
def with_key(world: World, environment: Environment) -> Environment:
    """An environment whose secret holds an API key."""
    world.use("api_key")
    return environment


NONCES: dict[str, tuple[Callable[[World], object], str | None, int]] = {
    "kept": (lambda _: None, None, 1),
    "stale": (lambda world: world.atlas.expire_nonces(), None, 2),
    "stale-with-opaque": (lambda world: world.atlas.expire_nonces(), "an-opaque-word", 2),
    "for-one-use": (lambda world: setattr(world.atlas.behaviour, "nonce_once", True), None, 2),
}


@pytest.mark.campaign
@pytest.mark.fault("F28")
@cases(("spoil", "opaque", "questions"), NONCES.values(), ids=NONCES)
def test_a_nonce_is_used_until_atlas_refuses_it(
    world: World,
    with_key: Environment,
    spoil: Callable[[World], object],
    opaque: str | None,
    questions: int,
) -> None:
    world.atlas.behaviour.opaque = opaque
    job = world.job(timeline=["PENDING", "QUEUED", "RUNNING"])
    with_key.check(job)
    for _ in range(2):
        spoil(world)
        job.advance()
        world.stack.forget_calls()
        with_key.check(job)
        assert world.count(FLEX) == questions

    assert world.published(job) == ["PENDING", "QUEUED", "RUNNING"]


@pytest.mark.fault("F28")
def test_an_endless_series_of_challenges_ends_in_an_error(
    world: World, with_key: Environment
) -> None:
    world.atlas.behaviour.nonce_seconds = 0
    world.refused(AtlasUnauthorizedError, target_of(world.job(), "flex"), with_key)

    assert world.count(FLEX) == 2


CHALLENGES: dict[str, tuple[str | None, type[AtlasError]]] = {
    "none": (None, AtlasUnauthorizedError),
    "basic": ('Basic realm="r"', AtlasUnauthorizedError),
    "algorithm": (
        'Digest realm="r", nonce="n", algorithm=MD4, qop="auth"',
        UnexpectedAtlasResponseError,
    ),
    "answered-in-vain": ('Digest realm="r", nonce="n", qop="auth"', AtlasUnauthorizedError),
    "flag-without-value": ('Digest realm="r", nonce="n", stale', UnexpectedAtlasResponseError),
    "latin1": ('Digest realm="\xe9", nonce="n", qop="auth"', UnexpectedAtlasResponseError),
}


@pytest.mark.fault("F28")
@cases(("challenge", "error"), rows(CHALLENGES, "none", "algorithm", "answered-in-vain"))
def test_a_challenge_that_cannot_be_answered_is_an_error_of_this_check_only(
    world: World, with_key: Environment, challenge: str | None, error: type[AtlasError]
) -> None:
    job = world.recorded_job()
    headers = {"Set-Cookie": "a=b"} | ({"Www-Authenticate": challenge} if challenge else {})
    world.inject(FLEX, Answer(401, headers, "{}"), times=None)
    world.refused(error, target_of(job, "flex"), with_key)
    assert world.count(FLEX) <= 4
    # No refusal keeps one of the ten connections.
    for _ in range(10):
        world.refused(error, target_of(job, "flex"), with_key)
    assert not any("Cookie" in call.headers for call in world.questions())

    world.heal()
    assert world.is_unchanged(job, with_key)


@pytest.mark.fault("F16", "F28")
@cases("body", ["coded", "uncoded", "empty"])
def test_a_challenge_with_any_body_is_answered(
    world: World, with_key: Environment, body: Any
) -> None:
    world.atlas.behaviour.challenge_body = body
    with_key.check(world.finished_job())

    assert world.operations() == [READ, "flex", "flex", STORED, "Publish", STORED]


# The secret itself

UNREADABLE: dict[str, tuple[Action | str | bytes, str]] = {
    "denied": (
        aws_error("secretsmanager", "AccessDeniedException"),
        "Secrets Manager answered AccessDeniedException; give the full ARN",
    ),
    "reset": (Reset(), "ATLAS_SECRET_ID"),
    "truncated": (Truncate(40), "ATLAS_SECRET_ID"),
    "html": (Answer(200, {"Content-Type": "text/html"}, "<html>"), "ATLAS_SECRET_ID"),
    "nothing": (Answer(200), "ATLAS_SECRET_ID"),
    "not-json": ("canary-private-key", "JSON"),
    "binary": (b"\x00\xffcanary-private-key", "SecretString"),
    "without-id": ('{"client_secret": "canary-private-key"}', "client_id"),
}


def spoil_secret(world: World, by: Action | str | bytes) -> None:
    """It cannot be read from now on, or holds this."""
    if isinstance(by, str | bytes):
        world.put_secret(by)
    else:
        world.inject(SECRET, by, times=None)


@pytest.mark.fault("F30")
@cases(("by", "says"), rows(UNREADABLE, "denied", "reset", "not-json", "binary", "without-id"))
def test_without_a_usable_secret_a_cold_start_ends_in_an_error_that_says_why(
    world: World, environment: Environment, by: Action | str | bytes, says: str
) -> None:
    job = world.recorded_job()
    spoil_secret(world, by)
    assert says in str(world.refused(CredentialsError, job, environment))
    assert world.operations() == [READ, STORED]

    world.heal()
    world.use("service_account")
    assert world.is_unchanged(job, environment)


@cases("variable", ["HTTP_PROXY", "all_proxy"])
def test_no_proxy_of_the_environment_sees_what_is_sent_to_atlas(
    world: World, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")  # botocore reads these variables
    connections = connect(world.stack)
    atlas_url = world.atlas.url.replace("127.0.0.1", "localhost")

    assert world.environment(connections, atlas_url=atlas_url).check(world.job()).changed
    assert {call.headers["Host"].split(":")[0] for call in world.calls(FLEX)} == {"localhost"}
    connections.close()
