"""Open jobs as a sweep knows them from the index, and targets as an event names them."""

from datetime import UTC, datetime
from typing import Any

from restore_watch.event.target_fields import read_target
from restore_watch.model.restore_status import RestoreStatus
from restore_watch.model.restore_target import RestoreKind, RestoreTarget
from restore_watch.table.open_job import OpenJob
from unit.scripted_atlas import GROUP, RESTORE

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def restore_id(number: int) -> str:
    return f"6b4a0f8000000000000{number:05x}"


def open_job(
    number: int = 1, group: str = GROUP, cluster: str = "orders", **fields: Any
) -> OpenJob:
    """A running Flex restore, first seen at noon and published, except for the given fields."""
    usual: dict[str, Any] = {
        "target": RestoreTarget(group, cluster, restore_id(number)),
        "kind": RestoreKind.FLEX,
        "status": RestoreStatus.RUNNING,
        "atlas_status": "RUNNING",
        "delivery_type": "RESTORE",
        "expiration_date": None,
        "scheduled_at": NOON,
        "first_observed_at": NOON,
        "observed_at": NOON,
        "sequence": 1,
        "published": 1,
    }
    return OpenJob(**usual | fields)


def ready_download(number: int = 1, **fields: Any) -> OpenJob:
    usual = {"status": RestoreStatus.COMPLETED, "delivery_type": "DOWNLOAD"}
    return open_job(number, **usual | fields)


def target(restore_id: str = RESTORE, **fields: object) -> RestoreTarget:
    named = {"groupId": GROUP, "clusterName": "orders", "restoreId": restore_id, "kind": "flex"}
    return read_target(named | fields)
