"""What a test does to the emulated Atlas shows in its answers."""

import pytest

from local_stack.atlas import ABSENT, Kind
from local_stack.tests.emulated import GROUP, RESTORE, Place

pytestmark = pytest.mark.timeout(20)


FLEX = (
    "deliveryType expirationDate id instanceName projectId restoreFinishedDate "
    "restoreScheduledDate snapshotFinishedDate snapshotId status targetDeploymentItemName "
    "targetProjectId"
)
DEDICATED = (
    "cancelled deliveryType deliveryUrl desiredTimestamp expired failed finishedAt id links "
    "snapshotId targetClusterName targetDeploymentItemName targetGroupId timestamp"
)


@pytest.mark.parametrize(
    ("kind", "step", "fields"),
    [("flex", "COMPLETED", FLEX), ("dedicated", "finished", DEDICATED)],
    ids=["flex", "dedicated"],
)
def test_a_job_has_the_recorded_fields(place: Place, kind: Kind, step: str, fields: str) -> None:
    """The only shapes that are here in writing; the others are compared with the recordings."""
    place.start(kind, step)

    assert list(place.get(kind).json()) == fields.split()


@pytest.mark.parametrize(
    ("kind", "timeline", "types"),
    [
        ("flex", ["PENDING", "COMPLETED"], ["REQUESTED_AUDIT", "COMPLETED_AUDIT"]),
        ("flex", ["FAILED"], ["REQUESTED_AUDIT", "FAILED"]),
        ("dedicated", ["running", "finished"], ["REQUESTED_AUDIT", "SUCCESSFUL"]),
        ("dedicated", ["download-ready"], ["REQUESTED_AUDIT"]),
        ("collection", ["IN_PROGRESS"], []),
        ("collection", ["IN_PROGRESS", "SUCCESSFUL"], ["SUCCESSFUL"]),
    ],
    ids=[
        "flex",
        "flex, failed",
        "dedicated",
        "a download",
        "a collection that runs",
        "a collection",
    ],
)
def test_a_restore_leaves_the_events_of_its_kind(
    place: Place, kind: Kind, timeline: list[str], types: list[str]
) -> None:
    """Newest first, and without the name of a cluster or job."""
    place.start(kind, *timeline).run_to_end()
    events = place.of_project("events").json()["results"]
    of_kind = {"flex": "TENANT", "dedicated": "CPS", "collection": "CPS_COLLECTION"}[kind]

    found = [event["eventTypeName"] for event in events]
    assert found == [f"{of_kind}_RESTORE_{word}" for word in reversed(types)]
    assert "source" not in str(events)
    assert RESTORE not in str(events)


@pytest.mark.parametrize(
    ("kind", "path", "field", "off"),
    [
        ("dedicated", "clusters", "backupEnabled", False),
        ("flex", "flexClusters", "backupSettings", {"enabled": False}),
    ],
    ids=["dedicated", "flex"],
)
def test_a_list_says_of_the_backups_of_a_cluster_what_a_test_wants(
    place: Place, kind: Kind, path: str, field: str, off: object
) -> None:
    place.atlas.add_cluster(GROUP, "on", kind)
    place.atlas.add_cluster(GROUP, "off", kind).said = {field: off}
    place.atlas.add_cluster(GROUP, "unsaid", kind).said = {field: ABSENT}
    on, without, unsaid = place.of_project(path).json()["results"]

    assert field in on
    assert on[field] != off
    assert without[field] == off
    assert field not in unsaid
