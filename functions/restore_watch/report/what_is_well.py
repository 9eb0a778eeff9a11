"""
Whether all is well. Pure.

*All is well* is the strongest sentence that the product says, so every line here has to hold. The
headline, the subject of the message, `attention`, and what people read follow `concerns`.
"""

from restore_watch.model.restore_job import RestoreStatus
from restore_watch.model.validation import Verdict
from restore_watch.report.cluster_remarks import missed, not_restorable, unjudged
from restore_watch.report.cluster_state import State
from restore_watch.report.period import DAY
from restore_watch.report.report import Report
from restore_watch.report.what_a_restore_proves import Restore
from restore_watch.report.wording import count, day, duration


def concerns(report: Report) -> list[str]:
    """Return a sentence for each line that does not hold, the weightiest first."""
    return [
        *_nothing_is_proven(report),
        *_tests_are_missing(report),
        *_not_restorable(report),
        *_not_read(report),
        *_objectives_were_missed(report),
        *_restores_went_wrong(report),
        *_the_watch_is_at_risk(report),
    ]


def _nothing_is_proven(report: Report) -> list[str]:
    # An unread list may have clusters: that is a line of its own.
    if report.required or report.unread_projects:
        return []
    if report.watches_nothing:
        return ["No project is watched: this report proves nothing."]
    said = ["No cluster needs a test: this report proves nothing."]
    if report.is_tag_unused and report.policy.required_tag:
        tag = "=".join(report.policy.required_tag)
        said.append(f"No cluster has the tag {tag} of RestoreTestTag.")
    return said


def _tests_are_missing(report: Report) -> list[str]:
    required = report.required
    bad = [judged for judged in required if judged.state.needs_look]
    if bad:
        return [f"{_need_a_look(len(bad), len(required))}."]
    if required and report.states[State.TESTED] == 0:
        return [f"{_need_a_look(len(required), len(required))}: none is tested yet."]
    return []


def _need_a_look(bad: int, required: int) -> str:
    return f"{bad} of {count(required, 'cluster')} need{'s' if bad == 1 else ''} a look"


def _not_restorable(report: Report) -> list[str]:
    bad = [judged for judged in report.required if not_restorable(report, judged)]
    return [f"{count(len(bad), 'cluster')} could not be restored as you expect."] if bad else []


def _not_read(report: Report) -> list[str]:
    clusters = {judged.cluster.key for judged in report.required if report.not_read(judged)}
    for item in report.unreadable:
        group_id, _, name = item["cluster"].partition("/")
        clusters.add((group_id, name))
    projects = [group_id for group_id in report.unread_projects if group_id]
    unread = []
    if "" in report.unread_projects:
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
    said = []
    bad = [judged for judged in report.required if missed(report, judged)]
    if bad:
        their = "its" if len(bad) == 1 else "their"
        said.append(f"{count(len(bad), 'test')} missed {their} RTO or RPO.")
    unsure = [judged for judged in report.required if unjudged(report, judged)]
    if unsure:
        number = count(len(unsure), "test")
        said.append(f"{number} cannot be judged against RTO or RPO: a date is missing.")
    return said


def _restores_went_wrong(report: Report) -> list[str]:
    """Of restores of any kind: those that failed, are open for too long, or have bad data."""
    failed = [restore for restore in report.all_restores if _failed_in_it(report, restore)]
    refuted = [restore for restore in report.all_restores if _refuted_in_it(report, restore)]
    longest = report.objectives.rto or DAY
    late = [
        restore
        for restore in report.all_restores
        if restore.began < report.at
        and not restore.job.terminal
        and (restore.is_followed or report.period.includes(restore.began))
        and report.read_at - restore.began > longest
    ]
    said = []
    listed, others = _listed_and_others(report, failed)
    if listed:
        said.append(f"{count(listed, 'restore')} failed.")
    if others:
        said.append(f"{count(others, 'restore')} failed that restores.csv does not have.")
    if late:
        limit = f"the RTO of {duration(longest)}" if report.objectives.rto else "a day"
        are = "is" if len(late) == 1 else "are"
        said.append(f"{count(len(late), 'restore')} {are} open for longer than {limit}.")
    listed, others = _listed_and_others(report, refuted)
    if listed:
        said.append(f"{count(listed, 'verdict')} FAILED.")
    if others:
        said.append(f"{count(others, 'verdict')} FAILED on restores outside restores.csv.")
    return said


def _failed_in_it(report: Report, restore: Restore) -> bool:
    """Whether the restore failed, and began or ended in the period."""
    is_of_period = report.period.includes(restore.began) or report.period.includes(restore.ended_at)
    return is_of_period and restore.job.status is RestoreStatus.FAILED


def _refuted_in_it(report: Report, restore: Restore) -> bool:
    """Whether the newest verdict is FAILED, and it or the restore is of the period."""
    if restore.verdict is not Verdict.FAILED:
        return False
    judged_at = restore.verdicts[-1].at
    return report.period.includes(restore.began) or report.period.includes(judged_at)


def _listed_and_others(report: Report, restores: list[Restore]) -> tuple[int, int]:
    """Count those that restores.csv has: of the table, and begun in the period; and the others."""
    listed = {restore.job.restore_id for restore in report.recorded}
    number = len([restore for restore in restores if restore.job.restore_id in listed])
    return number, len(restores) - number


def _the_watch_is_at_risk(report: Report) -> list[str]:
    said = []
    if "" in report.degraded:
        said.append("The watch is degraded.")
    elif report.degraded:
        said.append(f"The watch of {count(len(report.degraded), 'project')} is degraded.")
    expires_at = report.credentials_expire_at
    if expires_at is not None and expires_at <= report.asked_at:
        said.append(f"The credentials for Atlas expired on {day(expires_at)}.")
    elif expires_at is not None and expires_at <= report.next_at:
        when = f"on {day(expires_at)}, before the next report"
        said.append(f"The credentials for Atlas expire {when}.")
    return said
