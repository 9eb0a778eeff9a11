"""The built function in its real runtime, killed over many seeds; `make soak` plays more."""

import pytest

from local_stack.stack import LocalStack
from reliability.kills import KillCampaign

SEEDS = 40

SEEDS_ON_DYNAMODB_LOCAL = 20
"""They show whether its conditional write differs from moto's."""

pytestmark = pytest.mark.timeout(900)  # a campaign, not a case: it finds a hung socket itself


def play(stack: LocalStack, seeds: int) -> None:
    with KillCampaign(stack) as campaign:
        for seed in range(seeds):
            campaign.play(seed)

    print(dict(campaign.tally))
    assert campaign.tally["killed while at work"] >= seeds / 4
    assert campaign.tally["changes"] >= 2 * seeds


@pytest.mark.fault("F45")
def test_nothing_is_lost_when_environments_are_killed_at_random(stack: LocalStack) -> None:
    play(stack, SEEDS)


@pytest.mark.fault("F45")
def test_nothing_is_lost_in_dynamodb_local_either(stack_on_dynamodb_local: LocalStack) -> None:
    play(stack_on_dynamodb_local, SEEDS_ON_DYNAMODB_LOCAL)
