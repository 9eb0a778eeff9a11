"""Whether a cluster needs a look, and what is against it, as short texts. Pure."""

from restore_watch.report.judging.cluster_state import ClusterState, JudgedCluster
from restore_watch.report.report import Report
from restore_watch.report.restores.what_a_restore_proves import Restore
from restore_watch.report.words.not_restorable import not_restorable
from restore_watch.report.words.own_objectives import over
from restore_watch.report.words.wording import day


def needs_look(report: Report, judged: JudgedCluster) -> bool:
    """Whether the cluster needs a look: its state is bad, or there is a remark against it."""
    return judged.state.is_bad or bool(against(report, judged))


def against(report: Report, judged: JudgedCluster) -> list[str]:
    """Return what is against the cluster beside its state; each needs a look."""
    said: list[str] = []
    reason = not_restorable(report, judged)
    if reason:
        said.append(reason)
    said += objectives_missed(report, judged)
    said += objectives_unknown(report, judged)
    if not judged.state.needs_test:
        return said
    differs = data_that_need_look(report, judged)
    if differs is not None:
        said.append(data_differ(differs))
    # The state *cannot tell* says it already.
    if judged.unread is not None and judged.state is not ClusterState.CANNOT_TELL:
        said.append("restores not fully read")
    snapshot = report.coverage.snapshots.get(judged.cluster.key)
    if snapshot is not None and snapshot.unread is not None:
        said.append("snapshots not read")
    return said


def objectives_missed(report: Report, judged: JudgedCluster) -> list[str]:
    """Return which objectives the last good test of a cluster that needs tests did not meet."""
    good, objectives = judged.good, report.objectives_of(judged.cluster)
    if good is None or not judged.state.needs_test:
        return []
    said: list[str] = []
    if objectives.completed_in_time(good.job, good.began) is False:
        said.append(over("RTO", objectives.rto, report.objectives.rto))
    if objectives.rpo_met(good.job) is False:
        said.append(over("RPO", objectives.rpo, report.objectives.rpo))
    return said


def objectives_unknown(report: Report, judged: JudgedCluster) -> list[str]:
    """Return against which objectives the last good test cannot be judged, for want of a date."""
    good, objectives = judged.good, report.objectives_of(judged.cluster)
    if good is None or not judged.state.needs_test:
        return []
    said: list[str] = []
    in_time = objectives.completed_in_time(good.job, good.began)
    if objectives.rto is not None and in_time is None:
        said.append("RTO not known")
    if objectives.has_rpo_for(good.job) and objectives.rpo_met(good.job) is None:
        said.append("RPO not known")
    return said


def data_that_need_look(report: Report, judged: JudgedCluster) -> Restore | None:
    """
    Return the restore whose data differ from their source, if that needs a look.

    An index may have expired documents, and somebody may have written since. So a difference needs
    a look only if a measurement makes a restore a test.
    """
    is_minded = report.policy.measurements_count and judged.state.needs_test
    return judged.differs if is_minded else None


def data_differ(restore: Restore) -> str:
    """Return that the data of a restore differ."""
    return f"restore of {day(restore.began)} differs from its source"
