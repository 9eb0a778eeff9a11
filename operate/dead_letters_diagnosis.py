"""The dead-letter queues of a stack: what is in them, and how it is sent again."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from operate.aws import Aws
from operate.deployed_stack import DeployedStack
from operate.gone import line_even_if_gone
from restore_watch.diagnosis.line import Line, bad, good

_COUNTS = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")

_GONE = "Delete the stack and deploy it again: the table is kept"


class _Queue(NamedTuple):
    """
    A dead-letter queue.

    `name`: the output with its ARN has this name and Arn. `log`: the output with the log group that
    has the cause. `source`: the output with the ARN of the queue that the messages come from; None
    for invocations, which come from no queue.
    """

    name: str
    holds: str
    log: str
    source: str | None


_QUEUES = (
    _Queue(
        "RequestDeadLetterQueue",
        holds="requests that failed for good",
        log="LogGroupName",
        source="RequestQueueArn",
    ),
    _Queue(
        "OnFailureQueue",
        holds="invocations that failed for good",
        log="LogGroupName",
        source=None,
    ),
    _Queue(
        "MeasureDeadLetterQueue",
        holds="restores whose measurement was not recorded",
        log="MeasureLogGroupName",
        source="MeasureQueueArn",
    ),
    _Queue(
        "NoticeDeadLetterQueue",
        holds="messages for people that were not sent",
        log="NotifyPeopleLogGroupName",
        source="NoticeQueueArn",
    ),
)


@dataclass(frozen=True)
class DeadLettersDiagnosis:
    """The dead-letter queues of a stack."""

    aws: Aws
    stack: DeployedStack

    def lines(self) -> Iterator[Line]:
        """Yield a line for each queue that is not known to be empty, or a line for all of them."""
        lines = []
        for queue in _QUEUES:
            arn = self.stack.outputs.get(f"{queue.name}Arn")
            if arn:
                find = partial(self._content, queue, arn)
                lines.append(line_even_if_gone(f"dead letters: {queue.name}", find, _GONE))
        not_empty = [line for line in lines if line.ok is not True]
        yield from not_empty
        if lines and not not_empty:
            yield good("dead letters", "there are none")

    def _content(self, queue: _Queue, arn: str, check: str) -> Line:
        *_, account, name = arn.split(":", 5)
        url = self.aws.ask("sqs", "get_queue_url", QueueName=name, QueueOwnerAWSAccountId=account)
        attributes = self.aws.ask(
            "sqs", "get_queue_attributes", QueueUrl=url["QueueUrl"], AttributeNames=list(_COUNTS)
        ).get("Attributes", {})
        count = sum(int(attributes.get(name, 0)) for name in _COUNTS)
        if not count:
            return good(check, "is empty")
        cause = f"Fix the cause, which the log group {self._log_group(queue)} names"
        return bad(
            check, f"{queue.holds}: {count}", f"{cause}. {self._how_to_send_again(queue, arn)}"
        )

    def _log_group(self, queue: _Queue) -> str:
        return self.stack.outputs.get(queue.log, queue.log)

    def _how_to_send_again(self, queue: _Queue, arn: str) -> str:
        if queue.source is None:
            return "docs/operations.md says how to invoke the function with them again"
        return (
            f"Then move them back:\naws sqs start-message-move-task --source-arn {arn} "
            f"--destination-arn {self.stack.outputs[queue.source]}"
        )
