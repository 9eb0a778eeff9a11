"""What somebody should know of a cluster beside its state, as short texts. Pure."""

from datetime import timedelta

from restore_watch.report.judging.cluster_state import Judged, State
from restore_watch.report.report import Report
from restore_watch.report.restores.what_a_restore_proves import Restore
from restore_watch.report.snapshot import Snapshot
from restore_watch.report.words.own_objectives import over, unread_tags
from restore_watch.report.words.wording import day

OLDEST_SNAPSHOT = timedelta(days=2)
"""Without an RPO, the newest snapshot of a cluster may be this old."""


def needs_look(report: Report, judged: Judged) -> bool:
    """Whether the cluster needs a look: its state is bad, or there is a remark against it."""
    return judged.state.is_bad or bool(_against(report, judged))


def remarks(report: Report, judged: Judged) -> list[str]:
    """Return every remark: what people are told of the cluster, and data that differ."""
    said = told_remarks(report, judged)
    if judged.differs is not None and data_that_need_look(report, judged) is None:
        said.append(_data_differ(judged.differs))
    return said


def told_remarks(report: Report, judged: Judged) -> list[str]:
    """
    Return the remarks that people are told: those against the cluster, and what explains it.

    A tag that cannot be read only explains, because the stack's value counts in its place: alone it
    needs no look, and all may be well. Its row says so, and does not fold.
    """
    said = _against(report, judged)
    last = judged.last_attempt
    if last is not None and last.was_cancelled_or_expired:
        said.append(f"last attempt {last.outcome.lower()} on {day(last.ended_at)}")
    if judged.cluster.is_paused:
        said.append("paused")
    said += _early_verdicts(judged)
    said += unread_tags(judged.cluster)
    if not judged.cluster.is_listed and (judged.good or judged.failed):
        said.append("tags not read: judged by the values of the stack")
    exemption = judged.cluster.by_tags.exemption
    if exemption:
        said.append(exemption)
    return said


def data_that_need_look(report: Report, judged: Judged) -> Restore | None:
    """
    Return the restore whose data differ from their source, if that needs a look.

    An index may have expired documents, and somebody may have written since. So a difference needs
    a look only if a measurement makes a restore a test.
    """
    is_minded = report.policy.measurements_count and judged.state.needs_test
    return judged.differs if is_minded else None


def early_verdict(restore: Restore) -> str:
    """Return that a verdict PASSED is too early to be about the data; "" if there is none."""
    early = restore.early_verdict
    if early is None:
        return ""
    return f"verdict PASSED of {day(early.at)} is dated before the end of its restore: not counted"


def not_restorable(report: Report, judged: Judged) -> str:
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


def _not_usable(report: Report, judged: Judged, snapshot: Snapshot) -> str:
    if snapshot.taken_at is None:
        return "no snapshot"
    said = f"newest snapshot of {day(snapshot.taken_at)}"
    if snapshot.is_fallback:
        return f"{said} is a fallback, which may be inconsistent"
    oldest = report.objectives_of(judged.cluster).rpo or OLDEST_SNAPSHOT
    return said if report.read_at - snapshot.taken_at > oldest else ""


def objectives_missed(report: Report, judged: Judged) -> list[str]:
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


def objectives_unknown(report: Report, judged: Judged) -> list[str]:
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


def _data_differ(restore: Restore) -> str:
    return f"restore of {day(restore.began)} differs from its source"


def _early_verdicts(judged: Judged) -> list[str]:
    """Return which verdicts on the last good test, and on the newest attempt, do not count."""
    good, last = judged.good, judged.last_attempt
    said = [early_verdict(good)] if good is not None else []
    if last is not None and last is not good:
        said.append(early_verdict(last))
    return list(filter(None, said))


def _against(report: Report, judged: Judged) -> list[str]:
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
        said.append(_data_differ(differs))
    # The state *cannot tell* says it already.
    if judged.unread is not None and judged.state is not State.CANNOT_TELL:
        said.append("restores not fully read")
    snapshot = report.coverage.snapshots.get(judged.cluster.key)
    if snapshot is not None and snapshot.unread is not None:
        said.append("snapshots not read")
    return said
