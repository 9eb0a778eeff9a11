"""The columns of both CSV files about the measurement of a restore. Pure."""

from collections.abc import Mapping
from typing import Any

from foundation.clock import utc_text
from restore_watch.model.measurement import Count, Outcome
from restore_watch.report.restores.what_a_restore_proves import Restore
from restore_watch.report.words.measurement_line import measurement_line

MEASUREMENT_COLUMNS = (
    "measurementOutcome",
    "measured",
    "measuredAt",
    "databasesFound",
    "databasesExpected",
    "documentsFound",
    "documentsExpected",
    "collectionsFound",
    "collectionsExpected",
    "indexesFound",
    "indexesExpected",
)


def measurement_cells(restore: Restore) -> dict[str, Any]:
    """Return the cells by column. None stands for what was not counted."""
    cells: dict[str, Any] = dict.fromkeys(MEASUREMENT_COLUMNS)
    if restore.measured is None:
        return cells
    measurement = restore.measured.measurement
    cells["measurementOutcome"] = measurement.outcome
    cells["measured"] = str(measurement_line(restore))
    if measurement.outcome is Outcome.NOT_MEASURED:
        return cells
    counted_at = measurement.measured_at
    return cells | {
        "measuredAt": utc_text(counted_at) if counted_at else None,
        **_found_and_expected("databases", measurement.databases),
        **_found_and_expected("documents", measurement.documents),
        **_found_and_expected("collections", measurement.collections),
        **_found_and_expected("indexes", measurement.indexes),
    }


def _found_and_expected(things: str, counted: Count | None) -> Mapping[str, int]:
    if counted is None:
        return {}
    return {f"{things}Found": counted.found, f"{things}Expected": counted.expected}
