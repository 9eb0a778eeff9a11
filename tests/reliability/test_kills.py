"""The built function in its real runtime, killed over many seeds; `make soak` plays more."""

import pytest

from local_stack.stack import LocalStack
from reliability.kills import KillCampaign
from reliability.sweep_kills import SweepKillCampaign

SEEDS = 10

SEEDS_OF_SWEEPS = 12

SEEDS_ON_DYNAMODB_LOCAL = 10
"""They show whether its conditional write differs from moto's."""

pytestmark = pytest.mark.timeout(900)  # a campaign, not a case: it finds a hung socket itself


def play(campaign: KillCampaign, seeds: int) -> None:
    with campaign:
        for seed in range(seeds):
            campaign.play(seed)

    print(dict(campaign.tally))
    assert campaign.tally["killed while at work"] >= seeds / 4
    assert campaign.tally["changes"] >= 2 * seeds


@pytest.mark.fault("F45")
def test_nothing_is_lost_when_environments_are_killed_at_random(stack: LocalStack) -> None:
    play(KillCampaign(stack), SEEDS)


@pytest.mark.fault("F45")
def test_nothing_is_lost_in_dynamodb_local_either(stack_on_dynamodb_local: LocalStack) -> None:
    play(KillCampaign(stack_on_dynamodb_local), SEEDS_ON_DYNAMODB_LOCAL)


@pytest.mark.campaign
@pytest.mark.fault("F45")
def test_sweeps_lose_nothing_when_they_are_killed_at_random(stack: LocalStack) -> None:
    campaign = SweepKillCampaign(stack)

    play(campaign, SEEDS_OF_SWEEPS)

    assert campaign.tally["killed with the lease"] >= SEEDS_OF_SWEEPS / 4


@pytest.mark.campaign
@pytest.mark.fault("F45")
def test_sweeps_lose_nothing_in_dynamodb_local_either(
    stack_on_dynamodb_local: LocalStack,
) -> None:
    play(SweepKillCampaign(stack_on_dynamodb_local), SEEDS_OF_SWEEPS)


@pytest.mark.campaign
@pytest.mark.fault("F45")
def test_the_next_sweep_works_when_the_lease_of_a_killed_one_has_run_out(stack: LocalStack) -> None:
    campaign = SweepKillCampaign(stack, environments=2, waits=1.0)

    with campaign:
        for seed in range(20):
            campaign.play(seed)
            if campaign.tally["waited for the lease"]:
                break

    assert campaign.tally["waited for the lease"] == 1
