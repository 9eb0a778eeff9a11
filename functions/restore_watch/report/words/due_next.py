"""
The clusters whose restore test is due next, and the command that starts one. Pure.

The flags are those of the Atlas CLI:
https://www.mongodb.com/docs/atlas/cli/current/command/atlas-backups-restores-start/
"""

from datetime import datetime
from heapq import nsmallest
from typing import NamedTuple

from restore_watch.model.forms_of_fields import is_cluster_name, is_object_id
from restore_watch.model.restore_target import ClusterKey
from restore_watch.report.judging.cluster_state import Judged
from restore_watch.report.period import LONG_AGO
from restore_watch.report.report import Report
from restore_watch.report.snapshot import Snapshot
from restore_watch.report.words.wording import day

SHOWN = 5
"""Clusters that a report names: what a team can do until the next one."""

TARGET = "--targetProjectId YOUR TEST PROJECT --targetClusterName YOUR TEST CLUSTER"
"""
The target of the command, to be replaced: a restore deletes the data of its target.

The Atlas CLI takes one argument beside its flags. Unless both targets are replaced, their other
words are further arguments, and the CLI refuses the command before it asks Atlas.
"""


class Due(NamedTuple):
    """
    A cluster whose test is due `at` this moment, in UTC, which may be over.

    `why`: why it is due, in words. `took`: seconds that its last completed restore took.
    `snapshot_id`, `snapshot_bytes`: of its newest snapshot. `is_fallback`: whether that may contain
    inconsistent data. `command`: starts a restore of it. None stands for what is not known.
    `no_command`: why there is no command, "" if there is one.
    """

    judged: Judged
    at: datetime | None
    why: str
    took: float | None
    snapshot_id: str | None
    snapshot_bytes: int | None
    is_fallback: bool
    command: str | None
    no_command: str


def due_next(report: Report) -> list[Due]:
    """
    Return the clusters whose test is due first.

    What failed is due since then, any other test when its window is over, and without a test, since
    the window after the cluster was made. A cluster without backups cannot be restored, and of one
    whose restores cannot be read, nobody knows.
    """

    def place(judged: Judged) -> tuple[datetime, ClusterKey]:
        return _due_at(report, judged) or LONG_AGO, judged.cluster.key

    testable = [judged for judged in report.coverage.required if _can_be_tested(judged)]
    return [_due(report, judged) for judged in nsmallest(SHOWN, testable, place)]


def _can_be_tested(judged: Judged) -> bool:
    return judged.unread is None and judged.cluster.has_backups is not False


def _due(report: Report, judged: Judged) -> Due:
    at = _due_at(report, judged)
    snapshot = report.coverage.snapshots.get(judged.cluster.key)
    snapshot_id = snapshot.id if snapshot is not None else None
    no_command = _why_no_command(judged, snapshot)
    return Due(
        judged=judged,
        at=at,
        why=_why(report, judged, at),
        took=_took(judged),
        snapshot_id=snapshot_id,
        snapshot_bytes=snapshot.size if snapshot is not None else None,
        is_fallback=snapshot is not None and snapshot.is_fallback,
        command=None if no_command else _command(judged, snapshot_id),
        no_command=no_command,
    )


def _due_at(report: Report, judged: Judged) -> datetime | None:
    """Return when the test is due, None if Atlas does not say when the cluster was made."""
    if judged.failed is not None:
        return judged.failed.attempted_at
    begins = judged.good.ended_at if judged.good is not None else judged.cluster.created_at
    return begins + report.policy.window_of(judged.cluster) if begins is not None else None


def _why(report: Report, judged: Judged, at: datetime | None) -> str:
    if at is None or (judged.failed is None and judged.good is None):
        return "never tested"
    if judged.failed is not None:
        return f"failed on {day(at)}"
    return f"{'runs' if at >= report.at else 'ran'} out on {day(at)}"


def _took(judged: Judged) -> float | None:
    """Return how long the newest restore took that ended well."""
    for restore in reversed(judged.restores):
        if restore.is_whole and restore.rung is not None and restore.took is not None:
            return restore.took
    return None


def _why_no_command(judged: Judged, snapshot: Snapshot | None) -> str:
    """Return why there can be no command, "" if there can: its values have Atlas's own forms."""
    if snapshot is not None and snapshot.unread is not None:
        return "the newest snapshot could not be read"
    if snapshot is None or snapshot.taken_at is None:
        return "Atlas names no newest snapshot"
    if snapshot.id is None or not is_object_id(snapshot.id):
        return "Atlas names no id of the newest snapshot"
    group_id, name = judged.cluster.key
    if not (is_object_id(group_id) and is_cluster_name(name)):
        return "the cluster has a name of an unknown form"
    return ""


def _command(judged: Judged, snapshot_id: str | None) -> str:
    group_id, name = judged.cluster.key
    return (
        f"atlas backups restores start automated --projectId {group_id} --clusterName {name} "
        f"--snapshotId {snapshot_id} {TARGET}"
    )
