"""The model, run within bounds; `make soak` runs it without."""

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from local_stack.stack import LocalStack
from model.machine import RestoreModel
from model.soak import BATCH

BOUNDED = settings(BATCH, max_examples=11, stateful_step_count=15, derandomize=True)

pytestmark = pytest.mark.timeout(900)  # dozens of examples, each bounded by the model itself


def test_the_promise_holds_whatever_fails(stack: LocalStack) -> None:
    RestoreModel.stack = stack

    run_state_machine_as_test(RestoreModel, settings=BOUNDED)
