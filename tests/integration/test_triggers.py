"""What invokes the function in AWS: the queue's event source mapping, and state machines."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from integration.checking import (
    LONG_AGO,
    by_either_credential,
    received,
    statuses,
    target,
    wait_until,
    warm_up,
)
from local_stack.atlas import EmulatedRestore
from local_stack.faults import Answer
from local_stack.function_queue import FunctionQueue
from local_stack.refusal import atlas_error
from local_stack.wire import Call, Phase
from observed_stack import ObservedStack


@pytest.fixture
def triggered(stack: ObservedStack) -> Iterator[ObservedStack]:
    """The stack, reset after each test, because these tests change its resources."""
    yield stack
    stack.settle()
    stack.reset()


# The queue


def queue_of(stack: ObservedStack, name: str = "RequestQueue") -> FunctionQueue:
    return FunctionQueue(stack.aws, stack.resources[name], stack.invoke)


def stop_the_other_poller(stack: ObservedStack) -> None:
    lambdas = stack.aws.client("lambda")
    (mapping,) = lambdas.list_event_source_mappings()["EventSourceMappings"]
    lambdas.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)


@by_either_credential
def test_a_request_on_the_queue_is_handled_and_removed(
    triggered: ObservedStack, group: str
) -> None:
    queue = queue_of(triggered)
    restores = [triggered.atlas.start_restore(group, f"orders-{n}", "flex") for n in range(3)]
    queue.send(*map(target, restores))

    assert [message.event["subject"] for message in received(triggered)] == [
        restore.restore_id for restore in restores
    ]
    assert queue.waiting() == 0


def test_the_event_source_mapping_has_the_settings_of_the_template(
    triggered: ObservedStack,
) -> None:
    (mapping,) = triggered.aws.client("lambda").list_event_source_mappings()["EventSourceMappings"]

    assert mapping["FunctionArn"].endswith(triggered.function.name)
    assert mapping["BatchSize"] == 10
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_an_eventbridge_event_can_arrive_through_the_queue(
    triggered: ObservedStack, group: str
) -> None:
    restore = triggered.atlas.start_restore(group, "orders", "flex")
    event = {"detail-type": "Atlas Restore Watch Requested", "detail": target(restore)}
    queue_of(triggered).send(event)

    assert [message.event["subject"] for message in received(triggered)] == [restore.restore_id]


def test_only_the_failed_record_of_a_batch_is_retried_and_moved_to_the_dead_letter_queue(
    triggered: ObservedStack, group: str
) -> None:
    queue, dead = queue_of(triggered), queue_of(triggered, "RequestDeadLetterQueue")
    stop_the_other_poller(triggered)
    restores = [triggered.atlas.start_restore(group, f"orders-{n}", "flex") for n in range(9)]
    unknown = {"groupId": group, "clusterName": "orders-0", "restoreId": LONG_AGO}
    queue.send(unknown, *map(target, restores))
    first = queue.deliver()
    messages = received(triggered)
    again = [queue.deliver() for _ in range(5)]

    assert first == 10
    assert {message.event["subject"] for message in messages} == {
        restore.restore_id for restore in restores
    }
    assert again == [1, 1, 1, 1, 0]
    assert queue.waiting() == 0
    assert [json.loads(body) for body in dead.bodies()] == [unknown]


# State machines


class Workflow:
    """A state machine that invokes the function. moto really runs it."""

    def __init__(self, stack: ObservedStack, states: dict[str, Any], first: str) -> None:
        self._states = stack.aws.client("stepfunctions")
        definition = json.dumps({"StartAt": first, "States": states})
        role = stack.aws.client("iam").create_role(
            RoleName="workflow", AssumeRolePolicyDocument="{}"
        )
        self._arn = self._states.create_state_machine(
            name="workflow", definition=definition, roleArn=role["Role"]["Arn"]
        )["stateMachineArn"]

    def run(self, given: dict[str, Any]) -> tuple[str, Any]:
        """Run it and return its final status and its output."""
        started = self._states.start_execution(stateMachineArn=self._arn, input=json.dumps(given))
        execution: dict[str, Any] = {}

        def is_over() -> bool:
            execution.update(self._states.describe_execution(executionArn=started["executionArn"]))
            return bool(execution["status"] != "RUNNING")

        wait_until(is_over, 30)
        return execution["status"], json.loads(execution.get("output") or "null")


def check_task(stack: ObservedStack, **more: Any) -> dict[str, Any]:
    arn = f"arn:aws:lambda:us-east-1:123456789012:function:{stack.function.name}"
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": arn, "Payload.$": "$.target"},
        "ResultSelector": {"result.$": "$.Payload"},
        **more,
    }


def until_done(stack: ObservedStack) -> dict[str, Any]:
    """Return the loop that the documentation describes: a Choice on `$.terminal`."""
    return {
        "Check": check_task(stack, ResultPath="$.check", Next="Is it done?"),
        "Is it done?": {
            "Type": "Choice",
            "Choices": [
                {"Variable": "$.check.result.terminal", "BooleanEquals": False, "Next": "Wait"},
                {"Variable": "$.check.result.succeeded", "BooleanEquals": True, "Next": "Good"},
            ],
            "Default": "Bad",
        },
        "Wait": {"Type": "Wait", "Seconds": 0, "Next": "Check"},
        "Good": {"Type": "Succeed", "OutputPath": "$.check.result"},
        "Bad": {"Type": "Fail", "Error": "RestoreFailed"},
    }


@pytest.fixture
def moving(triggered: ObservedStack, group: str) -> Iterator[EmulatedRestore]:
    """A restore that takes a step after every second answer of Atlas."""
    restore = triggered.atlas.start_restore(group, "orders", "flex")
    told = 0

    def move_on(call: Call, phase: Phase) -> None:
        nonlocal told
        if call.operation == "flex" and call.status == 200 and phase == "after":
            told += 1
            if told % 2 == 0 and restore.step != "COMPLETED":
                restore.advance()

    with triggered.atlas.wire.listen(move_on):
        yield restore


def test_a_workflow_loops_until_the_restore_has_ended(
    triggered: ObservedStack, moving: EmulatedRestore
) -> None:
    workflow = Workflow(triggered, until_done(triggered), "Check")
    status, output = workflow.run({"target": target(moving)})

    assert status == "SUCCEEDED"
    assert output["status"] == "COMPLETED"
    assert output["job"]["restoreId"] == moving.restore_id
    assert statuses(received(triggered)) == ["PENDING", "QUEUED", "RUNNING", "COMPLETED"]
    assert triggered.atlas.wire.count(operation="flex") == 7


def test_a_workflow_fails_if_the_restore_fails(triggered: ObservedStack, group: str) -> None:
    restore = triggered.atlas.start_restore(group, "orders", "flex", timeline=["FAILED"])
    status, _ = Workflow(triggered, until_done(triggered), "Check").run({"target": target(restore)})

    assert status == "FAILED"
    assert statuses(received(triggered)) == ["FAILED"]


def catching(stack: ObservedStack, *names: str, retried: str | None = None) -> dict[str, Any]:
    """Return a check whose errors lead to a state with their name."""
    retry = [{"ErrorEquals": [retried], "IntervalSeconds": 1, "MaxAttempts": 2}] if retried else []
    catch = [
        {"ErrorEquals": [name], "ResultPath": "$.error", "Next": name}
        for name in (*names, "States.ALL")
    ]
    caught = {
        name: {"Type": "Pass", "Result": name, "ResultPath": "$.caught", "End": True}
        for name in (*names, "States.ALL")
    }
    return {"Check": check_task(stack, Retry=retry, Catch=catch, End=True), **caught}


CAUGHT = {
    "RestoreJobNotFoundError": (404, "RESOURCE_NOT_FOUND"),
    "AtlasForbiddenError": (403, "IP_ADDRESS_NOT_ON_ACCESS_LIST"),
    "AtlasBadRequestError": (400, "VALIDATION_ERROR"),
}


@pytest.mark.parametrize("name", CAUGHT)
def test_a_workflow_catches_an_error_by_its_name(
    triggered: ObservedStack, group: str, name: str
) -> None:
    status, code = CAUGHT[name]
    triggered.atlas.serve(group, "orders", "flex", LONG_AGO, atlas_error(status, code, "No."))
    wanted = {"groupId": group, "clusterName": "orders", "restoreId": LONG_AGO, "kind": "flex"}
    workflow = Workflow(triggered, catching(triggered, *CAUGHT), "Check")
    ended, output = workflow.run({"target": wanted})

    assert ended == "SUCCEEDED"
    assert output["caught"] == name
    assert output["error"]["Error"] == name
    assert code in output["error"]["Cause"]


def test_a_workflow_retries_an_error_by_its_name(triggered: ObservedStack, group: str) -> None:
    warm_up(triggered, group)
    restore = triggered.atlas.start_restore(group, "orders", "flex")
    triggered.atlas.script("flex", Answer(200, {"Content-Type": "text/html"}, "<html>"))
    states = catching(triggered, "InvalidEventError", retried="UnexpectedAtlasResponseError")
    ended, output = Workflow(triggered, states, "Check").run({"target": target(restore)})

    assert ended == "SUCCEEDED"
    assert output["result"]["changed"] is True
    assert triggered.atlas.wire.count(operation="flex") == 2
    assert statuses(received(triggered)) == ["PENDING"]
