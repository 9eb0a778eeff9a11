"""The built function in its real runtime, killed over many seeds; `make soak` plays more."""

import pytest

from local_stack.stack import LocalStack
from reliability.kills import KillCampaign

SEEDS = 200


@pytest.mark.fault("F45")
@pytest.mark.timeout(900)  # a campaign, not a case: a hung socket is found by its own bounds
def test_nothing_is_lost_when_environments_are_killed_at_random(stack: LocalStack) -> None:
    with KillCampaign(stack) as campaign:
        for seed in range(SEEDS):
            campaign.play(seed)

    print(dict(campaign.tally))
    assert campaign.tally["killed while at work"] >= SEEDS / 4
    assert campaign.tally["changes"] >= 2 * SEEDS
