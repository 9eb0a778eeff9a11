"""Free clusters, which have no backups: F91."""

from typing import Any

import pytest

from local_stack.refusal import atlas_error
from local_stack.wire import Selection
from reliability.campaign import Campaign
from reliability.finding import COLLECTION_LIST, Finds, listed
from reliability.sweeping import DEDICATED_LIST

pytestmark = pytest.mark.timeout(60)

REFUSAL = atlas_error(400, "ATLAS_HAS_NO_SUCH_THING", "Nobody has seen this code.")


def of_free(step: Selection) -> Selection:
    return Selection(step.service, step.operation, lambda call: "/free/" in call.path)


@pytest.mark.fault("F91")
def test_a_free_cluster_is_not_asked_for_restores_and_the_others_are(
    campaign: Campaign, finds: Finds
) -> None:
    free = campaign.atlas.add_cluster(campaign.group, "free", "dedicated")
    for step in (DEDICATED_LIST, COLLECTION_LIST):
        campaign.inject(of_free(step), REFUSAL, times=None)
    # So it was with version 1.0.0.
    finds.tick()
    assert finds.behind == {"collection/free", "dedicated/free"}

    free.provider_name = "TENANT"
    (job,) = finds.ended_jobs("dedicated")
    finds.tick(15)
    assert finds.reported_once([job])
    assert finds.behind == set()

    assert finds.tick(15)["failures"] == []
    assert listed(finds.sweeps) == ["orders-dedicated"] * 2


@pytest.mark.fault("F91")
@pytest.mark.parametrize(
    "said",
    [
        {"paused": True, "replicationSpecs": []},
        {"replicationSpecs": None},
        {"replicationSpecs": [{"regionConfigs": [{}, None]}]},
        {"replicationSpecs": [{"regionConfigs": [{"providerName": None}]}]},
        {
            "replicationSpecs": [
                {"regionConfigs": [{"providerName": "TENANT"}, {"providerName": "AWS"}]}
            ]
        },
    ],
    ids=["paused", "null", "empty", "no-name", "mixed"],
)
def test_a_cluster_is_free_only_if_all_it_says_of_its_provider_is_that(
    campaign: Campaign, finds: Finds, said: dict[str, Any]
) -> None:
    (job,) = finds.ended_jobs("dedicated")
    campaign.atlas.add_cluster(campaign.group, job.cluster, "dedicated").said.update(said)
    finds.tick()

    assert finds.reported_once([job])
