"""Reads the restores of the table. Pure."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from operator import attrgetter
from typing import Any, Self

from foundation.outside import utc_date
from restore_watch.errors import TableUnavailableError
from restore_watch.model.forms_of_fields import id_made_at, is_object_id
from restore_watch.model.history_entry import RecordedMeasurement, RecordedValidation
from restore_watch.redaction import redact
from restore_watch.report.period import Period
from restore_watch.report.restores.restore_evidence import (
    RestoreEvidence,
    redacted_validation,
    test_order,
    tested_at,
)
from restore_watch.report.restores.what_a_restore_proves import (
    DatedMeasurement,
    DatedVerdict,
    Restore,
)
from restore_watch.table.job_item import Recorded, key_of, read_item, target_of


class UnreadableItemError(Exception):
    """The item is in a form that this version cannot read."""


@dataclass
class StoredRestores:
    """
    The restores of the table, and the evidence about those that began in the period.

    `unreadable`: the keys of items that cannot be read. `watched_since`: the first observation in
    the table.
    """

    restores: list[Restore] = field(default_factory=list)
    of_period: list[RestoreEvidence] = field(default_factory=list)
    unreadable: list[Mapping[str, str]] = field(default_factory=list)
    watched_since: datetime | None = None

    def as_merged(self, restores: Iterable[Restore]) -> Self:
        """Return it with the restores of the period as they are in these, merged with a list."""
        by_identity = {restore.identity: restore for restore in restores}
        of_period = [
            replace(evidence, restore=by_identity.get(evidence.restore.identity, evidence.restore))
            for evidence in self.of_period
        ]
        return replace(self, of_period=sorted(of_period, key=attrgetter("place")))

    def without_old_unreadable(self, since: Callable[[str, str], datetime]) -> Self:
        """
        Return it without the unreadable items that make no difference to the report.

        `since`: from when on a restore may make one, by its project and its cluster's name.
        """
        unreadable: list[Mapping[str, str]] = []
        for key in self.unreadable:
            group_id, _, name = key["cluster"].partition("/")
            if _may_be_since(key["restoreId"], since(group_id, name)):
                unreadable.append(key)
        return replace(self, unreadable=unreadable)


def read_stored_restores(
    items: Iterable[Mapping[str, Any]], period: Period, now: datetime
) -> StoredRestores:
    """Read the items of the table, in DynamoDB's types. It has items of the bookkeeping too."""
    stored = StoredRestores()
    for item in items:
        if not _is_restore(item):
            continue
        try:
            evidence = read_evidence(item, now)
        except UnreadableItemError:
            stored.unreadable.append(_shown_key(item))
            continue
        stored.restores.append(evidence.restore)
        first_seen = evidence.recorded.changes[0].observed_at
        stored.watched_since = min(stored.watched_since or first_seen, first_seen)
        if period.includes(evidence.restore.began):
            stored.of_period.append(evidence)
    # A table returns its items in any order.
    stored.unreadable.sort(key=lambda key: tuple(key.values()))
    stored.of_period.sort(key=attrgetter("place"))
    return stored


def _is_restore(item: Mapping[str, Any]) -> bool:
    """Whether this is a restore. The partition key of bookkeeping has no slash."""
    return "/" in item["cluster"]["S"]


def read_evidence(item: Mapping[str, Any], now: datetime) -> RestoreEvidence:
    """Read an item, in DynamoDB's types. Raises UnreadableItemError."""
    try:
        target = target_of(item)
        recorded = read_item(item)
        scheduled = item.get("restoreScheduledDate")
        began = utc_date(scheduled["S"]) if scheduled else target.created_at
        missing_since = utc_date(item["missingSince"]["S"]) if "missingSince" in item else None
    except (TableUnavailableError, LookupError, TypeError, ValueError):
        raise UnreadableItemError from None
    if any(key_of(entry.job) != key_of(target) for entry in recorded.history):
        raise UnreadableItemError
    restore = _restore(recorded, began, will_show_its_end="openShard" in item)
    return RestoreEvidence(restore, recorded, missing_since, now)


def _restore(recorded: Recorded, began: datetime, *, will_show_its_end: bool) -> Restore:
    last = recorded.changes[-1]
    end_if_undated = last.observed_at
    # A restore that had ended when it was first seen may have ended long ago.
    is_over = last.job.terminal and not last.job.is_ready_download
    if is_over and last is recorded.changes[0]:
        end_if_undated = began
    verdicts = tuple(map(_verdict, sorted(recorded.validations, key=test_order)))
    return Restore(
        last.job,
        began,
        end_if_undated,
        verdicts=verdicts,
        measured=_measured(recorded.measurement),
        will_show_its_end=will_show_its_end,
    )


def _verdict(entry: RecordedValidation) -> DatedVerdict:
    said = redacted_validation(entry)
    return DatedVerdict(
        at=tested_at(entry),
        verdict=entry.validation.verdict,
        detail=said["detail"],
        validated_by=said["validatedBy"],
        arrived_at=entry.observed_at,
    )


def _measured(entry: RecordedMeasurement | None) -> DatedMeasurement | None:
    if entry is None:
        return None
    return DatedMeasurement(entry.measurement.measured_at or entry.observed_at, entry.measurement)


def _may_be_since(restore_id: str, since: datetime) -> bool:
    """Whether an item that cannot be read may be of a restore since then, by its id."""
    return not is_object_id(restore_id) or id_made_at(restore_id) >= since


def _shown_key(item: Mapping[str, Any]) -> dict[str, str]:
    """Return the key of an item that cannot be read. It may hold anything."""
    return {name: redact(item[name]["S"]) for name in ("cluster", "restoreId")}
