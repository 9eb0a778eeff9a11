"""
restores.csv: a line for each restore of a period, for an auditor. Pure.

Restores are written in the order in which they began, so restores that have ended give the same
bytes each time. A spreadsheet shows the cells as they are.
"""

import csv
import io
import re
from collections.abc import Iterable

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

# A spreadsheet takes a cell for a formula that begins with one of these, in wide forms too: OWASP,
# CSV Injection. Where numbers have a decimal comma, a semicolon begins the next cell.
_FORMULA = re.compile(r"""(^|;)(?=[\s"']*[=+\-@\uff1d\uff0b\uff0d\uff20])""")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


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


def csv_file(columns: Iterable[str], lines: Iterable[str]) -> str:
    """Return a file. Without a byte order mark, Excel reads it in the code page of Windows."""
    return "".join(["\ufeff", csv_line(columns), *lines])


def csv_line(cells: Iterable[object]) -> str:
    """Return the line of these cells."""
    buffer = io.StringIO()
    csv.writer(buffer).writerow(map(_cell, cells))
    return buffer.getvalue()


def _cell(value: object) -> str:
    """The text of a cell: empty for None, and no formula."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    text = _CONTROLS.sub(" ", str(value))
    return _FORMULA.sub(r"\1'", text)
