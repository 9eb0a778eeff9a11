"""What somebody should know of a cluster beside its state, as short texts. Pure."""

from restore_watch.report.judging.cluster_state import JudgedCluster
from restore_watch.report.report import Report
from restore_watch.report.restores.what_a_restore_proves import Restore
from restore_watch.report.words.needs_look import against, data_differ, data_that_need_look
from restore_watch.report.words.own_objectives import unread_tags
from restore_watch.report.words.wording import day


def remarks(report: Report, judged: JudgedCluster) -> list[str]:
    """Return every remark: what people are told of the cluster, and data that differ."""
    said = told_remarks(report, judged)
    if judged.differs is not None and data_that_need_look(report, judged) is None:
        said.append(data_differ(judged.differs))
    return said


def told_remarks(report: Report, judged: JudgedCluster) -> list[str]:
    """
    Return the remarks that people are told: those against the cluster, and what explains it.

    A tag that cannot be read only explains, because the stack's value counts in its place: alone it
    needs no look, and all may be well. Its row says so, and does not fold.
    """
    said = against(report, judged)
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


def early_verdict(restore: Restore) -> str:
    """Return that a verdict PASSED is too early to be about the data; "" if there is none."""
    early = restore.early_verdict
    if early is None:
        return ""
    return f"verdict PASSED of {day(early.at)} is dated before the end of its restore: not counted"


def _early_verdicts(judged: JudgedCluster) -> list[str]:
    """Return which verdicts on the last good test, and on the newest attempt, do not count."""
    good, last = judged.good, judged.last_attempt
    said = [early_verdict(good)] if good is not None else []
    if last is not None and last is not good:
        said.append(early_verdict(last))
    return list(filter(None, said))
