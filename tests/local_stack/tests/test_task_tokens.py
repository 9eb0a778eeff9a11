"""Tokens can be answered once, and Step Functions says which are gone."""

from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from local_stack.stack import LocalStack
from local_stack.task_tokens import GONE, TaskTokens


@pytest.fixture
def tokens(stack: LocalStack) -> Iterator[TaskTokens]:
    made = TaskTokens(stack)
    yield made
    made.close()
    stack.aws.wire.heal()


def refusal(stack: LocalStack, token: str) -> str:
    """The code with which both answers are refused."""
    client = stack.aws.client("stepfunctions")
    with pytest.raises(ClientError) as success:
        client.send_task_success(taskToken=token, output="{}")
    with pytest.raises(ClientError) as failure:
        client.send_task_failure(taskToken=token, error="RestoreFailed", cause="{}")
    (code,) = {one.value.response["Error"]["Code"] for one in (success, failure)}
    return str(code)


def test_states_that_wait_take_an_answer(stack: LocalStack, tokens: TaskTokens) -> None:
    client = stack.aws.client("stepfunctions")
    tokens.wait("one")
    tokens.wait("two")

    answers = [
        client.send_task_success(taskToken="one", output="{}"),
        client.send_task_failure(taskToken="two", error="RestoreFailed", cause="{}"),
    ]

    assert [one["ResponseMetadata"]["HTTPStatusCode"] for one in answers] == [200, 200]
    assert refusal(stack, "three") == "InvalidToken"


@pytest.mark.parametrize("how", GONE)
def test_a_state_that_waits_no_more_is_gone(
    stack: LocalStack, tokens: TaskTokens, how: str
) -> None:
    tokens.wait("one")

    tokens.end("one", how)

    assert refusal(stack, "one") == how
