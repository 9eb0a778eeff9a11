"""What the interpreter of workflows does after its repair."""

from typing import Any

from local_stack.workflows import Workflow
from observed_stack import ObservedStack

SAYS_IT = {"StartAt": "Say it", "States": {"Say it": {"Type": "Pass", "End": True}}}
FAILS = {"StartAt": "Fail", "States": {"Fail": {"Type": "Fail", "Error": "RestoreFailed"}}}


def parent_of(stack: ObservedStack, child: dict[str, Any]) -> Workflow:
    """A workflow that starts this one and waits for it."""
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution.sync:2",
        "Parameters": {"StateMachineArn": Workflow.of(stack, child).arn, "Input.$": "$"},
        "ResultSelector": {"status.$": "$.Status", "said.$": "$.Output.said"},
        "End": True,
    }
    return Workflow.of(stack, {"StartAt": "Wait", "States": {"Wait": state}})


def test_a_workflow_waits_for_another_each_time_and_reads_its_output(stack: ObservedStack) -> None:
    workflow = parent_of(stack, SAYS_IT)

    for said in ("a", "b"):
        execution = workflow.start({"said": said})

        assert execution.output() == {"status": "SUCCEEDED", "said": said}
        assert execution.states() == ["Wait"]


def test_a_workflow_sees_of_an_error_only_that_the_other_failed(stack: ObservedStack) -> None:
    ended = parent_of(stack, FAILS).start({}).end()

    assert (ended["status"], ended["error"]) == ("FAILED", "States.TaskFailed")
