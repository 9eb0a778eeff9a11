"""Answers workflows of Step Functions that wait for a restore job with a task token."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from restore_watch.aws.call import AwsCallError, aws_call
from restore_watch.deadline import Deadline
from restore_watch.model.restore_job import RestoreJob
from restore_watch.model.wait import TaskAnswer, is_given_up

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

_GONE = {"TaskTimedOut", "TaskDoesNotExist", "InvalidToken"}
"""The workflow has been answered, was stopped, or waits no longer; or never had this token."""


class Workflows:
    """
    Sends answers to workflows. Any thread may use it.

    `client` makes the client when the first answer is sent: most stacks have no workflow.
    """

    def __init__(
        self,
        client: Callable[[], "SFNClient"],
        on_answered: Callable[[TaskAnswer, RestoreJob], None] = lambda _answer, _job: None,
        on_refused: Callable[[AwsCallError, RestoreJob, bool], None] = lambda *_: None,
    ) -> None:
        self._client = client
        self._on_answered = on_answered
        self._on_refused = on_refused

    def answer(
        self,
        answer: TaskAnswer,
        job: RestoreJob,
        deadline: Deadline,
        due_for: timedelta = timedelta(),
    ) -> bool:
        """
        Tell a workflow how its job stands. True if it need not be told again.

        A token that is gone, used or timed out counts as answered. False if Step Functions refuses
        or does not answer, unless the answer is due for so long that it is given up. Raises
        TimeBudgetExceededError when too little time is left to begin.
        """
        said = json.dumps(job.as_json())
        send: Callable[..., object] = self._client().send_task_success
        how = {"output": said}
        if answer.error is not None:
            send = self._client().send_task_failure
            # A workflow can read the job from it with States.StringToJson.
            how = {"error": answer.error, "cause": said}
        token = answer.wait.token
        try:
            aws_call(
                deadline, "answer a workflow", send, "ResponseMetadata", taskToken=token, **how
            )
        except AwsCallError as error:
            if error.code not in _GONE:
                given_up = is_given_up(error.code, due_for)
                self._on_refused(error, job, given_up)
                return given_up
        self._on_answered(answer, job)
        return True
