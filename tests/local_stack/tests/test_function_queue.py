"""The poller that invokes a function with the messages of a queue."""

from collections.abc import Callable
from typing import Any

import pytest

from local_stack.aws import AwsEmulator
from local_stack.function_queue import FunctionQueue
from local_stack.runtime import Invocation, Outcome


class Function:
    """It fails at some records, or altogether."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.failing: set[str] = set()
        self.crashes = False

    def __call__(self, event: Any) -> Invocation:
        records = event["Records"]
        self.batches.append([record["body"] for record in records])
        if self.crashes:
            return Invocation(Outcome.CRASH, {"errorType": "Killed"}, 1.0)
        failed = [one["messageId"] for one in records if one["body"] in self.failing]
        answer = {"batchItemFailures": [{"itemIdentifier": name} for name in failed]}
        return Invocation(Outcome.RESULT, answer, 1.0)


@pytest.fixture
def function() -> Function:
    return Function()


@pytest.fixture
def queue(aws: AwsEmulator, function: Callable[[Any], Invocation]) -> FunctionQueue:
    url = aws.client("sqs").create_queue(QueueName="requests")["QueueUrl"]
    return FunctionQueue(aws, url, function)


def test_a_batch_that_succeeds_is_removed(queue: FunctionQueue, function: Function) -> None:
    queue.send("one", {"two": 2})

    assert queue.deliver() == 2
    assert function.batches == [["one", '{"two": 2}']]
    assert queue.waiting() == queue.deliver() == 0


def test_only_records_that_failed_are_delivered_again(
    queue: FunctionQueue, function: Function
) -> None:
    queue.send("good", "bad")
    function.failing = {"bad"}
    queue.deliver()
    queue.deliver()

    assert function.batches == [["good", "bad"], ["bad"]]
    assert queue.waiting() == 1


def test_after_a_crash_everything_is_delivered_again(
    queue: FunctionQueue, function: Function
) -> None:
    queue.send("one", "two")
    function.crashes = True
    queue.deliver()
    function.crashes = False
    queue.deliver()

    assert function.batches == [["one", "two"]] * 2
    assert queue.waiting() == 0
