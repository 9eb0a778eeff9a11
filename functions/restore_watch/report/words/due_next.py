"""
The clusters whose restore test is due next, and the command that starts one. Pure.

The flags are those of the Atlas CLI:
https://www.mongodb.com/docs/atlas/cli/current/command/atlas-backups-restores-start/
"""

from datetime import UTC, datetime
from typing import NamedTuple

from restore_watch.model.fields import is_cluster_name, is_object_id
from restore_watch.report.judging.cluster_state import Judged
from restore_watch.report.report import Report
from restore_watch.report.words.wording import day

SHOWN = 5
"""Clusters that a report names: what a team can do until the next one."""

TARGET = "--targetProjectId YOUR TEST PROJECT --targetClusterName YOUR TEST CLUSTER"
"""
The target of the command, to be replaced: a restore deletes the data of its target.

The Atlas CLI takes one argument beside its flags. Unless both targets are replaced, their other
words are further arguments, and the CLI refuses the command before it asks Atlas.
"""

_LONG_AGO = datetime.min.replace(tzinfo=UTC)
"""Before any moment."""


class Due(NamedTuple):
    """
    A cluster whose test is due `at` this moment, in UTC, which may be over.

    `why`: why it is due, in words. `took`: seconds that its last completed restore took.
    `snapshot_id`, `snapshot_bytes`: of its newest snapshot. `command`: starts a restore of it. None
    stands for what is not known.
    """

    judged: Judged
    at: datetime | None
    why: str
    took: float | None
    snapshot_id: str | None
    snapshot_bytes: int | None
    command: str | None


def due_next(report: Report) -> list[Due]:
    """
    Return the clusters whose test is due first.

    What failed is due since then, any other test when its window is over, and without a test, since
    the window after the cluster was made. A cluster without backups cannot be restored, and of one
    whose restores cannot be read, nobody knows.
    """
    due = [_due(report, judged) for judged in report.coverage.required if _can_be_tested(judged)]
    return sorted(due, key=_place)[:SHOWN]


def _can_be_tested(judged: Judged) -> bool:
    return judged.unread is None and judged.cluster.has_backups is not False


def _place(due: Due) -> tuple[datetime, tuple[str, str]]:
    return due.at or _LONG_AGO, due.judged.cluster.key


def _due(report: Report, judged: Judged) -> Due:
    at, why = _when(report, judged)
    snapshot = report.coverage.snapshots.get(judged.cluster.key)
    snapshot_id = snapshot.id if snapshot is not None else None
    return Due(
        judged=judged,
        at=at,
        why=why,
        took=_took(judged),
        snapshot_id=snapshot_id,
        snapshot_bytes=snapshot.size if snapshot is not None else None,
        command=_command(judged, snapshot_id),
    )


def _when(report: Report, judged: Judged) -> tuple[datetime | None, str]:
    """Return when the test is due, None if that is not known, and why."""
    if judged.failed is not None and judged.failed.failed_at is not None:
        failed_at = judged.failed.failed_at
        return failed_at, f"failed on {day(failed_at)}"
    window = report.policy.window_of(judged.cluster)
    if judged.good is not None:
        at = judged.good.ended_at + window
        return at, f"{'runs' if at > report.at else 'ran'} out on {day(at)}"
    made = judged.cluster.created_at
    return (made + window if made is not None else None), "never tested"


def _took(judged: Judged) -> float | None:
    """Return how long the newest restore took that ended well."""
    took = [
        restore.job.duration_seconds
        for restore in judged.restores
        if restore.is_whole and restore.rung is not None
    ]
    took = [seconds for seconds in took if seconds is not None]
    return took[-1] if took else None


def _command(judged: Judged, snapshot_id: str | None) -> str | None:
    """Return the command; None if it would have a value of a form that Atlas does not have."""
    group_id, name = judged.cluster.key
    if snapshot_id is None or not is_object_id(snapshot_id):
        return None
    if not (is_object_id(group_id) and is_cluster_name(name)):
        return None
    return (
        f"atlas backups restores start automated --projectId {group_id} --clusterName {name} "
        f"--snapshotId {snapshot_id} {TARGET}"
    )
