"""What a test does to the emulated Atlas shows in its answers."""

from datetime import timedelta

import httpx
import pytest

from local_stack.atlas import Kind
from local_stack.tests.emulated import ACCOUNT, NOON, RESTORE, Place

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
    ("kind", "step", "fields"), [("flex", "COMPLETED", FLEX), ("dedicated", "finished", DEDICATED)]
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


# Our own service account


def account(place: Place, client_id: str = ACCOUNT[0]) -> httpx.Response:
    return place.of_project(f"serviceAccounts/{client_id}")


def test_a_service_account_shows_its_secrets_masked_and_its_roles(place: Place) -> None:
    """The fields are those of the specification; it was never recorded."""
    place.start()
    place.atlas.add_secret(ACCOUNT[0], "mdb_sa_sk_second", timedelta(days=30))
    place.token()
    said = account(place).json()
    first, second = said["secrets"]

    assert list(said) == ["clientId", "createdAt", "description", "name", "roles", "secrets"]
    assert said["roles"] == ["GROUP_BACKUP_MANAGER"]
    assert list(first) == ["id", "createdAt", "expiresAt", "lastUsedAt", "maskedSecretValue"]
    assert (first["lastUsedAt"] is None, second["lastUsedAt"]) == (False, None)
    assert (second["maskedSecretValue"], second["expiresAt"]) == (
        "mdb_sa_sk_...cond",
        (NOON + timedelta(days=30)).strftime("%Y-%m-%dT%H:%M:%SZ"),
    )
