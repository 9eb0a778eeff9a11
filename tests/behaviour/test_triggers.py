"""What invokes the function in AWS: its queue, and workflows that others wrote."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from local_stack.aws import ACCOUNT, REGION
from local_stack.faults import Answer
from local_stack.function_queue import FunctionQueue
from local_stack.steps import FLEX
from local_stack.workflows import Execution, Workflow
from local_stack.world import World
from observed_stack import ObservedStack

LONG_AGO = "5f0000000000000000000b01"
"""The id of a job of 2020: a 404 for it is final."""


def queue_of(stack: ObservedStack, name: str = "RequestQueue") -> FunctionQueue:
    return FunctionQueue(stack.aws, stack.resources[name], stack.invoke)


def test_a_request_on_the_queue_is_handled_and_removed(world: World, stack: ObservedStack) -> None:
    job, queue = world.job(), queue_of(stack)
    queue.send(job.event)

    assert world.published(job) == ["PENDING"]
    assert queue.waiting() == 0


@pytest.fixture
def without_poller(stack: ObservedStack) -> Iterator[ObservedStack]:
    """Nothing reads the queue of requests, until the test ends."""
    lambdas = stack.aws.client("lambda")
    (mapping,) = lambdas.list_event_source_mappings()["EventSourceMappings"]
    lambdas.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    yield stack
    stack.settle()
    stack.reset()


def test_only_the_failed_record_of_a_batch_is_repeated_and_moved_to_the_dead_letter_queue(
    without_poller: ObservedStack, world: World
) -> None:
    queue, dead = queue_of(without_poller), queue_of(without_poller, "RequestDeadLetterQueue")
    jobs = [world.job() for _ in range(2)]
    unknown = {"groupId": world.group, "clusterName": "orders", "restoreId": LONG_AGO}
    queue.send(unknown, *(job.event for job in jobs))

    assert [queue.deliver() for _ in range(6)] == [3, 1, 1, 1, 1, 0]
    assert [world.published(job) for job in jobs] == [["PENDING"]] * 2
    assert queue.waiting() == 0
    assert [json.loads(body) for body in dead.bodies()] == [unknown]


# Workflows, which moto really runs


def run(stack: ObservedStack, wanted: dict[str, Any]) -> Execution:
    """Run the loop of docs/events.md, with errors that it repeats or catches by their names."""
    states = {
        "Check": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {
                "FunctionName": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{stack.function.name}",
                "Payload.$": "$.target",
            },
            "ResultPath": "$.check",
            "Retry": [
                {
                    "ErrorEquals": ["UnexpectedAtlasResponseError"],
                    "IntervalSeconds": 1,
                    "MaxAttempts": 2,
                }
            ],
            "Catch": [
                {
                    "ErrorEquals": ["RestoreJobNotFoundError"],
                    "ResultPath": "$.error",
                    "Next": "Unknown",
                }
            ],
            "Next": "Is it done?",
        },
        "Is it done?": {
            "Type": "Choice",
            "Choices": [
                {"Variable": "$.check.Payload.terminal", "BooleanEquals": False, "Next": "Check"},
                {"Variable": "$.check.Payload.succeeded", "BooleanEquals": True, "Next": "Good"},
            ],
            "Default": "Bad",
        },
        "Good": {"Type": "Succeed", "OutputPath": "$.check.Payload"},
        "Bad": {"Type": "Fail", "Error": "RestoreFailed"},
        "Unknown": {"Type": "Succeed", "OutputPath": "$.error"},
    }
    definition = {"StartAt": "Check", "States": states}
    return Workflow.of(stack, definition).start({"target": {**wanted, "kind": "flex"}})


@pytest.mark.weekly
def test_a_workflow_loops_until_the_restore_has_ended(world: World, stack: ObservedStack) -> None:
    job = world.job(timeline=["PENDING", "RUNNING", "COMPLETED"])
    world.inject(FLEX, Answer(200, {"Content-Type": "text/html"}, "<html>"))

    def advance() -> None:
        if job.step != "COMPLETED":
            job.advance()

    with world.whenever(FLEX, advance, "after"):
        output = run(stack, job.event).output()

    assert (output["status"], output["job"]["restoreId"]) == ("COMPLETED", job.restore_id)
    assert world.published(job) == ["PENDING", "RUNNING", "COMPLETED"]


@pytest.mark.parametrize(
    ("how", "last"),
    [({"timeline": ["FAILED"]}, "Bad"), ({"restore_id": LONG_AGO}, "Unknown")],
    ids=["failed", "unknown"],
)
def test_a_workflow_takes_the_branch_of_how_its_check_ended(
    world: World, stack: ObservedStack, how: dict[str, Any], last: str
) -> None:
    job = world.job(**how)
    wanted = job.event if last == "Bad" else {**job.event, "restoreId": LONG_AGO[:-1] + "2"}
    execution = run(stack, wanted)
    ended = execution.end()

    assert execution.states()[-1] == last
    assert ended["status"] == ("FAILED" if last == "Bad" else "SUCCEEDED")
    if last == "Unknown":
        assert json.loads(ended["output"])["Error"] == "RestoreJobNotFoundError"
