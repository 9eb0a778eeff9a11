"""Answers workflows of Step Functions that wait for a restore job with a task token."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from foundation.aws_call import AwsCallError, aws_call
from foundation.deadline import Deadline
from restore_watch.model.restore_job import RestoreJob
from restore_watch.model.workflow_wait import TaskAnswer

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

_GONE = {"TaskTimedOut", "TaskDoesNotExist", "InvalidToken"}
"""The workflow was answered or stopped, waits no longer, or never had this token: nobody waits."""


@dataclass(frozen=True)
class StepFunctions:
    """Answers workflows. `client` makes the client for the first answer: most stacks have none."""

    client: Callable[[], "SFNClient"]

    def answer(
        self, answer: TaskAnswer, job: RestoreJob, deadline: Deadline
    ) -> AwsCallError | None:
        """Send a workflow the state of its job. Return the error if Step Functions refuses it."""
        state = json.dumps(job.as_json())
        send: Callable[..., object]
        if answer.error is None:
            send = self.client().send_task_success
            result = {"output": state}
        else:
            send = self.client().send_task_failure
            # A workflow can read the job from the cause with States.StringToJson.
            result = {"error": answer.error, "cause": state}
        result["taskToken"] = answer.wait.token
        try:
            aws_call(deadline, "answer a workflow", send, "ResponseMetadata", **result)
        except AwsCallError as error:
            return None if error.code in _GONE else error
        return None
