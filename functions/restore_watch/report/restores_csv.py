"""
restores.csv: a line for each restore of a period, for an auditor. Pure.

Restores come in the table's order, and are written in the order in which they began, so restores
that have ended give the same bytes each time.
"""

from collections.abc import Iterable

from restore_watch.model.status_change import utc_text
from restore_watch.report.csv_text import BYTE_ORDER_MARK, csv_line
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

type Place = tuple[str, str, str]
"""Where a restore stands in a file: when it began, its cluster, and its id."""


def place_of(evidence: RestoreEvidence) -> Place:
    """Return the place of a restore."""
    job = evidence.restore.job
    cluster = f"{job.group_id}/{job.cluster_name}"
    return utc_text(evidence.restore.began), cluster, job.restore_id


def line_of(evidence: RestoreEvidence) -> str:
    """Return the line of a restore."""
    verdict = evidence.verdict
    known = {
        **evidence.facts,
        "changes": len(evidence.changes),
        "published": sum(change["published"] for change in evidence.changes),
        "verdict": verdict.get("verdict"),
        "validatedBy": verdict.get("validatedBy"),
        "validatedAt": verdict.get("validatedAt") or verdict.get("observedAt"),
    }
    return csv_line(known[column] for column in COLUMNS)


def restores_csv(lines: Iterable[str]) -> str:
    """Return the file of these lines, which are in their places."""
    return "".join([BYTE_ORDER_MARK, csv_line(COLUMNS), *lines])
