"""The demo's workflow: it waits for a restore in one state, and branches on how it ended."""

from typing import Any

from local_stack.stack import LocalStack
from local_stack.workflows import Workflow, await_restore

WAITS, COMPLETED, OTHERWISE = "Wait for the restore", "Mask the data", "Page someone"


def refresh_workflow(stack: LocalStack) -> Workflow:
    """The workflow of docs/workflows.md, around the stack's own."""
    child = Workflow.of(stack, await_restore(stack))
    return Workflow.of(stack, _definition(child.arn))


def _definition(child_arn: str) -> dict[str, Any]:
    return {
        "StartAt": WAITS,
        "States": {
            WAITS: {
                "Type": "Task",
                "Resource": "arn:aws:states:::states:startExecution.sync:2",
                "Parameters": {"StateMachineArn": child_arn, "Input.$": "$"},
                "ResultSelector": {"outcome.$": "$.Output.outcome", "job.$": "$.Output.job"},
                "Next": "How did it end?",
            },
            "How did it end?": {
                "Type": "Choice",
                "Choices": [
                    {"Variable": "$.outcome", "StringEquals": "COMPLETED", "Next": COMPLETED}
                ],
                "Default": OTHERWISE,
            },
            **{name: {"Type": "Succeed"} for name in (COMPLETED, OTHERWISE)},
        },
    }
