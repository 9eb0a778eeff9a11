"""The model, run within bounds; the campaign plays more of it, and `make soak` runs it without."""

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from behaviour.rows import rows
from local_stack.stack import LocalStack
from model.machine import RestoreModel
from model.soak import BATCH

BOUNDED = settings(BATCH, stateful_step_count=15, derandomize=True)

pytestmark = pytest.mark.timeout(900)  # dozens of examples, each bounded by the model itself


@pytest.mark.parametrize("examples", rows({"few": 3, "many": 11}, "few"))
def test_the_promise_holds_whatever_fails(stack: LocalStack, examples: int) -> None:
    RestoreModel.stack = stack

    run_state_machine_as_test(RestoreModel, settings=settings(BOUNDED, max_examples=examples))
