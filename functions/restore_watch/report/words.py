"""What a report says in sentences. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence

from restore_watch.model.validation import Verdict
from restore_watch.report.cluster_remarks import remarks
from restore_watch.report.cluster_state import Judged, State, Unread
from restore_watch.report.report import Report, median_seconds
from restore_watch.report.what_a_restore_proves import Rung
from restore_watch.report.what_is_well import concerns
from restore_watch.report.wording import count, day, duration

_NAME_PROJECTS = "Name the projects to watch in the parameter AtlasProjectIds."


def headline(report: Report) -> str:
    """Return the first sentence: the weightiest concern, or that all is well."""
    said = concerns(report)
    if said:
        return said[0]
    completed = count(report.outcomes["COMPLETED"], "restore")
    return f"All is well: {completed} completed, {_tested(report)} tested in {_window(report)}."


def lead(report: Report) -> str:
    """Return the paragraph below the headline: good tests, and the restores of the period."""
    return " ".join([_tests(report), *_restores(report)])


def _tests(report: Report) -> str:
    if report.judged is None:
        return f"It has restores, and no clusters. {_NAME_PROJECTS}"
    if not report.required and report.unread_projects:
        return "No cluster that needs a test could be read."
    if not report.required:
        return "Atlas lists no cluster that needs a test." + _listed(report)
    tested = [judged for judged in report.judged if judged.state is State.TESTED]
    said = f"{_tested(report)} had a good restore test in the last {_window(report)}"
    unsure = len([judged for judged in tested if judged.unread])
    if not tested:
        return f"{said}."
    if not unsure:
        return f"{said}, and no failure since."
    return f"{said}. Whether a restore of {unsure} of them failed since could not be read."


def _listed(report: Report) -> str:
    return f" {_NAME_PROJECTS}" if report.watches_nothing else ""


def _restores(report: Report) -> list[str]:
    ends = [f"{number} {end.lower()}" for end, number in report.outcomes.items() if number]
    if not ends:
        return ["No restore is recorded in this period."]
    said = [f"{count(len(report.recorded), 'restore')} in this period: {', '.join(ends)}."]
    took = median_seconds(report.recorded)
    if took is not None:
        said.append(f"The median took {duration(took)}.")
    refuted = len([one for one in report.recorded if one.verdict is Verdict.FAILED])
    if refuted:
        said.append(f"{count(refuted, 'verdict')} FAILED.")
    return said


def why(report: Report, judged: Judged) -> str:
    """Return why the cluster is in its state; nothing if the state says all."""
    match judged.state:
        case State.FAILED if judged.failed:
            began = day(judged.failed.began)
            if judged.failed.verdict is Verdict.FAILED:
                return f"The data restored on {began} failed their test."
            return f"Atlas could not finish the restore of {began}."
        case State.OVERDUE:
            return f"The last good test is {age(report, judged)}."
        case State.NEVER:
            return _why_never(report, judged)
        case State.CANNOT_TELL if judged.unread:
            return f"{reason(judged.unread)}."
    return ""


def age(report: Report, judged: Judged) -> str:
    """Return how old the last good test is, and by how much that is over the window."""
    if judged.good is None:
        return ""
    old = report.at - judged.good.ended_at
    text = f"{count(old.days, 'day')} old"
    over = old - report.policy.window
    if over.days > 0:
        return f"{text}, {over.days} over the window"
    return f"{text}, less than a day over the window" if over.total_seconds() > 0 else text


def _why_never(report: Report, judged: Judged) -> str:
    if judged.cluster.has_backups is False:
        return "Its backups are off, so nothing can be restored."
    completed = [restore for restore in judged.restores if restore.rung is not None]
    if any(restore.rung is Rung.RESTORED for restore in completed):
        return "Its restores have no verdict PASSED."
    if completed and all(restore.is_partial for restore in completed):
        return "Only downloads or restores of some collections are known."
    if completed:
        return "What its restores restored is not known, so they prove nothing."
    said = ["No test is known."]
    if judged.cluster.created_at:
        said.append(f"The cluster is of {day(judged.cluster.created_at)}.")
    if report.watched_since:
        said.append(f"The table begins on {day(report.watched_since)}.")
    return " ".join(said)


def facts(report: Report, judged: Judged) -> list[str]:
    """Return what somebody should know of the cluster beside the word for its state."""
    overdue = [age(report, judged)] if judged.state is State.OVERDUE else []
    return overdue + remarks(report, judged)


def folded(report: Report, clusters: Sequence[Judged]) -> tuple[list[Judged], list[Judged]]:
    """Return the clusters that a long page shows at once, and those without a remark."""
    shown, without_remark = [], []
    for judged in clusters:
        if judged.state.needs_look or facts(report, judged):
            shown.append(judged)
        else:
            without_remark.append(judged)
    return shown, without_remark


def limits(report: Report) -> list[str]:
    """Return what the report can say, and what it cannot."""
    counts = "a completed restore of a whole cluster into a cluster"
    if report.policy.counts is Rung.VERIFIED:
        counts += ", if a pipeline reported the verdict PASSED on its data"
    since, expiry = report.watched_since, report.credentials_expire_at
    table = f"The table of this stack begins on {day(since)}." if since else "The table is empty."
    at, read_at = (f"{day(moment)}, {moment:%H:%M} UTC" for moment in (report.at, report.read_at))
    known = (
        f"States know what had happened by {at}. Restores, verdicts, clusters, their tags, "
        f"backups and snapshots are those of {read_at}, when Atlas was read."
    )
    said = [
        f"A good test is {counts}. Downloads and restores of some collections never count.",
        "COMPLETED says that Atlas wrote the data. Only a verdict says that somebody tested them.",
        known,
        f"{table} Months and weeks also show the newest 100 restores of each cluster in Atlas.",
        "How long Atlas lists a restore is not documented.",
    ]
    if report.policy.required_tag:
        said.append("Only clusters with the tag of the parameter RestoreTestTag need a test.")
    if expiry:
        said.append(f"The credentials for Atlas expire on {day(expiry)}.")
    return said


def reason(unread: Unread) -> str:
    """Return why something could not be read, and since when."""
    since = f", since {day(unread.since)}" if unread.since else ""
    return f"{unread.problem.rstrip('.')}{since}"


def counted(clusters: Iterable[Judged]) -> str:
    """Return how many of the clusters, which are in order, are in each state."""
    states = Counter(judged.state for judged in clusters)
    return ", ".join(f"{number} {state}" for state, number in states.items())


def _tested(report: Report) -> str:
    return f"{report.states[State.TESTED]} of {count(len(report.required), 'cluster')}"


def _window(report: Report) -> str:
    return count(report.policy.window.days, "day")
