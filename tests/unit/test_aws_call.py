"""One call to AWS ends by the deadline, in a complete answer or in a short error."""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError
from botocore.parsers import ResponseParserError

from foundation.aws_call import AwsCallError, aws_call
from foundation.deadline import Deadline
from foundation.errors import TimeBudgetExceededError
from foundation.timed_call import CALLS_AT_ONCE, LEAST_TIME
from unit.scripted_atlas import Clock


class Client:
    """A client of boto3 whose only operation is the function of a test."""

    def __init__(self, operation: Callable[..., Mapping[str, Any]], service: str = "sns") -> None:
        self.meta = SimpleNamespace(service_model=SimpleNamespace(service_name=service))
        self._operation = operation

    def call(self, **parameters: Any) -> Mapping[str, Any]:
        return self._operation(**parameters)


def failing(error: Exception) -> Callable[..., Mapping[str, Any]]:
    def operation(**_: Any) -> Mapping[str, Any]:
        raise error

    return operation


def call(operation: Callable[..., Mapping[str, Any]], clock: Clock, seconds: float = 5.0) -> Any:
    deadline = clock.deadline(seconds)
    return aws_call(deadline, "publish", Client(operation).call, "MessageId", TopicArn="arn")


def test_a_complete_answer_is_returned(clock: Clock) -> None:
    def publish(**parameters: Any) -> Mapping[str, Any]:
        return {"MessageId": "1", "given": parameters}

    assert call(publish, clock) == {"MessageId": "1", "given": {"TopicArn": "arn"}}


@pytest.mark.parametrize("answer", [{}, {"ResponseMetadata": {}}], ids=["empty", "without the id"])
def test_an_incomplete_answer_is_an_error(clock: Clock, answer: dict[str, Any]) -> None:
    with pytest.raises(AwsCallError, match="cut off"):
        call(lambda **_: answer, clock)


@pytest.mark.parametrize(
    ("response", "code"),
    [
        ({"Error": {"Code": "InternalError", "Message": "~|~"}, "Item": {}}, "InternalError"),
        ({"Error": {}}, "an error without a code"),
        ({"ResponseMetadata": {}}, "an error without a code"),
    ],
    ids=["code", "no code", "no error"],
)
def test_a_refused_call_raises_an_error_with_the_code_and_the_answer(
    clock: Clock, response: Any, code: str
) -> None:
    with pytest.raises(AwsCallError) as refused:
        call(failing(ClientError(response, "Publish")), clock)

    assert str(refused.value) == f"answered {code}"
    assert (refused.value.code, refused.value.answer) == (code, response)
    assert refused.value.__cause__ is None


FAILURES = [
    ConnectTimeoutError(endpoint_url="https://~|~"),
    EndpointConnectionError(endpoint_url="https://~|~"),
    ResponseParserError("~|~"),
    ValueError("~|~"),
    KeyError("~|~"),
    AttributeError("~|~"),
    TimeoutError("~|~"),
]


@pytest.mark.parametrize("error", FAILURES, ids=lambda error: type(error).__name__)
def test_an_error_without_an_answer_names_only_the_type_of_the_failure(
    clock: Clock, error: Exception
) -> None:
    with pytest.raises(AwsCallError) as refused:
        call(failing(error), clock)

    assert str(refused.value) == f"did not answer ({type(error).__name__})"
    assert refused.value.answer == {}


@pytest.mark.parametrize(
    ("code", "status", "is_lasting"),
    [
        ("AuthorizationError", 403, True),
        ("NotFound", 404, True),
        ("Throttling", 400, False),
        ("ThrottledException", 429, False),
        ("InternalError", 500, False),
    ],
)
def test_a_refusal_lasts_or_not(code: str, status: int, *, is_lasting: bool) -> None:
    error = AwsCallError(code, {"ResponseMetadata": {"HTTPStatusCode": status}})

    assert error.is_lasting is is_lasting


def test_a_call_that_hangs_is_abandoned_at_the_deadline() -> None:
    may_end = threading.Event()

    def hang(**_: Any) -> Mapping[str, Any]:
        may_end.wait(5)
        return {"MessageId": "1"}

    # The clock is read twice: there is enough time to begin, and then no time left.
    readings = iter([0.0, LEAST_TIME])
    deadline = Deadline(LEAST_TIME, lambda: next(readings))

    with pytest.raises(AwsCallError, match="the time of the invocation is over"):
        aws_call(deadline, "publish", Client(hang).call, "MessageId")
    may_end.set()


def test_no_call_begins_with_too_little_time_left(clock: Clock) -> None:
    calls: list[str] = []

    def publish(**parameters: str) -> Mapping[str, Any]:
        calls.append(parameters["TopicArn"])
        return {"MessageId": "1"}

    with pytest.raises(TimeBudgetExceededError, match="publish"):
        call(publish, clock, LEAST_TIME - 0.01)

    assert not calls


def test_a_service_that_hangs_does_not_keep_another_one_from_answering() -> None:
    may_end = threading.Event()
    all_hang = threading.Barrier(CALLS_AT_ONCE + 1)

    def hang(**_: Any) -> Mapping[str, Any]:
        all_hang.wait(5)
        may_end.wait(5)
        return {"MessageId": "1"}

    def publish() -> Any:
        return aws_call(Deadline.after(5), "publish", Client(hang).call, "MessageId")

    with ThreadPoolExecutor(CALLS_AT_ONCE) as threads:
        hanging = [threads.submit(publish) for _ in range(CALLS_AT_ONCE)]
        all_hang.wait(5)
        table = Client(lambda: {"Attributes": {}}, "dynamodb")
        stored = aws_call(Deadline.after(2), "write", table.call, "Attributes")
        assert not any(one.done() for one in hanging)
        may_end.set()

    assert stored == {"Attributes": {}}
    assert all(one.result() for one in hanging)
