"""The restores that the table has: all of them, and everything about those of a period."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from restore_watch.redaction import redact
from restore_watch.report.period import Period
from restore_watch.report.restore_evidence import (
    Objectives,
    RestoreEvidence,
    UnreadableItemError,
    evidence_of,
    is_restore,
    read_restore,
)
from restore_watch.report.restore_test import Restore
from restore_watch.report.restores_csv import place_of


@dataclass
class StoredRestores:
    """
    The restores of the table, and the `evidence` of those that began in the period.

    `unreadable`: keys of items that this version cannot read. `watched_since`: the first
    observation, in UTC.
    """

    restores: list[Restore] = field(default_factory=list)
    evidence: list[RestoreEvidence] = field(default_factory=list)
    unreadable: list[Mapping[str, str]] = field(default_factory=list)
    watched_since: datetime | None = None


def read_stored(
    items: Iterable[Mapping[str, Any]], period: Period, objectives: Objectives, now: datetime
) -> StoredRestores:
    """Read the items of the table, in DynamoDB's types. It has items of the bookkeeping too."""
    read = StoredRestores()
    for item in filter(is_restore, items):
        try:
            stored = read_restore(item)
        except UnreadableItemError:
            key = {name: redact(item[name]["S"]) for name in ("cluster", "restoreId")}
            read.unreadable.append(key)
            continue
        read.restores.append(stored.restore)
        seen = stored.recorded.changes[0].observed_at
        read.watched_since = min(read.watched_since or seen, seen)
        if period.includes(stored.restore.began):
            read.evidence.append(evidence_of(stored, objectives, now))
    # A table returns its items in any order.
    read.unreadable.sort(key=lambda key: tuple(key.values()))
    read.evidence.sort(key=place_of)
    return read
