"""coverage.csv: a line for each cluster, with its state and what the state rests on. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from restore_watch.model.status_change import utc_text
from restore_watch.report.cluster_state import Judged
from restore_watch.report.csv_text import csv_file, csv_line
from restore_watch.report.report import Report
from restore_watch.report.words import why

# In the groups of `cluster_facts`.
COLUMNS = (
    *("groupId", "projectName"),
    *("clusterName", "clusterId", "kind", "createdAt"),
    *("state", "why"),
    *("rung", "lastTestAt", "days", "restoreId"),
    *("durationSeconds", "rtoMet"),
    *("snapshotAgeSeconds", "rpoMet"),
    *("lastAttemptAt", "lastAttempt", "lastAttemptVerdict"),
    *("newestSnapshotAt", "backups"),
    *("pointInTime", "paused"),
    *("unread", "unreadSince", "fix"),
)


def coverage_csv(report: Report) -> str:
    """Return the file, with the worst clusters first; only its head if no project is watched."""
    lines = (csv_line(cluster_facts(report, one).values()) for one in report.in_order)
    return csv_file(COLUMNS, lines)


def cluster_facts(report: Report, judged: Judged) -> Mapping[str, Any]:
    """Return what is known of a cluster, by the names of COLUMNS."""
    cluster, good, days = judged.cluster, judged.good, judged.days(report.at)
    job, group_id = good and good.job, cluster.group_id
    attempts = [one for one in judged.restores if one.is_whole]
    last = max(attempts, key=lambda one: one.failed_at or one.ended_at, default=None)
    snapshot = report.snapshots.get(cluster.key)
    unread = judged.unread or (snapshot and snapshot.unread)
    values = (
        *(group_id, report.project_names.get(group_id)),
        *(cluster.name, cluster.id, cluster.kind, cluster.created_at),
        *(judged.state, why(report, judged) or None),
        *(good and good.rung, good and good.ended_at, days, job and job.restore_id),
        *(job and job.duration_seconds, good and report.rto_met(good)),
        *(job and job.snapshot_age_seconds, job and report.objectives.rpo_met(job)),
        *((last.failed_at or last.ended_at, last.outcome, last.verdict) if last else [None] * 3),
        *(snapshot and snapshot.taken_at, cluster.has_backups),
        *(cluster.is_continuous, cluster.is_paused),
        *((unread.problem, unread.since, unread.fix) if unread else [None] * 3),
    )
    return {
        name: utc_text(value) if isinstance(value, datetime) else value
        for name, value in zip(COLUMNS, values, strict=True)
    }
