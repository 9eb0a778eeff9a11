"""The model of `reliability.model`, run within bounds; `make soak` runs it without."""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from local_stack.stack import LocalStack
from reliability.model import RestoreModel

BOUNDED = settings(
    max_examples=8, stateful_step_count=8, deadline=None, suppress_health_check=list(HealthCheck)
)

pytestmark = pytest.mark.timeout(900)  # dozens of examples, each bounded by the model itself


def test_the_promise_holds_whatever_fails(stack: LocalStack) -> None:
    RestoreModel.stack = stack

    run_state_machine_as_test(RestoreModel, settings=BOUNDED)


@pytest.mark.campaign
def test_the_promise_holds_in_more_examples(stack: LocalStack) -> None:
    RestoreModel.stack = stack

    run_state_machine_as_test(RestoreModel, settings=settings(BOUNDED, max_examples=24))


def test_the_promise_holds_in_dynamodb_local_too(stack_on_dynamodb_local: LocalStack) -> None:
    RestoreModel.stack = stack_on_dynamodb_local

    run_state_machine_as_test(RestoreModel, settings=settings(BOUNDED, max_examples=12))
