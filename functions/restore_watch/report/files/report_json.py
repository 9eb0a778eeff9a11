"""report.json: everything that the report knows, for programs. Pure."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from foundation.clock import utc_text
from restore_watch.report.files.coverage_columns import cluster_facts
from restore_watch.report.judging.cluster_state import JudgedCluster
from restore_watch.report.report import JudgedRestore, Report, median_seconds
from restore_watch.report.words.due_next import Due, due_next
from restore_watch.report.words.headline import concerns, headline
from restore_watch.report.words.limits import limits
from restore_watch.report.words.measurement_line import measurement_line


def report_json(report: Report, files: Mapping[str, bytes]) -> str:
    """Return the file. `files`: the others by name, of which it has the SHA-256."""
    coverage, tag = report.coverage, report.policy.required_tag
    said = concerns(report)
    states, clusters = None, None
    if coverage.is_configured:
        states = coverage.states
        clusters = [_cluster(report, judged) for judged in coverage.in_order]
    whole = {
        "headline": headline(report),
        "needsAttention": bool(said),
        "concerns": said,
        "version": report.origin.version,
        "account": report.origin.account,
        "region": report.origin.region,
        "stack": report.origin.stack,
        "period": {"from": report.period.first, "to": report.period.last},
        "askedAt": report.asked_at,
        "readAt": report.read_at,
        "statesHoldAt": report.at,
        "watchedSince": report.stored.watched_since,
        "restoreTestCounts": report.policy.counts,
        "restoreTestDays": report.policy.window.days,
        "restoreTestTag": "=".join(tag) if tag else None,
        "rtoSeconds": report.objectives.rto,
        "rpoSeconds": report.objectives.rpo,
        "medianSeconds": median_seconds(report.restores_of_period),
        "counts": {"restores": report.outcomes, "clusters": states},
        "clusters": clusters,
        "restores": [_restore(judged) for judged in report.judged_restores],
        "dueNext": [_due(due) for due in due_next(report)],
        "unwatchedProjects": _unwatched_projects(report),
        "unreadProjects": _unread_projects(report),
        "unreadableItems": report.stored.unreadable,
        "degraded": report.degraded,
        "credentialsExpireAt": report.credentials_expire_at,
        "missingInMonth": report.missing_in_month,
        "limits": list(map(str, limits(report))),
        "files": {name: _sum(content) for name, content in files.items()},
    }
    return json.dumps(whole, indent=2, default=_plain) + "\n"


def _cluster(report: Report, judged: JudgedCluster) -> Mapping[str, Any]:
    """Return a cluster with the measurement of the restore that its state rests on."""
    measured = judged.decides.measured if judged.decides else None
    measurement = measured.measurement.as_json() if measured else None
    return {**cluster_facts(report, judged), "measurement": measurement}


def _restore(judged: JudgedRestore) -> Mapping[str, Any]:
    """Return a restore with every verdict on it, the oldest test first, and its measurement."""
    evidence = judged.evidence
    line = measurement_line(evidence.restore)
    return {
        **judged.facts,
        "validations": evidence.validations,
        "measured": str(line) if line else None,
        "measurement": evidence.measurement,
    }


def _due(due: Due) -> Mapping[str, Any]:
    group_id, cluster_name = due.judged.cluster.key
    return {
        "groupId": group_id,
        "clusterName": cluster_name,
        "dueAt": due.at,
        "why": due.why,
        "lastDurationSeconds": due.took,
        "newestSnapshotId": due.snapshot_id,
        "newestSnapshotBytes": due.snapshot_bytes,
        "newestSnapshotIsFallback": due.is_fallback,
        "command": due.command,
    }


def _unwatched_projects(report: Report) -> Mapping[str, str | None] | None:
    coverage = report.coverage
    if coverage.unwatched_projects is None:
        return None
    return {key: coverage.project_names.get(key) for key in coverage.unwatched_projects}


def _unread_projects(report: Report) -> Mapping[str, Any]:
    return {
        group_id: {"problem": unread.problem, "fix": unread.fix, "since": unread.since}
        for group_id, unread in report.coverage.unread_projects.items()
    }


def _sum(content: bytes) -> Mapping[str, str]:
    return {"sha256": hashlib.sha256(content).hexdigest()}


def _plain(value: object) -> object:
    if isinstance(value, timedelta):
        return value.total_seconds()
    return utc_text(value) if isinstance(value, datetime) else str(value)
