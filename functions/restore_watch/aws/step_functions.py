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
class Workflows:
    """`client` makes the client when the first answer is sent: most stacks have no workflow."""

    client: Callable[[], "SFNClient"]

    def answer(
        self, answer: TaskAnswer, job: RestoreJob, deadline: Deadline
    ) -> AwsCallError | None:
        """Send a workflow the state of its job. Return the error if Step Functions refuses it."""
        said = json.dumps(job.as_json())
        send: Callable[..., object] = self.client().send_task_success
        how = {"output": said}
        if answer.error is not None:
            send = self.client().send_task_failure
            # A workflow can read the job from it with States.StringToJson.
            how = {"error": answer.error, "cause": said}
        how["taskToken"] = answer.wait.token
        try:
            aws_call(deadline, "answer a workflow", send, "ResponseMetadata", **how)
        except AwsCallError as error:
            return None if error.code in _GONE else error
        return None
