"""The model, run within bounds; `make soak` runs it without."""

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from local_stack.stack import LocalStack
from model.machine import RestoreModel

BOUNDED = settings(
    max_examples=16,
    stateful_step_count=15,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)

pytestmark = pytest.mark.timeout(900)  # dozens of examples, each bounded by the model itself


def test_the_promise_holds_whatever_fails(stack: LocalStack) -> None:
    RestoreModel.stack = stack

    run_state_machine_as_test(RestoreModel, settings=BOUNDED)
