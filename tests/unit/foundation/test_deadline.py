"""Which steps of an invocation may still begin, and how one call to AWS ends."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError
from botocore.parsers import ResponseParserError
from hypothesis import given
from hypothesis import strategies as st

from foundation.aws_call import AwsCallError, aws_call
from foundation.deadline import Deadline
from foundation.errors import TimeBudgetExceededError
from unit.scripted_atlas import Clock

seconds = st.floats(min_value=0, max_value=900)


@given(st.floats(-1, 900), seconds)
def test_the_time_left_goes_down_and_is_never_negative(given_time: float, passed: float) -> None:
    clock = Clock(0.0)
    deadline = Deadline.after(given_time, clock)

    clock.now += passed

    assert deadline.remaining() == pytest.approx(max(0, given_time - passed))


def test_a_step_that_just_fits_may_begin_and_an_error_names_the_step_and_the_time_left() -> None:
    Deadline.after(1.0, Clock()).require(1.0, "ask Atlas")

    with pytest.raises(TimeBudgetExceededError, match=re.escape("1.0 s")) as exceeded:
        Deadline.after(0.999, Clock()).require(1.0, "ask Atlas")
    assert "ask Atlas" in str(exceeded.value)


@pytest.mark.parametrize(
    ("left", "reserved", "step_gets"),
    [(60.0, 4.0, 56.0), (12.0, 4.0, 8.0), (9.0, 4.0, 6.0), (3.0, 4.0, 2.0), (0.0, 4.0, 0.0)],
    ids=["much is left", "just enough", "little is left", "very little is left", "nothing is left"],
)
def test_a_step_reserves_time_for_later_steps(
    left: float, reserved: float, step_gets: float
) -> None:
    deadline = Deadline.after(left, Clock(0.0))

    assert deadline.earlier(reserved).remaining() == pytest.approx(step_gets)


# One call to AWS


def failing(error: Exception) -> Callable[..., Mapping[str, Any]]:
    def operation(**_: Any) -> Mapping[str, Any]:
        raise error

    return operation


def call(operation: Callable[..., Mapping[str, Any]], clock: Clock, seconds: float = 5.0) -> Any:
    return aws_call(clock.deadline(seconds), "publish", operation, "MessageId", TopicArn="arn")


def test_a_complete_answer_is_returned(clock: Clock) -> None:
    def publish(**parameters: Any) -> Mapping[str, Any]:
        return {"MessageId": "1", "given": parameters}

    assert call(publish, clock) == {"MessageId": "1", "given": {"TopicArn": "arn"}}


@pytest.mark.parametrize("answer", [{}, {"ResponseMetadata": {}}], ids=["empty", "without the id"])
def test_an_incomplete_answer_is_an_error(clock: Clock, answer: dict[str, Any]) -> None:
    with pytest.raises(AwsCallError, match="cut off"):
        call(lambda **_: answer, clock)


CODED: Any = {"Error": {"Code": "InternalError", "Message": "~|~"}, "Item": {}}
UNCODED: list[Any] = [{"Error": {}}, {"ResponseMetadata": {}}]
FAILURES: list[tuple[Exception, str, Any]] = [
    (ClientError(CODED, "Publish"), "answered InternalError", CODED),
    *((ClientError(said, "Publish"), "answered an error without a code", said) for said in UNCODED),
    *(
        (error, f"did not answer ({type(error).__name__})", {})
        for error in (
            ConnectTimeoutError(endpoint_url="https://~|~"),
            EndpointConnectionError(endpoint_url="https://~|~"),
            ResponseParserError("~|~"),
            ValueError("~|~"),
            KeyError("~|~"),
            AttributeError("~|~"),
            TimeoutError("~|~"),
        )
    ),
]


@pytest.mark.parametrize(("error", "text", "answer"), FAILURES, ids=lambda value: str(value)[:40])
def test_an_error_has_the_code_or_the_type_of_the_failure_and_quotes_nothing(
    clock: Clock, error: Exception, text: str, answer: Any
) -> None:
    with pytest.raises(AwsCallError) as refused:
        call(failing(error), clock)

    assert str(refused.value) == text
    assert refused.value.answer == answer
    assert refused.value.__cause__ is None


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


def test_no_call_begins_with_less_than_a_second_left(clock: Clock) -> None:
    calls: list[str] = []

    def publish(**parameters: str) -> Mapping[str, Any]:
        calls.append(parameters["TopicArn"])
        return {"MessageId": "1"}

    with pytest.raises(TimeBudgetExceededError, match="publish"):
        call(publish, clock, 0.99)
    assert not calls

    call(publish, clock, 1.0)
    assert calls == ["arn"]
