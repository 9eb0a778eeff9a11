"""
The first sentence of a report, and what is not well: each concern is a sentence. Pure.

*All is well* is the strongest sentence that the product says, so every line here has to hold. The
headline, the subject of the message, `attention`, and what people read follow `concerns`.
"""

from restore_watch.model.restore_status import RestoreStatus
from restore_watch.model.validation import Verdict
from restore_watch.report.judging.cluster_state import ClusterState
from restore_watch.report.report import Report
from restore_watch.report.restores.what_a_restore_proves import Restore
from restore_watch.report.words.needs_look import (
    data_that_need_look,
    objectives_missed,
    objectives_unknown,
)
from restore_watch.report.words.not_restorable import not_restorable
from restore_watch.report.words.wording import count, day, objective


def headline(report: Report) -> str:
    """Return the first sentence: the weightiest concern, or that all is well."""
    said = concerns(report)
    if said:
        return said[0]
    completed = count(report.outcomes["COMPLETED"], "restore")
    in_time = f"{how_many_tested(report)} tested in {test_window(report)}"
    return f"All is well: {completed} completed, {in_time}."


def concerns(report: Report) -> list[str]:
    """Return a sentence for each line that does not hold, the weightiest first."""
    return [
        *_nothing_is_proven(report),
        *_tests_are_missing(report),
        *_not_restorable(report),
        *_not_read(report),
        *_objectives_were_missed(report),
        *_restores_failed(report),
        *_restores_are_late(report),
        *_data_are_bad(report),
        *_data_differ(report),
        *_the_watch_is_at_risk(report),
    ]


def _nothing_is_proven(report: Report) -> list[str]:
    coverage, tag = report.coverage, report.policy.required_tag
    # An unread list may have clusters: that is a line of its own.
    if coverage.required or coverage.unread_projects:
        return []
    if coverage.watches_nothing:
        return ["No project is watched: this report proves nothing."]
    said = ["No cluster needs a test: this report proves nothing."]
    if tag is not None and coverage.lacks_tag(tag):
        said.append(f"No cluster has the tag {'='.join(tag)} of RestoreTestTag.")
    return said


def _tests_are_missing(report: Report) -> list[str]:
    required = report.coverage.required
    bad = [judged for judged in required if judged.state.is_bad]
    if bad:
        return [f"{_need_a_look(len(bad), len(required))}."]
    if required and report.coverage.states[ClusterState.TESTED] == 0:
        return [f"{_need_a_look(len(required), len(required))}: none is tested yet."]
    return []


def _need_a_look(bad: int, required: int) -> str:
    need = "needs" if bad == 1 else "need"
    return f"{bad} of {count(required, 'cluster')} {need} a look"


def _not_restorable(report: Report) -> list[str]:
    bad = [judged for judged in report.coverage.required if not_restorable(report, judged)]
    if not bad:
        return []
    return [f"{count(len(bad), 'cluster')} could not be restored as you expect."]


def _not_read(report: Report) -> list[str]:
    coverage, clusters = report.coverage, set()
    for judged in coverage.required:
        if coverage.not_read(judged):
            clusters.add(judged.cluster.key)
    for item in report.stored.unreadable:
        group_id, _, name = item["cluster"].partition("/")
        clusters.add((group_id, name))
    projects = [group_id for group_id in coverage.unread_projects if group_id]
    unread: list[str] = []
    if "" in coverage.unread_projects:
        unread.append("the list of projects")
    if projects:
        unread.append(count(len(projects), "project"))
    if clusters:
        unread.append(count(len(clusters), "cluster"))
    if not unread:
        return []
    *others, last = unread
    text = f"{', '.join(others)} and {last}" if others else last
    return [f"{text[0].upper()}{text[1:]} could not be read as a whole."]


def _objectives_were_missed(report: Report) -> list[str]:
    required, said = report.coverage.required, []
    bad = [judged for judged in required if objectives_missed(report, judged)]
    if bad:
        their = "its" if len(bad) == 1 else "their"
        said.append(f"{count(len(bad), 'test')} missed {their} RTO or RPO.")
    unsure = [judged for judged in required if objectives_unknown(report, judged)]
    if unsure:
        number = count(len(unsure), "test")
        said.append(f"{number} cannot be judged against RTO or RPO: a date is missing or wrong.")
    return said


def _restores_failed(report: Report) -> list[str]:
    """Of restores of any kind: those that failed, and began or ended in the period."""
    failed: list[Restore] = []
    for restore in report.all_restores:
        moments = restore.began, restore.ended_at
        is_of_period = any(report.period.includes(moment) for moment in moments)
        if is_of_period and restore.job.status is RestoreStatus.FAILED:
            failed.append(restore)
    return _in_csv_and_outside(
        report, failed, "restore", "{} failed.", "{} failed that restores.csv does not have."
    )


def _restores_are_late(report: Report) -> list[str]:
    """Of restores of any kind: those that are open for too long."""
    late = [restore for restore in report.all_restores if report.is_open_too_long(restore)]
    if not late:
        return []
    are = "is" if len(late) == 1 else "are"
    return [f"{count(len(late), 'restore')} {are} open for longer than {_limit_of(report, late)}."]


def _limit_of(report: Report, late: list[Restore]) -> str:
    """Return for how long these restores may be open."""
    rtos = {report.objectives_of_restore(restore).rto for restore in late}
    if len(rtos) > 1:
        return "the RTO of the cluster, or a day without one"
    (rto,) = rtos
    return f"the RTO of {objective(rto)}" if rto else "a day"


def _data_are_bad(report: Report) -> list[str]:
    """Of restores of any kind: those whose newest verdict is FAILED."""
    refuted = [
        restore for restore in report.all_restores if _has_failed_verdict_of_period(report, restore)
    ]
    return _in_csv_and_outside(
        report, refuted, "verdict", "{} FAILED.", "{} FAILED on restores outside restores.csv."
    )


def _has_failed_verdict_of_period(report: Report, restore: Restore) -> bool:
    """
    Whether the newest verdict was FAILED at the end of the period, and it or the restore is of it.

    A verdict is of the period in which the data were tested, and of that in which it arrived: the
    report of the former may have been made before.
    """
    newest = restore.as_of(report.at).newest_verdict
    if newest is None or newest.verdict is not Verdict.FAILED:
        return False
    moments = (restore.began, newest.at, newest.arrived_at or newest.at)
    return any(report.period.includes(moment) for moment in moments)


def _data_differ(report: Report) -> list[str]:
    """
    Of restores of any kind: those whose data differ, if a measurement makes a restore a test.

    Beside those of the period: the restores for which a cluster needs a look.
    """
    if not report.policy.measurements_count:
        return []
    differing = {
        restore.identity: restore
        for restore in report.all_restores
        if restore.differs and _was_begun_or_measured_in_period(report, restore)
    }
    for judged in report.coverage.clusters:
        restore = data_that_need_look(report, judged)
        if restore is not None:
            differing[restore.identity] = restore
    return _in_csv_and_outside(
        report,
        list(differing.values()),
        "restore",
        "The data of {} differ from their source.",
        "The data of {} outside restores.csv differ from their source.",
    )


def _was_begun_or_measured_in_period(report: Report, restore: Restore) -> bool:
    measured = restore.measured
    moments = (restore.began, measured.at) if measured is not None else (restore.began,)
    return any(report.period.includes(moment) for moment in moments)


def _in_csv_and_outside(
    report: Report, restores: list[Restore], noun: str, of_csv: str, of_others: str
) -> list[str]:
    """
    Return a sentence about the restores that restores.csv has, and one about the others.

    The file has the restores that are in the table and began in the period. In each sentence, the
    number and the noun replace {}.
    """
    ids = {restore.job.restore_id for restore in report.restores_of_period}
    in_csv = sum(restore.job.restore_id in ids for restore in restores)
    said: list[str] = []
    for sentence, number in ((of_csv, in_csv), (of_others, len(restores) - in_csv)):
        if number:
            said.append(sentence.format(count(number, noun)))
    return said


def _the_watch_is_at_risk(report: Report) -> list[str]:
    said: list[str] = []
    if report.sweeps_have_stopped:
        since = f"since {day(report.swept_at)}" if report.swept_at else "yet"
        said.append(f"No sweep of the watch has succeeded {since}.")
    if "" in report.degraded:
        said.append("The watch is degraded.")
    elif report.degraded:
        said.append(f"The watch of {count(len(report.degraded), 'project')} is degraded.")
    expires_at = report.credentials_expire_at
    if expires_at is not None and report.has_expired_credentials:
        said.append(f"The credentials for Atlas expired on {day(expires_at)}.")
    elif expires_at is not None and expires_at <= report.next_at:
        when = f"on {day(expires_at)}, before the next report"
        said.append(f"The credentials for Atlas expire {when}.")
    return said


def how_many_tested(report: Report) -> str:
    """Return how many of the clusters that need a test are tested."""
    good = report.coverage.states[ClusterState.TESTED]
    return f"{good} of {count(len(report.coverage.required), 'cluster')}"


def test_window(report: Report) -> str:
    """Return the days within which a test has to be."""
    days = count(report.policy.window.days, "day")
    windows = {report.policy.window_of(judged.cluster) for judged in report.coverage.required}
    return days if windows <= {report.policy.window} else f"{days}, or the days of their tags"
