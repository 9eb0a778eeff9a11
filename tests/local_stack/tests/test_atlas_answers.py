"""The Atlas emulator describes restore jobs as Atlas does."""

import json
import re
from typing import Any, Literal

import pytest

from local_stack.atlas import CANARY_DOWNLOAD_TOKEN
from local_stack.tests.emulated import GROUP, NOON, RESTORE, Place
from local_stack.wire import Answer

pytestmark = pytest.mark.timeout(20)


def test_a_flex_restore_has_the_recorded_shape(place: Place) -> None:
    restore = place.atlas.start_restore(
        GROUP, "source", "flex", restore_id=RESTORE, snapshot_id="6b4a016f0000000000000c01"
    )
    running = {
        "deliveryType": "RESTORE",
        "expirationDate": "2026-05-04T18:00:00Z",
        "id": RESTORE,
        "instanceName": "source",
        "projectId": GROUP,
        "restoreScheduledDate": "2026-05-04T12:00:00Z",
        "snapshotFinishedDate": "2026-05-04T11:00:00Z",
        "snapshotId": "6b4a016f0000000000000c01",
        "status": "PENDING",
        "targetDeploymentItemName": "source-restored",
        "targetProjectId": GROUP,
    }
    assert place.get("flex").json() == running

    place.clock.advance(61)
    restore.run_to_end()
    assert place.get("flex").json() == running | {
        "restoreFinishedDate": "2026-05-04T12:01:01Z",
        "status": "COMPLETED",
    }


def test_a_flex_download_has_its_url_once_it_is_completed(place: Place) -> None:
    restore = place.atlas.start_restore(
        GROUP, "source", "flex", restore_id=RESTORE, delivery_type="DOWNLOAD"
    )
    assert CANARY_DOWNLOAD_TOKEN not in place.get("flex").text

    restore.run_to_end()
    assert CANARY_DOWNLOAD_TOKEN in place.get("flex").json()["snapshotUrl"]


DEDICATED: dict[str, Any] = {
    "cancelled": False,
    "deliveryUrl": [],
    "desiredTimestamp": {"increment": None, "time": None, "date": None},
    "expired": False,
    "failed": False,
    "id": RESTORE,
    "snapshotId": "6b4a016f0000000000000c01",
    "timestamp": "2026-05-04T11:00:00Z",
}


def dedicated_body(place: Place) -> dict[str, Any]:
    """What is served, without the links."""
    body: dict[str, Any] = place.get("dedicated").json()
    assert [link["rel"].rpartition("/")[2] for link in body.pop("links")] == [
        "self",
        "snapshot",
        "cluster",
        "group",
    ]
    return body


def test_an_automated_restore_has_the_recorded_shape(place: Place) -> None:
    restore = place.atlas.start_restore(
        GROUP, "source", "dedicated", restore_id=RESTORE, snapshot_id=DEDICATED["snapshotId"]
    )
    running = DEDICATED | {
        "deliveryType": "automated",
        "targetClusterName": "source-restored",
        "targetDeploymentItemName": "atlas-000b01",
        "targetGroupId": GROUP,
    }
    assert dedicated_body(place) == running

    place.clock.advance(232)
    restore.advance()
    assert dedicated_body(place) == running | {"finishedAt": "2026-05-04T12:03:52Z"}


def test_a_download_has_the_recorded_shape(place: Place) -> None:
    restore = place.atlas.start_restore(
        GROUP,
        "source",
        "dedicated",
        restore_id=RESTORE,
        snapshot_id=DEDICATED["snapshotId"],
        delivery_type="download",
        every_url=False,
    )
    preparing = DEDICATED | {"deliveryType": "download"}
    assert dedicated_body(place) == preparing

    place.clock.advance(189)
    restore.advance()
    assert dedicated_body(place) == preparing | {
        "deliveryUrl": [restore.download_url],
        "expiresAt": "2026-05-04T13:03:09Z",
    }
    assert CANARY_DOWNLOAD_TOKEN in restore.download_url


def test_a_download_can_have_its_url_in_any_field(place: Place) -> None:
    restore = place.atlas.start_restore(
        GROUP, "source", "dedicated", restore_id=RESTORE, delivery_type="download"
    )
    restore.run_to_end()
    body = dedicated_body(place)

    for where in ("deliveryUrl", "privateDownloadDeliveryUrls", "components"):
        assert CANARY_DOWNLOAD_TOKEN in json.dumps(body[where])


@pytest.mark.parametrize(
    ("step", "flags"),
    [
        ("failed", {"failed": True, "finishedAt": "2026-05-04T12:00:00Z"}),
        ("cancelled", {"cancelled": True, "failed": True, "finishedAt": "2026-05-04T12:00:00Z"}),
        ("expired", {"expired": True}),
    ],
    ids=["failed", "cancelled", "expired"],
)
def test_the_flags_of_a_dedicated_restore_show_its_end(
    place: Place, step: str, flags: dict[str, Any]
) -> None:
    restore = place.atlas.start_restore(
        GROUP, "source", "dedicated", restore_id=RESTORE, timeline=["running", step]
    )
    running = dedicated_body(place)
    restore.advance()

    assert dedicated_body(place) == running | flags


def test_a_download_that_expires_loses_its_urls(place: Place) -> None:
    restore = place.atlas.start_restore(
        GROUP,
        "source",
        "dedicated",
        restore_id=RESTORE,
        delivery_type="download",
        timeline=["running", "download-ready", "expired"],
    )
    restore.run_to_end()
    body = dedicated_body(place)

    assert (body["expired"], body["deliveryUrl"]) == (True, [])
    assert CANARY_DOWNLOAD_TOKEN not in json.dumps(body)


def test_a_collection_restore_has_the_specified_shape(place: Place) -> None:
    restore = place.atlas.start_restore(GROUP, "source", "collection", restore_id=RESTORE)
    begun = place.get("collection").json()
    assert begun["createdAt"] == "2026-05-04T12:00:00Z"
    assert (begun["id"], begun["state"]) == (RESTORE, "INITIALIZING")
    assert (begun["targetClusterName"], begun["targetGroupId"]) == ("source-restored", GROUP)
    assert not begun.keys() & {"deliveryType", "errorMessage", "finishedAt", "status"}

    assert [restore.advance() for _ in range(3)] == ["IN_PROGRESS", "FINALIZING", "SUCCESSFUL"]
    done = place.get("collection").json()
    assert (done["state"], done["finishedAt"]) == ("SUCCESSFUL", "2026-05-04T12:00:00Z")
    assert done.keys() - begun.keys() == {"finishedAt"}


@pytest.mark.parametrize("step", ["FAILED", "CANCELED", "PARTLY+finished"])
def test_a_collection_restore_that_did_not_succeed_has_an_error_message(
    place: Place, step: str
) -> None:
    place.atlas.start_restore(GROUP, "source", "collection", restore_id=RESTORE, timeline=[step])
    body = place.get("collection").json()

    assert body["state"] == step.removesuffix("+finished")
    assert CANARY_DOWNLOAD_TOKEN in body["errorMessage"]


def test_an_id_begins_with_its_creation_time(place: Place) -> None:
    restore = place.atlas.start_restore(GROUP, "source", "dedicated")

    assert int(restore.restore_id[:8], 16) == NOON.timestamp()
    assert re.fullmatch("[a-f0-9]{24}", restore.restore_id)


@pytest.mark.parametrize("key", ["content", "envelope"])
def test_an_envelope_holds_the_job_and_the_status(
    place: Place, key: Literal["content", "envelope"]
) -> None:
    place.atlas.behaviour.envelope_key = key
    restore = place.atlas.start_restore(GROUP, "source", "flex", restore_id=RESTORE)

    assert place.get("flex", envelope="true").json() == {"status": 200, key: restore.body()}


def test_an_error_in_an_envelope_has_the_http_status_200(place: Place) -> None:
    response = place.get("flex", envelope="true")

    assert response.status_code == 200
    assert response.json()["status"] == 404
    assert response.json()["content"]["errorCode"] == "GROUP_NOT_FOUND"


@pytest.mark.parametrize(
    ("status", "code"),
    [(410, "VERSION_GONE"), (404, None), (406, None), (405, "")],
    ids=["gone", "no path", "no version", "no method"],
)
def test_the_tenant_endpoint_is_retired(
    place: Place, status: Literal[404, 405, 406, 410], code: str | None
) -> None:
    place.atlas.behaviour.tenant_endpoint = status
    place.atlas.start_restore(GROUP, "source", "tenant", restore_id=RESTORE)
    response = place.get("tenant")

    assert response.status_code == status
    assert code == "" or response.json()["errorCode"] == code
    assert place.get("flex").json()["id"] == RESTORE


def test_the_tenant_endpoint_can_answer_as_before_its_sunset(place: Place) -> None:
    place.atlas.behaviour.tenant_endpoint = None
    place.atlas.start_restore(GROUP, "source", "tenant", restore_id=RESTORE)
    body = place.get("tenant").json()

    assert (body["clusterName"], body["status"]) == ("source", "PENDING")
    assert "instanceName" not in body


def test_a_test_can_choose_the_body(place: Place) -> None:
    place.atlas.serve(GROUP, "source", "flex", RESTORE, {"id": "anything"})
    place.atlas.serve(GROUP, "source", "dedicated", RESTORE, b"<html>")
    place.atlas.serve(GROUP, "source", "tenant", RESTORE, Answer(502, body="bad gateway"))

    assert place.get("flex").json() == {"id": "anything"}
    assert place.get("flex", envelope="true").json()["content"] == {"id": "anything"}
    assert place.get("dedicated").text == "<html>"
    assert place.get("tenant").status_code == 502


def test_scripted_answers_come_in_order_after_authentication(place: Place) -> None:
    place.atlas.start_restore(GROUP, "source", "flex", restore_id=RESTORE)
    place.atlas.script("flex", Answer(503), Answer(502))

    assert [place.get("flex").status_code for _ in range(3)] == [503, 502, 200]
    assert place.atlas.wire.calls[0].status == 401
