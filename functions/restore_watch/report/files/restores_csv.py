"""
restores.csv: a line for each restore of a period, for an auditor. Pure.

Restores are written in the order in which they began, so restores that have ended give the same
bytes each time.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from restore_watch.report.files.csv_text import csv_file, csv_line
from restore_watch.report.files.measurement_columns import MEASUREMENT_COLUMNS, measurement_cells
from restore_watch.report.restores.restore_evidence import RestoreEvidence

COLUMNS = (
    "groupId",
    "clusterName",
    "restoreId",
    "kind",
    "deliveryType",
    "snapshotId",
    "snapshotFinishedDate",
    "targetProjectId",
    "targetDeploymentItemName",
    "restoreScheduledDate",
    "restoreFinishedDate",
    "durationSeconds",
    "rtoMet",
    "snapshotAgeSeconds",
    "rpoMet",
    "outcome",
    "atlasStatus",
    "firstObservedAt",
    "observedAt",
    "missingSince",
    "changes",
    "published",
    "verdict",
    "validatedBy",
    "validatedAt",
    "detail",
    "verdictSeconds",
    "restoredTo",
    *MEASUREMENT_COLUMNS,
)
"""As in the table in docs/report.md."""


def line_of_restore(evidence: RestoreEvidence, facts: Mapping[str, Any]) -> str:
    """Return the line of a restore with these facts, judged by the objectives of its cluster."""
    recorded, newest = evidence.recorded, evidence.newest_validation
    published = [change for change in recorded.changes if recorded.has_published(change)]
    known = {
        **facts,
        "changes": len(recorded.changes),
        "published": len(published),
        "verdict": newest.get("verdict"),
        "validatedBy": newest.get("validatedBy"),
        "validatedAt": newest.get("validatedAt") or newest.get("observedAt"),
        "detail": newest.get("detail"),
        **measurement_cells(evidence.restore),
    }
    return csv_line(known[column] for column in COLUMNS)


def restores_csv(lines: Iterable[str]) -> str:
    """Return the file of these lines, which are in their places."""
    return csv_file(COLUMNS, lines)
