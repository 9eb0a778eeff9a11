"""coverage.csv: a line for each cluster, with its state and what the state rests on. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from restore_watch.model.status_change import utc_text
from restore_watch.report.cluster_state import Judged
from restore_watch.report.report import Report
from restore_watch.report.restores_csv import csv_file, csv_line
from restore_watch.report.words import why

COLUMNS = (
    *("groupId", "projectName", "clusterName", "clusterId", "kind", "createdAt"),
    *("state", "why", "rung", "lastTestAt", "days", "restoreId"),
    *("durationSeconds", "rtoMet", "snapshotAgeSeconds", "rpoMet"),
    *("lastAttemptAt", "lastAttempt", "lastAttemptVerdict"),
    *("newestSnapshotAt", "backups", "pointInTime", "paused"),
    *("unread", "unreadSince", "fix"),
)


def coverage_csv(report: Report) -> str:
    """Return the file, with the worst clusters first; only its head if no project is watched."""
    lines = (csv_line(cluster_facts(report, one).values()) for one in report.in_order)
    return csv_file(COLUMNS, lines)


def cluster_facts(report: Report, judged: Judged) -> Mapping[str, Any]:
    """Return what is known of a cluster, by the names of COLUMNS."""
    cluster, good = judged.cluster, judged.good
    attempts = [one for one in judged.restores if one.is_whole]
    attempt = max(attempts, key=lambda one: one.failed_at or one.ended_at, default=None)
    snapshot = report.snapshots.get(cluster.key)
    unread = judged.unread or (snapshot and snapshot.unread)
    known = {
        "groupId": cluster.group_id,
        "projectName": report.project_names.get(cluster.group_id),
        "clusterName": cluster.name,
        "clusterId": cluster.id,
        "kind": cluster.kind,
        "createdAt": cluster.created_at,
        "state": judged.state,
        "why": why(report, judged) or None,
        "rung": good and good.rung,
        "lastTestAt": good and good.ended_at,
        "days": judged.days(report.at),
        "restoreId": good and good.job.restore_id,
        "durationSeconds": good and good.job.duration_seconds,
        "rtoMet": good and report.rto_met(good),
        "snapshotAgeSeconds": good and good.job.snapshot_age_seconds,
        "rpoMet": good and report.objectives.rpo_met(good.job),
        "lastAttemptAt": attempt and (attempt.failed_at or attempt.ended_at),
        "lastAttempt": attempt and attempt.outcome,
        "lastAttemptVerdict": attempt and attempt.verdict,
        "newestSnapshotAt": snapshot and snapshot.taken_at,
        "backups": cluster.has_backups,
        "pointInTime": cluster.is_continuous,
        "paused": cluster.is_paused,
        "unread": unread and unread.problem,
        "unreadSince": unread and unread.since,
        "fix": unread and unread.fix,
    }
    return {
        name: utc_text(value) if isinstance(value, datetime) else value
        for name, value in known.items()
    }
