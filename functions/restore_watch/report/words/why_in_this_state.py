"""Why a cluster is in its state, in a sentence. Pure."""

from datetime import timedelta

from restore_watch.model.validation import Verdict
from restore_watch.report.judging.cluster_state import ClusterState, JudgedCluster
from restore_watch.report.report import Report
from restore_watch.report.restores.what_a_restore_proves import Rung
from restore_watch.report.words.wording import count, day, reason

_LACKED = {
    Rung.VERIFIED: "no verdict PASSED",
    Rung.MEASURED: "neither a measurement that matches nor a verdict PASSED",
}
"""What a restore of a whole cluster lacks that is no good test, by what counts as a test."""


def why(report: Report, judged: JudgedCluster) -> str:
    """Return why the cluster is in its state; nothing if the state says all."""
    match judged.state:
        case ClusterState.FAILED if judged.failed:
            began = day(judged.failed.began)
            if judged.failed.verdict is Verdict.FAILED:
                return f"The data restored on {began} failed their test."
            return f"Atlas could not finish the restore of {began}."
        case ClusterState.OVERDUE:
            return f"The last good test is {age(report, judged)}."
        case ClusterState.NEVER:
            return _why_never(report, judged)
        case ClusterState.CANNOT_TELL if judged.unread:
            return f"{reason(judged.unread)}."
    return ""


def age(report: Report, judged: JudgedCluster) -> str:
    """Return how old the last good test is, and by how much that is over the cluster's window."""
    if judged.good is None:
        return ""
    old = report.at - judged.good.ended_at
    text = f"{count(old.days, 'day')} old"
    own, window = report.policy.window_of(judged.cluster), "the window"
    if own != report.policy.window:
        window = f"its window of {count(own.days, 'day')}"
    over = old - own
    if over <= timedelta():
        return text
    if over.days == 0:
        return f"{text}, less than a day over {window}"
    return f"{text}, {over.days} over {window}"


def _why_never(report: Report, judged: JudgedCluster) -> str:
    if judged.cluster.has_backups is False:
        return "Its backups are off, so nothing can be restored."
    completed = [restore for restore in judged.restores if restore.rung is not None]
    if any(restore.is_whole for restore in completed):
        return f"Its restores have {_LACKED[report.policy.counts]}."
    if completed and all(restore.is_partial for restore in completed):
        return "Only downloads or restores of some collections are known."
    if completed:
        return "What its restores restored is not known, so they prove nothing."
    said = ["No test is known."]
    if judged.cluster.created_at:
        said.append(f"The cluster is of {day(judged.cluster.created_at)}.")
    if report.stored.watched_since:
        said.append(f"The table begins on {day(report.stored.watched_since)}.")
    return " ".join(said)
