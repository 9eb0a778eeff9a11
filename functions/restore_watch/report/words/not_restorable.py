"""Why a cluster could not be restored today: its backups, and its newest snapshot. Pure."""

from datetime import timedelta

from restore_watch.report.judging.cluster_state import JudgedCluster
from restore_watch.report.report import Report
from restore_watch.report.snapshot import Snapshot
from restore_watch.report.words.wording import day

OLDEST_SNAPSHOT = timedelta(days=2)
"""Without an RPO, the newest snapshot of a cluster may be this old."""


def not_restorable(report: Report, judged: JudgedCluster) -> str:
    """
    Return why the cluster could not be restored today as its owners expect; "" if it could.

    What Atlas does not say is no reason.
    """
    if not judged.state.needs_test:
        return ""
    if judged.cluster.has_backups is False:
        return "backups off"
    snapshot = report.coverage.snapshots.get(judged.cluster.key)
    if snapshot is None or snapshot.unread is not None:
        return ""
    return _not_usable(report, judged, snapshot)


def _not_usable(report: Report, judged: JudgedCluster, snapshot: Snapshot) -> str:
    if snapshot.taken_at is None:
        return "no snapshot"
    said = f"newest snapshot of {day(snapshot.taken_at)}"
    if snapshot.is_fallback:
        return f"{said} is a fallback, which may be inconsistent"
    oldest = report.objectives_of(judged.cluster).rpo or OLDEST_SNAPSHOT
    return said if report.read_at - snapshot.taken_at > oldest else ""
