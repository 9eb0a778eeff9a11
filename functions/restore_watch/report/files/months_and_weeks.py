"""What the page shows of each month and of each week. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date
from enum import StrEnum

from restore_watch.report.judging.cluster_state import JudgedCluster, failure_after, newest_ended
from restore_watch.report.period import DAY, first_days_of_months
from restore_watch.report.report import Report
from restore_watch.report.restores.what_a_restore_proves import Restore, Rung

MONTHS_AND_WEEKS = 13
"""Months and weeks that the page shows: a year and its first month again, and a quarter."""


class Sign(StrEnum):
    """What a month shows of a cluster, in words."""

    VERIFIED = "verified by a pipeline"
    MEASURED = "restored, and measured: the data match their source"
    RESTORED = "restored into a cluster"
    FAILED = "failed, or a verdict FAILED"
    PARTLY = "only a download or some collections, which never count"
    NONE = "no test"
    ABSENT = "did not exist, or was not seen"


def shown_months(report: Report) -> list[date]:
    """Return the first days of the months that the page shows."""
    return first_days_of_months(report.period.last, MONTHS_AND_WEEKS)


def signs_by_month(report: Report, judged: JudgedCluster) -> Mapping[date, Sign]:
    """Return the cluster in each month. A restore belongs to the month in which it began."""
    begun: dict[date, list[Restore]] = {month: [] for month in shown_months(report)}
    for restore in judged.restores:
        month = _first_of_month(restore.began.date())
        if month in begun:
            begun[month].append(restore)
    first_seen = _first_seen(report, judged)
    return {month: _sign(month, begun[month], judged, first_seen) for month in begun}


def restores_by_week(report: Report) -> Mapping[date, list[Restore]]:
    """Return the restores that began in each week, by its Monday, to the last of the period."""
    last_monday = _monday(report.period.last)
    begun: dict[date, list[Restore]] = {}
    for weeks_ago in reversed(range(MONTHS_AND_WEEKS)):
        begun[last_monday - weeks_ago * 7 * DAY] = []
    for restore in report.all_restores:
        monday = _monday(restore.began.date())
        if restore.began < report.at and monday in begun:
            begun[monday].append(restore)
    return begun


def _first_of_month(day: date) -> date:
    return day.replace(day=1)


def _monday(day: date) -> date:
    return day - day.weekday() * DAY


def _first_seen(report: Report, judged: JudgedCluster) -> date | None:
    """The day from which no restore is missing, by Atlas's list or the table; None if none is."""
    if judged.listed_since is None:
        return None
    return min(judged.listed_since, report.stored.watched_since or judged.listed_since).date()


def _sign(
    month: date, restores: Sequence[Restore], judged: JudgedCluster, first_seen: date | None
) -> Sign:
    if not restores:
        return _sign_without_restores(month, judged, first_seen)
    good = [each for each in restores if each.rung and each.rung.reaches(Rung.RESTORED)]
    if failure_after(newest_ended(good), restores):
        return Sign.FAILED
    rungs = {restore.rung for restore in restores}
    for rung in Rung:
        if rung in rungs:
            return Sign[rung.name]
    return Sign.NONE


def _sign_without_restores(month: date, judged: JudgedCluster, first_seen: date | None) -> Sign:
    if judged.unread:
        return Sign.ABSENT
    made = judged.cluster.created_at
    if made is not None and month < _first_of_month(made.date()):
        return Sign.ABSENT
    # A month of which only a part was seen may have had a restore before that part.
    if first_seen is not None and month < first_seen:
        return Sign.ABSENT
    return Sign.NONE
