"""What a report says in sentences. Pure."""

from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta

from restore_watch.model.validation import Verdict
from restore_watch.report.cluster_state import EXEMPTION_TAG, Judged, State, Unread
from restore_watch.report.period import DAY, Period
from restore_watch.report.report import Report, median_seconds
from restore_watch.report.what_a_restore_proves import Rung


def headline(report: Report) -> str:
    """Return the first sentence: whether anything needs somebody."""
    looked, bad = len(report.to_look_at), sum(one.went_wrong for one in report.recorded)
    said = {
        f"{_required(report, looked)} need{'s' if looked == 1 else ''} a look.": looked,
        "Some clusters cannot be read.": report.unread_projects,
        "The watch itself needs a look.": report.degraded,
        "No cluster has the tag of RestoreTestTag.": report.is_tag_unused,
        f"{_count(bad, 'restore')} need{'s' if bad == 1 else ''} a look.": bad,
        "Some restores cannot be read.": report.unreadable,
    }
    tested = _required(report, report.states[State.TESTED])
    tests = f", {tested} tested in {_window(report)}" if report.judged else ""
    well = f"All is well: {_count(report.outcomes['COMPLETED'], 'restore')} completed{tests}."
    return next((sentence for sentence, is_so in said.items() if is_so), well)


def lead(report: Report) -> str:
    """Return the paragraph below the headline: good tests, and the restores of the period."""
    tested = _required(report, report.states[State.TESTED])
    tests = f"{tested} had a good restore test in the last {_window(report)}, and no failure since."
    if report.judged is None:
        tests = "No project is watched, so this report has restores and no clusters."
    ends = [f"{number} {end.lower()}" for end, number in report.outcomes.items() if number]
    if not ends:
        return f"{tests} No restore is recorded in this period."
    took = median_seconds(report.recorded)
    median = "" if took is None else f" The median took {duration(took)}."
    failed = sum(one.verdict is Verdict.FAILED for one in report.recorded)
    verdicts = f" {_count(failed, 'verdict')} FAILED." if failed else ""
    restores = f"{_count(len(report.recorded), 'restore')} in this period: {', '.join(ends)}."
    return f"{tests} {restores}{median}{verdicts}"


def why(report: Report, judged: Judged) -> str:
    """Return why the cluster is in its state; nothing if the state says all."""
    text, failed = "", judged.failed
    match judged.state:
        case State.FAILED if failed and failed.verdict is Verdict.FAILED:
            text = f"The data restored on {day(failed.began)} failed their test."
        case State.FAILED if failed:
            text = f"Atlas could not finish the restore of {day(failed.began)}."
        case State.OVERDUE if judged.good:
            over = (report.at - judged.good.ended_at - report.policy.window).days
            by = _count(over, "day") if over else "Less than a day"
            text = f"{by} over the window of {_window(report)}."
        case State.NEVER:
            text = _why_never(report, judged)
        case State.CANNOT_TELL if judged.unread:
            text = f"{reason(judged.unread)}."
        case State.EXEMPT:
            text = judged.cluster.tags[EXEMPTION_TAG].partition(":")[2].strip()
    return text


def _why_never(report: Report, judged: Judged) -> str:
    if judged.cluster.has_backups is False:
        return "Its backups are off, so nothing can be restored."
    rungs = {one.rung for one in judged.restores}
    if Rung.RESTORED in rungs:
        return "Its restores have no verdict PASSED."
    if Rung.PARTLY in rungs:
        return "Only downloads or restores of some collections are known."
    made, since = judged.cluster.created_at, report.watched_since
    cluster = f" The cluster is of {day(made)}." if made else ""
    return f"No test is known.{cluster}{f' The table begins on {day(since)}.' if since else ''}"


def facts(report: Report, judged: Judged) -> list[str]:
    """Return what somebody should know of the cluster, whatever its state."""
    cluster, good, rpo = judged.cluster, judged.good, report.objectives.rpo
    snapshot = report.snapshots.get(cluster.key)
    taken = snapshot.taken_at if snapshot else None
    is_known = snapshot is not None and snapshot.unread is None
    is_old = taken is None or (rpo is not None and report.at - taken > rpo)
    said = (
        (why(report, judged), judged.state is State.EXEMPT),
        ("backups off", cluster.has_backups is False),
        ("paused", cluster.is_paused),
        (f"newest snapshot of {day(taken)}" if taken else "no snapshot", is_known and is_old),
        ("over the RTO", good and report.rto_met(good) is False),
        ("over the RPO", good and report.objectives.rpo_met(good.job) is False),
        ("not fully read", judged.unread and judged.state is not State.CANNOT_TELL),
    )
    return [text for text, is_so in said if text and is_so]


def limits(report: Report) -> list[str]:
    """Return what the report can say, and what it cannot."""
    counts = "a completed restore of a whole cluster into a cluster"
    if report.policy.counts is Rung.VERIFIED:
        counts += ", if a pipeline reported the verdict PASSED on its data"
    since, expiry = report.watched_since, report.credentials_expire_at
    table = f"The table of this stack begins on {day(since)}." if since else "The table is empty."
    at, asked_at = (f"{day(one)}, {one:%H:%M} UTC" for one in (report.at, report.asked_at))
    said = [
        f"A good test is {counts}. Downloads and restores of some collections never count.",
        "COMPLETED says that Atlas wrote the data. Only a verdict says that somebody tested them.",
        f"States hold for {at}, the list of clusters for {asked_at}.",
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


def period_name(period: Period) -> str:
    """Return the period as a heading names it."""
    if period.is_whole_month:
        return f"{period.first:%B %Y}"
    if period.first == period.last:
        return day(period.last)
    if period.last - period.first == 6 * DAY and period.first.weekday() == 0:
        return f"week to {day(period.last)}"
    return f"{day(period.first)} to {day(period.last)}"


def day(of: date) -> str:
    """Return a day, or that of a moment, as people write it."""
    return f"{of.day} {of:%b} {of.year}"


def duration(of: float | timedelta) -> str:
    """Return a duration, which may be in seconds, in the two units that matter."""
    seconds = of.total_seconds() if isinstance(of, timedelta) else of
    minutes = round(seconds / 60)
    if seconds < 60:
        return f"{round(seconds)} s"
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        hours, rest = divmod(minutes, 60)
        return f"{hours} h {rest:02} min" if rest else f"{hours} h"
    return f"{round(minutes / 60 / 24)} days"


def counted(clusters: Iterable[Judged]) -> str:
    """Return how many of the clusters, which are in order, are in each state."""
    states = Counter(one.state for one in clusters)
    return ", ".join(f"{number} {state}" for state, number in states.items())


def _required(report: Report, some: int) -> str:
    free = report.states[State.EXEMPT] + report.states[State.NOT_REQUIRED]
    return f"{some} of {_count(len(report.judged or ()) - free, 'cluster')}"


def _window(report: Report) -> str:
    return _count(report.policy.window.days, "day")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
