"""The emulated Atlas lists snapshots, and starts the restores that it is asked for."""

import json
from datetime import timedelta
from typing import Any

import httpx
import pytest

from local_stack.atlas import Role
from local_stack.tests.emulated import GROUP, KEY, NOON, Place
from local_stack.tests.test_atlas_recorded import FOLDER, HEADERS, recorded, shape

STAGING = "5f0000000000000000000a02"
POSTED = sorted((FOLDER / "real").glob("dedicated_*_01_post_automated.json"))


def snapshots(place: Place, **query: str) -> httpx.Response:
    return place.of_project("clusters/source/backup/snapshots", GROUP, **query)


def order(snapshot_id: str, **more: Any) -> dict[str, Any]:
    return {
        "deliveryType": "automated",
        "snapshotId": snapshot_id,
        "targetGroupId": STAGING,
        "targetClusterName": "staging",
        **more,
    }


def post(place: Place, body: Any) -> httpx.Response:
    return place.digest.post(
        f"/api/atlas/v2/groups/{GROUP}/clusters/source/backup/restoreJobs", json=body
    )


@pytest.fixture
def staged(place: Place) -> Place:
    """A place with a snapshot and a cluster to restore it to."""
    place.atlas.add_snapshot(GROUP, "source")
    place.atlas.add_cluster(STAGING, "staging", "dedicated")
    return place


def test_snapshots_are_listed_in_pages(place: Place) -> None:
    first = place.atlas.add_snapshot(GROUP, "source", status="inProgress", age=timedelta())
    second = place.atlas.add_snapshot(GROUP, "source")

    page = snapshots(place, itemsPerPage="1").json()

    assert page["totalCount"] == 2
    (listed,) = page["results"]
    assert (listed["id"], listed["status"]) == (first.snapshot_id, "inProgress")
    (listed,) = snapshots(place, itemsPerPage="1", pageNum="2").json()["results"]
    assert (listed["id"], listed["status"]) == (second.snapshot_id, "completed")
    assert listed["createdAt"] == (NOON - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.skipif(not POSTED, reason="the recordings are not there")
@pytest.mark.parametrize("path", POSTED, ids=lambda path: path.stem)
def test_a_restore_is_started_as_recorded(staged: Place, path: Any) -> None:
    (snapshot,) = snapshots(staged).json()["results"]
    real = recorded(path)

    answer = post(staged, order(snapshot["id"]))

    assert answer.status_code == real["status"]
    headers = HEADERS & real["headers"].keys()
    assert {name: answer.headers[name] for name in headers} == {
        name: real["headers"][name] for name in headers
    }
    assert shape(answer.json()) == shape(real["body"])


def test_a_started_restore_is_a_job_like_any_other(staged: Place) -> None:
    staged.atlas.behaviour.restore_timeline = ("running", "failed")
    (snapshot,) = snapshots(staged).json()["results"]

    started = post(staged, order(snapshot["id"])).json()

    (restore,) = staged.atlas.restores(GROUP, "source")
    assert restore.restore_id == started["id"]
    assert (started["targetGroupId"], started["targetClusterName"]) == (STAGING, "staging")
    assert started["timestamp"] == snapshot["createdAt"]
    restore.run_to_end()
    (listed,) = staged.list("dedicated").json()["results"]
    assert (listed["id"], listed["failed"]) == (started["id"], True)


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"snapshotId": "5f" * 12}, 404),
        ({"targetClusterName": "other"}, 404),
        ({"targetGroupId": None}, 400),
        ({"deliveryType": "automatic"}, 400),
    ],
)
def test_a_restore_that_cannot_be_is_refused(
    staged: Place, more: dict[str, Any], status: int
) -> None:
    (snapshot,) = snapshots(staged).json()["results"]

    assert post(staged, order(snapshot["id"], **more)).status_code == status
    assert post(staged, json.dumps([])).status_code == 400
    assert staged.atlas.restores(GROUP, "source") == []


def test_a_snapshot_that_is_not_completed_cannot_be_restored(staged: Place) -> None:
    running = staged.atlas.add_snapshot(GROUP, "source", status="inProgress")

    assert post(staged, order(running.snapshot_id)).status_code == 404


def test_a_reader_lists_snapshots_and_starts_nothing(staged: Place) -> None:
    (snapshot,) = snapshots(staged).json()["results"]
    staged.atlas.grant(KEY[0], Role.READ_ONLY)

    assert snapshots(staged).status_code == 200
    assert post(staged, order(snapshot["id"])).status_code == 401


def test_snapshots_and_jobs_share_a_bucket(staged: Place) -> None:
    staged.atlas.keep_bucket(GROUP, "dedicated", 0)

    assert snapshots(staged).status_code == staged.list("dedicated").status_code == 429
