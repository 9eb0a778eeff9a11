"""Jobs with fields of another form than expected, and answers about other jobs: F85."""

from typing import Any

import pytest

from local_stack.atlas import Kind
from reliability.campaign import Campaign, Stored
from reliability.finding import Finds
from restore_watch.errors import UnexpectedAtlasResponseError

pytestmark = pytest.mark.timeout(60)
cases = pytest.mark.parametrize

TOLD: dict[Kind, tuple[str, ...]] = {
    "flex": (
        "deliveryType",
        "expirationDate",
        "restoreFinishedDate",
        "restoreScheduledDate",
        "snapshotFinishedDate",
        "snapshotId",
        "targetDeploymentItemName",
        "targetProjectId",
    ),
    "dedicated": ("expiresAt", "snapshotId", "targetClusterName", "targetGroupId", "timestamp"),
    "collection": ("createdAt", "finishedAt", "snapshotId", "targetClusterName", "targetGroupId"),
}
"""The fields that decide nothing. tests/unit/test_responses.py has each one that does."""

TIMELINES: dict[Kind, list[str]] = {
    "flex": ["RUNNING", "COMPLETED"],
    "dedicated": ["running", "finished"],
    "collection": ["IN_PROGRESS", "SUCCESSFUL"],
}


@pytest.mark.fault("F85")
@cases("odd", ["", 1_777_896_000_000, {"$date": {"$numberLong": "1"}}, [[]]], ids=repr)
@cases("kind", list(TOLD))
def test_a_job_is_found_and_followed_although_what_decides_nothing_cannot_be_read(
    campaign: Campaign, finds: Finds, kind: Kind, odd: Any
) -> None:
    job = campaign.job(kind, timeline=TIMELINES[kind])
    job.set(**dict.fromkeys(TOLD[kind], odd))
    assert finds.tick()["found"] == 1
    job.advance()
    result = finds.tick()

    assert (result["changed"], result["failures"]) == (1, [])
    assert campaign.stored(job) == Stored("COMPLETED", 2, 2)
    assert campaign.published(job) == ["RUNNING", "COMPLETED"]


@pytest.mark.fault("F85")
@cases(
    "elsewhere",
    [{"instanceName": "carts"}, {"projectId": "5f00000000000000000000c1"}],
    ids=["cluster", "project"],
)
def test_the_job_of_another_cluster_or_project_is_not_recorded(
    campaign: Campaign, elsewhere: dict[str, str]
) -> None:
    job = campaign.job()
    job.set(**elsewhere)
    campaign.refused(UnexpectedAtlasResponseError, job)
    assert campaign.item(job) is None

    job.drop(*elsewhere)
    assert campaign.check(job).changed
