"""What the machine does to a check: its clock, its outputs, its variables, and the time it has."""

import io
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import pytest

from behaviour.conftest import RuntimeWith
from local_stack.environment import Environment
from local_stack.runtime import LambdaRuntime, Outcome
from local_stack.steps import FLEX, PUBLISH, QUESTION, TOKEN
from local_stack.wire import Answer
from local_stack.world import Stored, World
from restore_watch.errors import NotificationPendingError, UnexpectedAtlasResponseError

cases = pytest.mark.parametrize


THREE_STEPS = ["PENDING", "RUNNING", "COMPLETED"]

# Clocks


@pytest.mark.fault("F46")
@cases("hours", [-24, 2])
def test_a_wrong_clock_costs_at_most_one_more_question_for_each_check(
    world: World, environment: Environment, hours: int
) -> None:
    world.skew = hours * 3600
    job = world.job(timeline=THREE_STEPS)
    environment.check(job)
    for _ in range(2):
        world.pass_time(3000)
        world.atlas.expire_tokens()
        job.advance()
        world.stack.forget_calls()
        environment.check(job)
        assert world.count(TOKEN) == 1
        assert world.count(QUESTION) <= 2

    data = [message.event["data"] for message in world.messages(job)]
    assert [one["sequence"] for one in data] == [1, 2, 3]
    assert data[-1]["durationSeconds"] in {5999, 6000, 6001}
    assert data[-1]["detectionLatencySeconds"] >= 0


@pytest.mark.fault("F46", "F1")
@cases("seconds", [0.1, 61])
def test_a_clock_that_steps_back_after_a_crash_delays_by_less_than_a_second(
    world: World, environment: Environment, seconds: float
) -> None:
    job = world.finished_job()
    world.inject(PUBLISH, Answer(400))
    world.refused(NotificationPendingError, job)
    world.skew -= seconds
    environment.check(job)

    assert sum(world.naps) < 1
    assert world.published(job) == ["COMPLETED"]
    assert world.stored(job) == Stored("COMPLETED", 1, 1)


# Outputs


class Broken(io.StringIO):
    """An output that nothing can be written to."""

    def write(self, _: str, /) -> int:
        raise OSError(28, "no space left on the device")


@contextmanager
def broken_outputs(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as outputs:
        outputs.setattr(sys, "stderr", io.StringIO())
        outputs.setattr(sys, "stdout", Broken())
        yield


@pytest.mark.fault("F52")
def test_a_check_succeeds_although_neither_log_nor_metrics_can_be_written(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, environment = world.finished_job(), world.environment(log=Broken())
    with broken_outputs(monkeypatch):
        environment.telemetry.report_sunset("soon")
        assert environment.answer(job.event)["changed"]

    assert world.published(job) == ["COMPLETED"]
    assert world.stored(job) == Stored("COMPLETED", 1, 1)


@pytest.mark.fault("F52")
def test_an_error_keeps_its_type_although_it_cannot_be_logged(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, environment = world.job(), world.environment(log=Broken())
    world.inject(FLEX, Answer.json(200, {}))
    event = {**job.event, "kind": "flex"}
    with broken_outputs(monkeypatch):
        world.raised(UnexpectedAtlasResponseError, lambda: environment.answer(event))

    assert environment.check(job).changed


# Lambda


@pytest.mark.fault("F47")
def test_a_function_without_a_setting_fails_at_its_start_with_one_clear_line(
    world: World, runtime_with: RuntimeWith
) -> None:
    runtime = runtime_with(TABLE_NAME="")
    answer = runtime.invoke({})

    assert answer.error_type == "ConfigurationError"
    assert answer.error_message == "environment variables missing or empty: TABLE_NAME"
    lines = [line for line in runtime.logs().splitlines() if "ConfigurationError: " in line]
    assert len(lines) == 1
    assert world.calls() == []


def test_a_function_starts_without_the_secret_and_names_its_own_stack(
    world: World, runtime_with: RuntimeWith
) -> None:
    """Its first invocation asks for no secret, and needs none."""
    runtime = runtime_with(POWERTOOLS_SERVICE_NAME="watch-of-the-team")

    assert runtime.invoke({"action": "test-notification"}).outcome is Outcome.RESULT
    (message,) = world.received()
    assert message.event["source"] == "/stacks/watch-of-the-team"
    assert world.operations() == ["Publish"]


def test_an_environment_keeps_its_secret_token_and_connections_for_the_next_invocation(
    world: World,
) -> None:
    job = world.job()
    assert world.invoke(job).result["changed"]
    world.stack.forget_calls()
    assert not world.invoke(job).result["changed"]

    assert world.operations() == ["flex", "UpdateItem"]


def test_a_function_of_more_memory_asks_about_more_jobs_at_once(
    world: World, runtime_with: RuntimeWith
) -> None:
    """A question is given up after six seconds, and then the thread asks the next one."""
    first, *jobs = [world.job(group=group) for group in [world.group, world.group[::-1]] * 21]
    runtime = runtime_with(AWS_LAMBDA_FUNCTION_MEMORY_SIZE="1769")
    runtime.invoke(first.event)  # its start takes a part of the time

    with ThreadPoolExecutor(1) as invoking, world.hold(FLEX) as gate:
        answer = invoking.submit(runtime.invoke, {"targets": [job.event for job in jobs]})
        gate.wait_for(41, timeout=5)
        gate.open()

    assert len(answer.result().result["results"]) == 41


# Half a second before Lambda does, which a machine with a load of 14 does not keep.
@pytest.mark.campaign
def test_an_invocation_ends_in_its_own_error_before_lambda_ends_it(world: World) -> None:
    job = world.job()
    short = replace(world.stack.pool.runtimes[0].environment, timeout_seconds=2)
    with LambdaRuntime(short) as runtime, world.hold(FLEX):
        runtime.invoke({})  # its start takes a part of the time
        answer = runtime.invoke({**job.event, "kind": "flex"})

    assert answer.outcome is Outcome.ERROR
    assert answer.error_type in {"AtlasUnavailableError", "TimeBudgetExceededError"}
