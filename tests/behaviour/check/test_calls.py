"""What a check costs: the calls and connections of the function, counted at the servers."""

import pytest

from local_stack.environment import Environment
from local_stack.stack import Credentials
from local_stack.steps import FLEX, QUESTION
from local_stack.wire import Selection
from local_stack.world import World

cases = pytest.mark.parametrize

CHANGED = ["UpdateItem", "Publish", "UpdateItem"]
"""What a check calls in AWS after Atlas has shown a change."""


@cases(
    ("credentials", "before"),
    [
        ("service_account", ["GetSecretValue", "token", "flex"]),
        # An environment's first answer is the digest challenge.
        ("api_key", ["GetSecretValue", "flex", "flex"]),
    ],
    ids=["service account", "API key"],
)
def test_a_cold_start_makes_six_calls_and_an_unchanged_check_two(
    world: World, environment: Environment, credentials: Credentials, before: list[str]
) -> None:
    world.use(credentials)
    job = world.job()
    world.check(job, environment)
    assert world.operations() == [*before, *CHANGED]

    for _ in range(2):
        world.stack.forget_calls()
        world.check(job, environment)
        assert world.operations() == ["flex", "UpdateItem"]


def test_the_function_keeps_a_connection_to_each_service_and_names_itself_and_its_version(
    world: World,
) -> None:
    jobs = [world.job() for _ in range(2)]
    for _ in range(2):
        for job in jobs:
            world.invoke(job)
            job.run_to_end()

    for service in ("atlas", "dynamodb", "sns"):
        calls = world.calls(Selection(service))
        assert len(calls) >= 4
        assert len({call.connection for call in calls}) == 1
    call = world.calls(FLEX)[0]
    assert call.method == "GET"
    assert call.headers["Accept"] == "application/vnd.atlas.2025-03-12+json"
    assert call.headers["User-Agent"].startswith("atlas-restore-watch/")
    assert (call.query, call.body) == ({}, b"")


def test_the_first_sweep_of_an_environment_asks_once_about_a_job_of_a_known_kind(
    world: World,
) -> None:
    world.recorded_job("dedicated")
    world.pass_time(60)

    world.environment().tick()

    assert [call.operation for call in world.calls(QUESTION)] == ["dedicated"]
