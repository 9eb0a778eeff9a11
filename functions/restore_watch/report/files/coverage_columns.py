"""The facts of a cluster by their public names, which coverage.csv and report.json share. Pure."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from foundation.clock import utc_text
from restore_watch.report.cluster import Cluster
from restore_watch.report.files.measurement_columns import MEASUREMENT_COLUMNS, measurement_cells
from restore_watch.report.judging.cluster_state import JudgedCluster
from restore_watch.report.report import Report
from restore_watch.report.words.cluster_remarks import remarks
from restore_watch.report.words.why_in_this_state import why

COLUMNS = (
    "groupId",
    "projectName",
    "clusterName",
    "clusterId",
    "kind",
    "createdAt",
    "state",
    "why",
    "remarks",
    "rung",
    "lastTestAt",
    "days",
    "restoreId",
    "durationSeconds",
    "rtoMet",
    "snapshotAgeSeconds",
    "rpoMet",
    "failedRestoreId",
    "lastAttemptId",
    "lastAttemptAt",
    "lastAttempt",
    "lastAttemptVerdict",
    "newestSnapshotAt",
    "backups",
    "pointInTime",
    "paused",
    "unread",
    "unreadSince",
    "fix",
    "decidedBy",
    "restoredTo",
    "targetProjectId",
    "targetDeploymentItemName",
    "snapshotId",
    "verdict",
    "detail",
    "validatedBy",
    "validatedAt",
    "verdictSeconds",
    "newestSnapshotId",
    "newestSnapshotBytes",
    "tags",
    "rtoSeconds",
    "rpoSeconds",
    "windowDays",
    *MEASUREMENT_COLUMNS,
    "lastAttemptMeasurement",
)
"""The names of the facts, in the order of the columns of coverage.csv."""

TAGS_LIMIT = 500
"""Characters of all tags of a cluster: a cell is to be read."""

_WITH_MEANING = re.compile(r"[\\;=]")
"""Signs that separate tags, and keys from values."""


def cluster_facts(report: Report, judged: JudgedCluster) -> dict[str, Any]:
    """Return what is known of a cluster. None stands for what is not known."""
    cluster = judged.cluster
    facts: dict[str, Any] = dict.fromkeys(COLUMNS)
    facts |= {
        "groupId": cluster.group_id,
        "projectName": report.coverage.project_names.get(cluster.group_id),
        "clusterName": cluster.name,
        "clusterId": cluster.id,
        "kind": cluster.kind,
        "createdAt": _text(cluster.created_at),
        "state": judged.state,
        "why": why(report, judged) or None,
        "remarks": "; ".join(remarks(report, judged)) or None,
        "backups": cluster.has_backups,
        "pointInTime": cluster.is_continuous,
        "paused": cluster.is_paused,
    }
    facts |= _last_test(report, judged)
    if judged.failed is not None:
        facts["failedRestoreId"] = judged.failed.job.restore_id
    facts |= _last_attempt(judged)
    facts |= _decided_by(judged)
    snapshot = report.coverage.snapshots.get(cluster.key)
    if snapshot is not None:
        facts["newestSnapshotAt"] = _text(snapshot.taken_at)
        facts["newestSnapshotId"] = snapshot.id
        facts["newestSnapshotBytes"] = snapshot.size
    unread = report.coverage.not_read(judged)
    if unread is not None:
        facts["unread"] = unread.problem
        facts["unreadSince"] = _text(unread.since)
        facts["fix"] = unread.fix
    facts |= _choices(report, cluster)
    return facts


def _choices(report: Report, cluster: Cluster) -> Mapping[str, Any]:
    """Return the tags, and by which objectives and which window the cluster is judged."""
    objectives = report.objectives_of(cluster)
    return {
        "tags": _tags(cluster) or None,
        "rtoSeconds": _seconds(objectives.rto),
        "rpoSeconds": _seconds(objectives.rpo),
        "windowDays": report.policy.window_of(cluster).days,
    }


def _tags(cluster: Cluster) -> str:
    """Return the tags by key. A sign of one that has a meaning here stands behind a backslash."""
    tags: list[str] = []
    for pair in sorted(cluster.tags.items()):
        key, value = (_WITH_MEANING.sub(r"\\\g<0>", text) for text in pair)
        tags.append(f"{key}={value}")
    text = "; ".join(tags)
    return text if len(text) <= TAGS_LIMIT else f"{text[: TAGS_LIMIT - 1]}…"


def _last_test(report: Report, judged: JudgedCluster) -> Mapping[str, Any]:
    good, objectives = judged.good, report.objectives_of(judged.cluster)
    if good is None:
        return {}
    return {
        "rung": good.rung,
        "lastTestAt": _text(good.ended_at),
        "days": judged.days(report.at),
        "restoreId": good.job.restore_id,
        "durationSeconds": good.took,
        "rtoMet": objectives.completed_in_time(good.job, good.began),
        "snapshotAgeSeconds": good.job.snapshot_age_seconds,
        "rpoMet": objectives.rpo_met(good.job),
    }


def _last_attempt(judged: JudgedCluster) -> Mapping[str, Any]:
    last = judged.last_attempt
    if last is None:
        return {}
    return {
        "lastAttemptId": last.job.restore_id,
        "lastAttemptAt": _text(last.attempted_at),
        "lastAttempt": last.outcome,
        "lastAttemptVerdict": last.verdict,
        "lastAttemptMeasurement": last.measured.measurement.outcome if last.measured else None,
    }


def _decided_by(judged: JudgedCluster) -> Mapping[str, Any]:
    """Return the facts of the restore that the state rests on."""
    decides = judged.decides
    if decides is None:
        return {}
    job = decides.job
    facts: dict[str, Any] = {
        "decidedBy": job.restore_id,
        "restoredTo": decides.destination,
        "targetProjectId": job.target_project_id,
        "targetDeploymentItemName": job.target_deployment_item_name,
        "snapshotId": job.snapshot_id,
        "verdictSeconds": decides.seconds_to_verdict,
        **measurement_cells(decides),
    }
    newest = decides.newest_verdict
    if newest is not None:
        facts["verdict"] = newest.verdict
        facts["detail"] = newest.detail
        facts["validatedBy"] = newest.validated_by
        facts["validatedAt"] = _text(newest.at)
    return facts


def _seconds(objective: timedelta | None) -> int | None:
    return round(objective.total_seconds()) if objective else None


def _text(moment: datetime | None) -> str | None:
    return utc_text(moment) if moment else None
