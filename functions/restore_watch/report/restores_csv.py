"""
restores.csv: a line for each restore of a period, for an auditor. Pure.

Restores are written in the order in which they began, so restores that have ended give the same
bytes each time.
"""

from collections.abc import Iterable

from restore_watch.report.csv_text import csv_file, csv_line
from restore_watch.report.restore_evidence import RestoreEvidence

# In the groups of the table in docs/report.md.
COLUMNS = (
    *("groupId", "clusterName"),
    *("restoreId", "kind", "deliveryType"),
    *("snapshotId", "snapshotFinishedDate"),
    *("targetProjectId", "targetDeploymentItemName"),
    *("restoreScheduledDate", "restoreFinishedDate"),
    *("durationSeconds", "rtoMet"),
    *("snapshotAgeSeconds", "rpoMet"),
    *("outcome", "atlasStatus"),
    *("firstObservedAt", "observedAt", "missingSince"),
    *("changes", "published"),
    *("verdict", "validatedBy", "validatedAt"),
)


def line_of(evidence: RestoreEvidence) -> str:
    """Return the line of a restore."""
    recorded, verdict = evidence.recorded, evidence.verdict
    known = {
        **evidence.facts,
        "changes": len(recorded.changes),
        "published": sum(one.sequence <= recorded.published for one in recorded.changes),
        "verdict": verdict.get("verdict"),
        "validatedBy": verdict.get("validatedBy"),
        "validatedAt": verdict.get("validatedAt") or verdict.get("observedAt"),
    }
    return csv_line(known[column] for column in COLUMNS)


def restores_csv(lines: Iterable[str]) -> str:
    """Return the file of these lines, which are in their places."""
    return csv_file(COLUMNS, lines)
