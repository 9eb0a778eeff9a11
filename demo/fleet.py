"""The fleet of the demo's report: a year of restore tests, some of them missed."""

from datetime import datetime, timedelta
from random import Random
from typing import NamedTuple

from foundation.clock import utc_text
from local_stack.atlas import AtlasEmulator, EmulatedRestore, Kind
from local_stack.cluster_data import Held

LONG, RECORDED, WEEK = 395, 100, 6
"""Days: what the report shows, what the watch has seen, and the period before today."""

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


class Past(NamedTuple):
    """
    A cluster and its restore tests: the newest so many days ago, others so many days apart.

    `verdict`: what a pipeline says of the newest. It says PASSED of those before.
    """

    cluster: str
    kind: Kind = "dedicated"
    ago: int = LONG
    apart: int = 30
    verdict: str | None = None


FLEET = (
    Past("accounts", ago=1, apart=28, verdict="PASSED"),
    Past("archive"),
    Past("billing-production", ago=12, apart=30),
    Past("cards", ago=2, apart=30, verdict="FAILED"),
    Past("catalogue", ago=3, apart=14, verdict="PASSED"),
    Past("invoices-flex", "flex", ago=44, apart=60),
    Past("ledger", ago=1, apart=7, verdict="PASSED"),
    Past("orders-flex", "flex", ago=61, apart=90),
    Past("prices", ago=5, apart=45),
    Past("reports-flex", "flex", ago=20, apart=30),
    Past("sandbox"),
    Past("search", ago=134, apart=40),
    Past("stock-flex", "flex", ago=4, apart=21, verdict="PASSED"),
)

DATA = {
    "ledger": {"accounts": Held(412_000, 6, 19), "bookings": Held(9_730_000, 14, 52)},
    "prices": {
        "quotes": Held(2_480_000, 9, 31),
        "rates": Held(57_000, 3, 8),
        "shops": Held(800, 2, 5),
    },
}
"""What two clusters hold, so that their newest restores can be measured."""

LOST = {"prices": {"quotes": Held(1_240_000, 9, 30), "rates": None}}
"""What the target of a cluster's newest restore holds instead, None if the database is missing."""

OUTCOMES = {"ledger": "matches", "prices": "differs"}
"""What the measurements must say."""

STATES = {"failed": 2, "overdue": 1, "never": 1, "tested": 8, "exempt": 1}
"""What the report must say: `reports-flex` has failed in the demo."""


def furnish_fleet(atlas: AtlasEmulator, group_id: str) -> list[tuple[EmulatedRestore, str | None]]:
    """Give the project its clusters and their past. Return what the watch has seen of it."""
    atlas.add_project(group_id).name = "payments"
    random = Random(1)  # noqa: S311 - the same fleet each time
    seen = list[tuple[EmulatedRestore, str | None]]()
    for past in FLEET:
        cluster = atlas.add_cluster(group_id, past.cluster, past.kind)
        cluster.created = atlas.now() - 600 * DAY
        atlas.add_snapshot(group_id, past.cluster, age=5 * HOUR, kind=past.kind)
        if past.cluster == "sandbox":
            cluster.said["tags"] = [{"key": "restore-test", "value": "exempt:copied each night"}]
        for days in range(past.ago, LONG, past.apart):
            restore = _restore(atlas, group_id, past, atlas.now() - days * DAY, random)
            if days < RECORDED:
                older = past.verdict and "PASSED"
                seen.append((restore, past.verdict if days == past.ago else older))
    return seen


def furnish_data(atlas: AtlasEmulator, restore: EmulatedRestore) -> None:
    """Let source and target of a restore hold what Atlas counts, as of then and since then."""
    assert restore.finished is not None
    long_ago = restore.snapshot_at - 30 * DAY
    source = atlas.hold(restore.group_id, restore.cluster, DATA[restore.cluster], long_ago)
    target = atlas.hold(restore.target_group, restore.target_cluster, {})
    target.become(source, restore.snapshot_at, restore.finished)
    for name, held in LOST.get(restore.cluster, {}).items():
        if held is None:
            target.drop(name, restore.finished)
        else:
            target.hold(name, held, restore.finished)


def validation(restore: EmulatedRestore, verdict: str) -> dict[str, str]:
    """What a pipeline sends that has tested the data for half an hour."""
    assert restore.finished is not None
    tested = utc_text(restore.finished + HOUR / 2)
    said = {"verdict": verdict, "validatedBy": "smoke-tests", "validatedAt": tested}
    return {"action": "record-validation", **restore.event, **said}


def _restore(
    atlas: AtlasEmulator, group_id: str, past: Past, day: datetime, random: Random
) -> EmulatedRestore:
    """A restore that has ended."""
    began = day - random.uniform(0, 5) * HOUR
    restore = atlas.start_restore(
        *(group_id, past.cluster, past.kind),
        target_cluster=f"{past.cluster}-drill",
        at=began,
        snapshot_age=random.triangular(0.5, 28, 4) * HOUR,
    )
    restore.run_to_end_at(began + random.triangular(10, 75, 35) * MINUTE)
    return restore
