"""Which restores can be measured, and of which moments."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from restore_watch.atlas.read_restore_job import read_job
from restore_watch.measuring.restore_to_measure import RestoreToMeasure, restore_to_measure
from restore_watch.model.measurement import WhyNotMeasured
from restore_watch.model.restore_job import RestoreJob
from restore_watch.model.restore_target import RestoreKind
from unit.atlas_answers import PROJECT, TARGET, collection, dedicated, flex
from unit.open_jobs import NOON

ENDED = "2026-05-04T12:20:00Z"
OTHER_PROJECT = "5f0000000000000000000a02"


def job(**fields: Any) -> RestoreJob:
    answer = dedicated(finishedAt=ENDED, **fields)
    return read_job(answer, TARGET, RestoreKind.DEDICATED)


def test_a_completed_restore_of_a_whole_cluster_is_measured() -> None:
    restore = restore_to_measure(job())

    assert restore == RestoreToMeasure(
        job().restore_id,
        (PROJECT, "orders"),
        (PROJECT, "carts"),
        snapshot_at=NOON - timedelta(hours=6),
        ended_at=NOON + timedelta(minutes=20),
    )
    assert restore.projects == (PROJECT,)


def test_the_processes_of_two_projects_are_asked_for() -> None:
    restore = restore_to_measure(job(targetGroupId=OTHER_PROJECT, targetClusterName="orders"))

    assert isinstance(restore, RestoreToMeasure)
    assert restore.projects == (PROJECT, OTHER_PROJECT)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"failed": True}, WhyNotMeasured.NOT_COMPLETED),
        ({"cancelled": True}, WhyNotMeasured.NOT_COMPLETED),
        ({"finishedAt": None}, WhyNotMeasured.NOT_COMPLETED),
        ({"deliveryType": "download"}, WhyNotMeasured.DOWNLOAD),
        ({"deliveryType": "pointInTime"}, WhyNotMeasured.POINT_IN_TIME),
        ({"deliveryType": "addedLater"}, WhyNotMeasured.UNKNOWN_DELIVERY),
        ({"timestamp": None}, WhyNotMeasured.NO_SNAPSHOT_DATE),
        ({"timestamp": "9999-12-31T23:59:59Z"}, WhyNotMeasured.NO_SNAPSHOT_DATE),
        ({"timestamp": "0001-01-01T00:00:00Z"}, WhyNotMeasured.NO_SNAPSHOT_DATE),
        ({"timestamp": "2026-05-04T12:11:00Z"}, WhyNotMeasured.NO_SNAPSHOT_DATE),
        ({"finishedAt": "9999-12-31T23:59:59Z"}, WhyNotMeasured.NO_END),
        ({"finishedAt": "2026-05-04T11:49:00Z"}, WhyNotMeasured.NO_END),
        ({"targetGroupId": None}, WhyNotMeasured.NO_TARGET),
        ({"targetClusterName": None}, WhyNotMeasured.NO_TARGET),
        ({"targetClusterName": ""}, WhyNotMeasured.NO_TARGET),
        ({"targetClusterName": "orders"}, WhyNotMeasured.OVERWRITTEN),
        ({"targetClusterName": "Orders"}, WhyNotMeasured.OVERWRITTEN),
    ],
    ids=[
        "failed",
        "cancelled",
        "running",
        "a download",
        "to a point in time",
        "an unknown delivery type",
        "no date of the snapshot",
        "a snapshot at the end of time",
        "a snapshot at the beginning of time",
        "a snapshot after the request",
        "an end at the end of time",
        "an end before the request",
        "no project",
        "no cluster",
        "an empty name",
        "in place",
        "in place, in other case",
    ],
)
def test_another_restore_has_a_reason_that_no_later_try_changes(
    fields: dict[str, Any], why: WhyNotMeasured
) -> None:
    answer = dedicated(**{"finishedAt": ENDED} | fields)

    assert restore_to_measure(read_job(answer, TARGET, RestoreKind.DEDICATED)) is why
    assert not why.may_pass


@pytest.mark.parametrize(
    ("answer", "kind", "why"),
    [
        (flex(status="COMPLETED"), RestoreKind.FLEX, WhyNotMeasured.FLEX),
        (collection(state="SUCCESSFUL"), RestoreKind.COLLECTION, WhyNotMeasured.UNKNOWN_DELIVERY),
    ],
    ids=["Flex", "some collections"],
)
def test_a_restore_of_another_kind_is_not_compared(
    answer: dict[str, object], kind: RestoreKind, why: WhyNotMeasured
) -> None:
    assert restore_to_measure(read_job(answer, TARGET, kind)) is why


@pytest.mark.parametrize(
    "fields",
    [{"timestamp": "2026-05-04T12:10:00Z"}, {"finishedAt": "2026-05-04T11:50:00Z"}],
    ids=["the snapshot after the request", "the end before it"],
)
def test_clocks_may_differ(fields: dict[str, Any]) -> None:
    answer = dedicated(**{"finishedAt": ENDED} | fields)
    restored = restore_to_measure(read_job(answer, TARGET, RestoreKind.DEDICATED))

    assert isinstance(restored, RestoreToMeasure)


def test_the_moments_are_in_utc() -> None:
    restore = restore_to_measure(job(timestamp="2026-05-04T08:00:00+02:00"))

    assert isinstance(restore, RestoreToMeasure)
    assert restore.snapshot_at == datetime(2026, 5, 4, 6, tzinfo=NOON.tzinfo)
