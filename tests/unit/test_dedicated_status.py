"""A dedicated job has no status field: flags, dates and URLs decide its status (DESIGN 3.3)."""

from datetime import timedelta
from typing import Any

import pytest

from restore_watch.model.restore_job import RestoreKind, RestoreStatus
from unit.atlas_answers import NOON, URL, dedicated, read

PENDING, QUEUED, RUNNING, UNKNOWN, COMPLETED, FAILED, CANCELLED, EXPIRED = RestoreStatus
DEDICATED = RestoreKind.DEDICATED

FINISHED = {"finishedAt": "2026-05-04T12:03:52Z"}
DOWNLOAD = {"deliveryType": "download", "targetClusterName": None, "targetGroupId": None}
READY = DOWNLOAD | {"deliveryUrl": [URL], "expiresAt": "2026-05-04T13:05:00Z"}
PRIVATE = DOWNLOAD | {
    "privateDownloadDeliveryUrls": [{"deliveryUrl": URL, "endpointId": "vpce-0123456789abcdef0"}]
}
SHARDED = DOWNLOAD | {"components": [{"downloadUrl": URL, "replicaSetName": "shard-0"}]}
SHARDED_PRIVATE = DOWNLOAD | {
    "components": [
        {"replicaSetName": "config", "downloadUrl": None},
        {"privateDownloadDeliveryUrls": [{"deliveryUrl": URL, "endpointId": "vpce-0"}]},
    ]
}

# The first match wins.
DERIVATIONS: dict[str, tuple[dict[str, Any], RestoreStatus]] = {
    "automated, running": ({}, RUNNING),
    "automated, with a URL": ({"deliveryUrl": [URL]}, RUNNING),
    "automated, finished": (FINISHED, COMPLETED),
    "automated, finished and expired": (FINISHED | {"expired": True}, COMPLETED),
    "automated, expired": ({"expired": True}, EXPIRED),
    "automated, failed and finished": (FINISHED | {"failed": True}, FAILED),
    "automated, failed and expired": ({"failed": True, "expired": True}, FAILED),
    "automated, cancelled": ({"cancelled": True}, CANCELLED),
    "automated, cancelled and expired": ({"cancelled": True, "expired": True}, CANCELLED),
    "automated, cancelled, failed and finished": (
        FINISHED | {"cancelled": True, "failed": True},
        CANCELLED,
    ),
    "point in time, finished": (FINISHED | {"deliveryType": "pointInTime"}, COMPLETED),
    "download, preparing": (DOWNLOAD, RUNNING),
    "download, ready": (READY, COMPLETED),
    "download, ready at a private endpoint": (PRIVATE, COMPLETED),
    "download, ready in components": (SHARDED, COMPLETED),
    "download, ready in private components": (SHARDED_PRIVATE, COMPLETED),
    "download, in capitals": (READY | {"deliveryType": "DOWNLOAD"}, COMPLETED),
    "download, finished without a URL": (DOWNLOAD | FINISHED, COMPLETED),
    "download, expired": (READY | {"expired": True}, EXPIRED),
    "download, expired without a URL": (DOWNLOAD | {"expired": True}, EXPIRED),
    "download, expired and finished": (READY | FINISHED | {"expired": True}, EXPIRED),
    "download, cancelled": (READY | {"cancelled": True}, CANCELLED),
    "download, cancelled, failed and expired": (
        READY | {"cancelled": True, "failed": True, "expired": True},
        CANCELLED,
    ),
    "download, failed": (READY | {"failed": True}, FAILED),
    "download, failed and expired": (READY | {"failed": True, "expired": True}, FAILED),
}


@pytest.mark.parametrize(("fields", "status"), DERIVATIONS.values(), ids=DERIVATIONS)
def test_a_dedicated_status_follows_from_the_flags(
    fields: dict[str, Any], status: RestoreStatus
) -> None:
    job = read(dedicated(**fields), DEDICATED)

    assert job.status is status
    assert job.download_available is (job.is_ready_download and URL in str(fields))


@pytest.mark.parametrize(
    "fields",
    [
        {"deliveryUrl": [None]},
        {"deliveryUrl": [""]},
        {"privateDownloadDeliveryUrls": [{"endpointId": "vpce-0123456789abcdef0"}]},
        {"privateDownloadDeliveryUrls": [{"endpointId": "vpce-0", "deliveryUrl": None}]},
        {"components": [{"replicaSetName": "shard-0"}]},
        {"components": [{"downloadUrl": "", "privateDownloadDeliveryUrls": []}]},
        {"components": [{"privateDownloadDeliveryUrls": [{"endpointId": "vpce-0"}]}]},
    ],
    ids=str,
)
def test_a_download_without_a_url_is_not_ready(fields: dict[str, Any]) -> None:
    job = read(dedicated(**DOWNLOAD | fields), DEDICATED)

    assert (job.status, job.download_available) == (RUNNING, False)


def test_a_ready_download_has_an_expiration_date() -> None:
    job = read(dedicated(**READY), DEDICATED)

    assert job.expiration_date == NOON + timedelta(hours=1, minutes=5)
    assert (job.restore_finished_date, job.duration_seconds) == (None, None)


@pytest.mark.parametrize("flag", ["cancelled", "failed", "expired"])
@pytest.mark.parametrize("value", [None, ...], ids=["null", "missing"])
def test_an_absent_flag_is_not_set(flag: str, value: object) -> None:
    answer = dedicated(**{flag: value})
    if value is ...:
        del answer[flag]

    assert read(answer, DEDICATED).status is RUNNING
