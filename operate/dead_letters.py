"""Looks whether messages wait in dead-letter queues. Changes nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from operate.aws import Aws
from operate.deployed_stack import DeployedStack
from operate.doctor_question import looked
from restore_watch.diagnosis.line import Line

_COUNTS = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")


@dataclass(frozen=True)
class _Queue:
    """The outputs of a queue, of its source and of the log with the cause, and its content."""

    output: str
    source: str | None
    holds: str
    log: str


_QUEUES = (
    _Queue(
        "RequestDeadLetterQueueArn",
        "RequestQueueArn",
        "requests that failed for good",
        "LogGroupName",
    ),
    _Queue("OnFailureQueueArn", None, "invocations that failed for good", "LogGroupName"),
    _Queue(
        "NoticeDeadLetterQueueArn",
        "NoticeQueueArn",
        "messages for people that were not sent",
        "NotifyPeopleLogGroupName",
    ),
)


def dead_letters(aws: Aws, stack: DeployedStack) -> Iterator[Line]:
    """Yield a line for each queue that is not known to be empty, or one line for all of them."""
    lines = [
        looked(
            f"dead letters: {queue.output.removesuffix('Arn')}",
            partial(_look, aws, stack, queue),
            gone="Delete the stack and deploy it again: the table is kept",
        )
        for queue in _QUEUES
        if stack.outputs.get(queue.output)
    ]
    wanting = [line for line in lines if line.ok is not True]
    yield from wanting
    if lines and not wanting:
        yield Line("dead letters", ok=True, found="there are none")


def _look(aws: Aws, stack: DeployedStack, queue: _Queue, check: str) -> Line:
    arn = stack.outputs[queue.output]
    _, _, _, _, account, name = arn.split(":", 5)
    url = aws.ask("sqs", "get_queue_url", QueueName=name, QueueOwnerAWSAccountId=account)
    attributes = aws.ask(
        "sqs", "get_queue_attributes", QueueUrl=url["QueueUrl"], AttributeNames=list(_COUNTS)
    ).get("Attributes", {})
    count = sum(int(attributes.get(name, 0)) for name in _COUNTS)
    if not count:
        return Line(check, ok=True, found="is empty")
    fix = f"Fix the cause, which the log group {stack.outputs.get(queue.log, queue.log)} names. "
    if queue.source:
        fix += (
            "Then move them back:\n"
            f"aws sqs start-message-move-task --source-arn {arn} "
            f"--destination-arn {stack.outputs[queue.source]}"
        )
    else:
        fix += "docs/operations.md says how to invoke the function with them again"
    return Line(check, ok=False, found=f"{queue.holds}: {count}", fix=fix)
