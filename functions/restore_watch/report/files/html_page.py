"""
report.html: one page without a script, which any browser opens and prints. Pure.

A name from Atlas may hold anything. The template escapes every value, no name stands in an
attribute, and control characters are replaced.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from restore_watch.model.objectives import Objectives
from restore_watch.model.restore_status import RestoreStatus
from restore_watch.report.files.months_and_weeks import (
    Sign,
    restores_by_week,
    shown_months,
    signs_by_month,
)
from restore_watch.report.files.timeline import SCHEDULED_AT, Timeline
from restore_watch.report.files.visible_text import visible
from restore_watch.report.judging.cluster_state import ClusterState, JudgedCluster
from restore_watch.report.report import JudgedRestore, Report, median_seconds
from restore_watch.report.restores.what_a_restore_proves import Restore
from restore_watch.report.words import wording
from restore_watch.report.words.cluster_remarks import early_verdict, remarks
from restore_watch.report.words.due_next import due_next
from restore_watch.report.words.headline import concerns, headline
from restore_watch.report.words.lead import lead
from restore_watch.report.words.limits import limits
from restore_watch.report.words.measurement_line import measurement_line
from restore_watch.report.words.needs_look import needs_look
from restore_watch.report.words.own_objectives import over, own_objectives
from restore_watch.report.words.why_in_this_state import age, why

ROWS = 40
"""Rows of what needs a look, and of restores."""

UNFOLDED = 60
"""Clusters that the page shows without folding those that have no remark."""

CLUSTERS = 1_000
"""Clusters that the page shows at all. The files have the others."""


class RestoreRow(NamedTuple):
    """
    What the page shows of a restore.

    `mark`: how its bar is drawn, as bad, late, good or open. `seconds`: how long it took, or has
    taken so far. `snapshot_age`: in seconds. Both are None if they are not known. `objectives`:
    those of its cluster. `place`: its place among the rows.
    """

    restore: Restore
    mark: str
    seconds: float | None
    snapshot_age: float | None
    is_over_rto: bool
    is_over_rpo: bool
    objectives: Objectives
    place: tuple[bool, bool, float]

    @property
    def took(self) -> str:
        """How long it took, in words that never contradict `is_over_rto`."""
        if self.seconds is None:
            return "time not known"
        said = wording.duration_over if self.is_over_rto else wording.duration
        return said(self.seconds)


def html_page(report: Report) -> str:
    """Return the file."""
    return _template().render(style=_style(), **_words(), **_contents(report))


@cache
def _template() -> Template:
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.from_string(_text_of("report.html"))


@cache
def _style() -> Markup:
    """The style of the page, which is ours: nothing in it is escaped."""
    return Markup(_text_of("report.css"))  # noqa: S704  a file of this package


def _text_of(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _shown(value: object) -> object:
    return value if isinstance(value, Markup) else visible(str(value))


def _words() -> Mapping[str, Any]:
    """What the template calls, and names."""
    return {
        "SCHEDULED_AT": SCHEDULED_AT,
        "Sign": Sign,
        "counted": _counted,
        "early_verdict": early_verdict,
        "folded": _folded,
        "headline": headline,
        "lead": lead,
        "limits": limits,
        "measurement_line": measurement_line,
        "median_seconds": median_seconds,
        "over": over,
        "own_objectives": own_objectives,
        "remarks": remarks,
        "shown_facts": shown_facts,
        "signs_by_month": signs_by_month,
        "why": why,
        "wording": wording,
    }


def _contents(report: Report) -> Mapping[str, Any]:
    objectives, clusters = report.objectives, report.coverage.in_order
    rows = _rows_of_restores(report)
    ages = [row.snapshot_age for row in rows if row.snapshot_age is not None]
    took = [row.seconds for row in rows if row.seconds is not None]
    return {
        "report": report,
        "coverage": report.coverage,
        "other_concerns": concerns(report)[1:],
        "looks": _looks(report),
        "due": due_next(report),
        "months": shown_months(report),
        "weeks": restores_by_week(report),
        "restores": rows,
        "rows_shown": ROWS,
        "projects": _by_project(clusters[:CLUSTERS]),
        "is_folding": len(clusters) > UNFOLDED,
        "left_out": len(clusters[CLUSTERS:]),
        "rto": objectives.rto,
        "rpo": objectives.rpo,
        "timeline": Timeline.of(ages, took, rpo=objectives.rpo, rto=objectives.rto),
    }


def _looks(report: Report) -> list[list[JudgedCluster]]:
    """Return the rows of what needs a look. A row has a cluster, or several that are alike."""
    rows: list[list[JudgedCluster]] = []
    for judged in report.coverage.in_order:
        if not needs_look(report, judged):
            continue
        if rows and _are_alike(report, rows[-1][-1], judged):
            rows[-1].append(judged)
        else:
            rows.append([judged])
    return rows


def _are_alike(report: Report, first: JudgedCluster, second: JudgedCluster) -> bool:
    """Whether they are of one project, and all that is known is the same: why they are unread."""
    is_same_project = first.cluster.group_id == second.cluster.group_id
    are_bare = _is_bare(report, first) and _is_bare(report, second)
    return is_same_project and are_bare and first.unread == second.unread


def _is_bare(report: Report, judged: JudgedCluster) -> bool:
    """Whether nothing is known of the cluster but why it cannot be read."""
    if judged.state is not ClusterState.CANNOT_TELL:
        return False
    return judged.good is None and not remarks(report, judged)


def _by_project(clusters: Sequence[JudgedCluster]) -> Mapping[str, list[JudgedCluster]]:
    projects: dict[str, list[JudgedCluster]] = {}
    for judged in clusters:
        projects.setdefault(judged.cluster.group_id, []).append(judged)
    return projects


def shown_facts(report: Report, judged: JudgedCluster) -> list[str]:
    """Return what the page shows of a cluster beside the word for its state."""
    if judged.state is ClusterState.OVERDUE:
        return [age(report, judged), *remarks(report, judged)]
    return remarks(report, judged)


def _folded(
    report: Report, clusters: Sequence[JudgedCluster]
) -> tuple[list[JudgedCluster], list[JudgedCluster]]:
    """Return the clusters that a long page shows at once, and those without a remark."""
    shown: list[JudgedCluster] = []
    without_remark: list[JudgedCluster] = []
    for judged in clusters:
        if judged.state.is_bad or shown_facts(report, judged):
            shown.append(judged)
        else:
            without_remark.append(judged)
    return shown, without_remark


def _counted(clusters: Sequence[JudgedCluster]) -> str:
    """Return how many of the clusters, which are in order, are in each state."""
    states = Counter(judged.state for judged in clusters)
    return ", ".join(f"{number} {state}" for state, number in states.items())


def _rows_of_restores(report: Report) -> list[RestoreRow]:
    """Return the restores of the period, the worst first."""
    rows = [_row_of_restore(report, judged) for judged in report.judged_restores]
    return sorted(rows, key=lambda row: row.place)


def _row_of_restore(report: Report, judged: JudgedRestore) -> RestoreRow:
    restore, facts, rto = judged.evidence.restore, judged.facts, judged.objectives.rto
    seconds = report.seconds(restore)
    took_too_long = rto is not None and seconds is not None and seconds > rto.total_seconds()
    has_other_end = restore.went_wrong or restore.was_cancelled_or_expired
    is_over_rto = took_too_long and facts["rtoMet"] is False and not has_other_end
    is_over_rpo = facts["rpoMet"] is False
    has_missed = facts["rtoMet"] is False or is_over_rpo
    is_late = has_missed or report.is_open_too_long(restore)
    mark = "open"
    if restore.went_wrong:
        mark = "bad"
    elif is_over_rto:
        mark = "late"
    elif restore.job.status is RestoreStatus.COMPLETED:
        mark = "good"
    return RestoreRow(
        restore=restore,
        mark=mark,
        seconds=seconds,
        snapshot_age=restore.job.snapshot_age_seconds,
        is_over_rto=is_over_rto,
        is_over_rpo=is_over_rpo,
        objectives=judged.objectives,
        # What failed, then what missed an objective, is open for too long or differs from its
        # source, then the newest.
        place=(
            not restore.went_wrong,
            not (is_late or restore.differs),
            -restore.began.timestamp(),
        ),
    )
