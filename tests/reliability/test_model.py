"""The model, with workflows that wait, run within bounds; `make soak` runs it without."""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from local_stack.stack import LocalStack
from reliability.token_rules import TokenRules, WaitingModel

BOUNDED = settings(
    max_examples=4, stateful_step_count=8, deadline=None, suppress_health_check=list(HealthCheck)
)

pytestmark = pytest.mark.timeout(900)  # dozens of examples, each bounded by the model itself


def test_the_promise_holds_whatever_fails(stack: LocalStack) -> None:
    WaitingModel.stack = stack

    run_state_machine_as_test(WaitingModel, settings=BOUNDED)


def test_workflows_are_answered_whatever_fails(stack: LocalStack) -> None:
    """Only workflows, checks and sweeps, so that they meet more often."""
    TokenRules.stack = stack

    run_state_machine_as_test(TokenRules, settings=BOUNDED)


@pytest.mark.campaign
def test_the_promise_holds_in_more_examples(stack: LocalStack) -> None:
    WaitingModel.stack = stack

    run_state_machine_as_test(WaitingModel, settings=settings(BOUNDED, max_examples=24))


def test_the_promise_holds_in_dynamodb_local_too(stack_on_dynamodb_local: LocalStack) -> None:
    WaitingModel.stack = stack_on_dynamodb_local

    run_state_machine_as_test(WaitingModel, settings=settings(BOUNDED, max_examples=12))
