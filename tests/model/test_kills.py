"""The built function in its real runtime, killed over many seeds; `make soak` plays more."""

import pytest

from local_stack.stack import LocalStack
from model.kills import Kills


@pytest.mark.campaign
@pytest.mark.fault("F45")
@pytest.mark.timeout(600)  # it finds a hung socket itself
def test_nothing_is_lost_when_environments_are_killed_at_random(stack: LocalStack) -> None:
    with Kills(stack) as kills:
        for seed in range(8):
            kills.play(seed)

    assert kills.tally["killed while at work"] >= 3
