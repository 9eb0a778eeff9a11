"""Which endpoint of Atlas answers for a restore, and what is made of its answer."""

import json
from typing import Any

import pytest

from local_stack.environment import Environment, target_of
from local_stack.faults import Ask
from local_stack.loopback import Line
from local_stack.refusal import atlas_error
from local_stack.steps import FLEX, UNKNOWN_JOB
from local_stack.wire import Answer
from local_stack.world import LONG_AGO, World
from restore_watch.errors import RestoreJobNotFoundError

cases = pytest.mark.parametrize


def asked(world: World) -> list[str]:
    """The endpoints for restore jobs that were asked, in order."""
    return [call.operation for call in world.questions()]


# Jobs that Atlas does not know


@pytest.mark.fault("F18", "F19")
def test_a_job_is_requested_four_times_in_its_first_minute_and_then_once(world: World) -> None:
    job = world.job()
    with world.inject(FLEX, UNKNOWN_JOB, times=None):
        for passed, requests in ((0, 4), (70, 1)):
            world.stack.forget_calls()
            world.pass_time(passed)
            world.refused(RestoreJobNotFoundError, target_of(job, "flex"))
            assert world.count(FLEX) == requests
    assert sum(world.naps) < 5

    assert world.check(job).changed


# Endpoints that go away


@pytest.mark.fault("F19", "F20")
@cases("status", [404, 405, 406, 410])
def test_flex_answers_in_place_of_the_retired_tenant_endpoint(
    world: World, environment: Environment, status: Any
) -> None:
    """It is asked once for each cluster; what Flex does not know either is not found."""
    world.atlas.behaviour.tenant_endpoint = status
    event = {**world.finished_job().event, "kind": "tenant"}
    assert environment.answer(event)["job"]["kind"] == "flex"
    (warning,) = environment.lines(level="WARNING")
    assert "tenant" in warning["message"]

    unknown = {**event, "restoreId": LONG_AGO}
    world.raised(RestoreJobNotFoundError, lambda: environment.answer(unknown))
    assert asked(world) == ["tenant", "flex", "flex"]


class AnnouncesItsSunset:
    """Atlas's own answer, with the header of an endpoint that will be retired."""

    def play(self, _line: Line, ask: Ask, /) -> Answer:
        answer = ask()
        return Answer(answer.status, (*answer.headers, ("Sunset", "x" * 5_000)), answer.body)


@pytest.mark.fault("F23")
def test_an_announced_sunset_gives_a_warning_and_a_metric(world: World) -> None:
    """The unit tests have its forms; the longest has to fit in a log line."""
    world.inject(FLEX, AnnouncesItsSunset())
    world.stack.logs()
    assert world.invoke(world.job()).result["changed"]

    lines = [json.loads(line) for line in world.stack.logs().splitlines() if line[0] == "{"]
    assert [line["AtlasSunsets"] for line in lines if "AtlasSunsets" in line] == [[1.0]]
    (warning,) = [line for line in lines if line.get("level") == "WARNING"]
    assert len(warning["sunset"]) <= 303


# The kind of a cluster


@pytest.mark.fault("F21", "F62")
@cases(
    ("code", "status"),
    [
        ("CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API", 400),
        ("CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API", 500),
        ("FEATURE_UNSUPPORTED", 200),
    ],
)
def test_the_kind_of_a_dedicated_cluster_is_detected_and_remembered(
    world: World, environment: Environment, code: str, status: int
) -> None:
    job = world.job("dedicated")
    world.inject(FLEX, atlas_error(status, code, "This is no Flex cluster."))
    for _ in range(2):
        world.check(job, environment)
        job.run_to_end()

    assert asked(world) == ["flex", "dedicated", "dedicated"]
    assert world.naps == []
    assert world.published(job) == ["RUNNING", "COMPLETED"]
