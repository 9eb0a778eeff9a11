"""What a report reads of an entry in a list of clusters."""

from datetime import UTC, datetime
from typing import Any

import pytest

from restore_watch.model.restore_target import RestoreKind
from restore_watch.report.cluster import Cluster, read_cluster
from unit.report.reports import group

ID = "665f1b2c9d3e4a5b6c7d8e9f"
MADE_AT = datetime(2024, 6, 4, 9, 30, tzinfo=UTC)
ENTRY: dict[str, Any] = {
    "id": ID,
    "name": "ledger",
    "createDate": "2024-06-04T09:30:00Z",
    "tags": [{"key": "rto", "value": "4h"}],
}


@pytest.mark.parametrize(
    ("kind", "said", "fields"),
    [
        (
            RestoreKind.FLEX,
            {"backupSettings": {"enabled": True}, "backupEnabled": False, "paused": True},
            {"has_backups": True, "is_continuous": False, "is_paused": False},
        ),
        (
            RestoreKind.DEDICATED,
            {
                "clusterType": "SHARDED",
                "internalClusterRole": "SYSTEM_CLUSTER",
                "backupEnabled": True,
                "pitEnabled": True,
                "paused": True,
            },
            {
                "has_backups": True,
                "is_continuous": True,
                "is_paused": True,
                "is_sharded": True,
                "is_internal": True,
            },
        ),
    ],
    ids=["a flex one is never paused, without point in time", "a dedicated one says all of itself"],
)
def test_a_cluster_is_read_by_what_its_kind_says(
    kind: RestoreKind, said: dict[str, Any], fields: dict[str, Any]
) -> None:
    assert read_cluster(group(0), kind, ENTRY | said) == Cluster(
        group(0), "ledger", kind, id=ID, created_at=MADE_AT, tags={"rto": "4h"}, **fields
    )


@pytest.mark.parametrize("kind", [RestoreKind.FLEX, RestoreKind.DEDICATED])
def test_what_atlas_does_not_say_is_not_known(kind: RestoreKind) -> None:
    read = read_cluster(group(0), kind, {"name": "ledger", "id": ID})

    assert read.has_backups is None
    assert read.created_at == datetime(2024, 6, 4, 13, 48, 28, tzinfo=UTC)  # its id's
    assert (read.is_sharded, read.is_internal, read.is_free) == (False, False, False)
