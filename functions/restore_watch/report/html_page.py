"""
report.html: one page without a script, which any browser opens and prints. Pure.

A name from Atlas may hold anything. The template escapes every value, no name stands in an
attribute, and control characters are replaced.
"""

from collections.abc import Iterable
from datetime import timedelta
from itertools import groupby
from pathlib import Path
from statistics import median

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from restore_watch.report import wording, words
from restore_watch.report.cluster_remarks import needs_look, remarks
from restore_watch.report.cluster_state import Judged, State
from restore_watch.report.period import DAY
from restore_watch.report.report import Report, Sign, median_seconds
from restore_watch.report.restore_evidence import RestoreEvidence
from restore_watch.report.shown_text import visible
from restore_watch.report.what_is_well import concerns

ROWS = 40
"""Rows of what needs a look, and of restores."""

UNFOLDED = 60
"""Clusters that the page shows without folding those that have no remark."""

CLUSTERS = 1_000
"""Clusters that the page shows at all. The files have the others."""

SCALE_OF_OBJECTIVE = 3
"""A timeline is drawn to so many times its objective; what is longer is cut."""

SCALE_OF_MEDIAN = 6
"""Without an objective, a timeline is drawn to so many times the median."""


def page(report: Report) -> str:
    """Return the file."""
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    source = (Path(__file__).parent / "report.html").read_text(encoding="utf-8")
    clusters, restores, objectives = report.in_order, report.recorded, report.objectives
    to_look_at = [judged for judged in clusters if needs_look(report, judged)]
    projects: dict[str, list[Judged]] = {}
    for judged in clusters[:CLUSTERS]:
        projects.setdefault(judged.cluster.group_id, []).append(judged)
    names = {
        "report": report,
        "words": words,
        "remarks": remarks,
        "wording": wording,
        "Sign": Sign,
        "median_seconds": median_seconds,
    }
    ages = [restore.job.snapshot_age_seconds for restore in restores]
    return environment.from_string(source, names).render(
        concerns=concerns(report)[1:],
        looks=[list(some) for _, some in groupby(to_look_at, lambda one: _same_look(report, one))],
        evidence=sorted(report.evidence, key=lambda one: _worst_first(one, report)),
        rows_shown=ROWS,
        projects=projects,
        is_folding=len(clusters) > UNFOLDED,
        left_out=len(clusters[CLUSTERS:]),
        before=_scale([age for age in ages if age is not None], objectives.rpo),
        after=_scale([report.seconds(restore) for restore in restores], objectives.rto),
    )


def _shown(value: object) -> object:
    return value if isinstance(value, Markup) else visible(str(value))


def _same_look(report: Report, judged: Judged) -> tuple[object, ...]:
    """Clusters of a project of which nothing is known but why they cannot be read share a row."""
    is_bare = judged.good is None and not remarks(report, judged)
    may_share = judged.state is State.CANNOT_TELL and is_bare
    alike = judged.unread if may_share else judged.cluster.name
    return judged.state, judged.cluster.group_id, alike


def _worst_first(evidence: RestoreEvidence, report: Report) -> tuple[bool, bool, bool, float]:
    """What failed, then what missed an objective or is open for too long, then the newest."""
    is_late = False in {evidence.facts["rtoMet"], evidence.facts["rpoMet"]}
    restore = evidence.restore
    is_stuck = not restore.job.terminal and report.asked_at - restore.began > DAY
    return not restore.went_wrong, not is_stuck, not is_late, -restore.began.timestamp()


def _scale(seconds: Iterable[float], objective: timedelta | None) -> float:
    """
    The seconds that a timeline shows: most restores and the objective.

    A restore of days must not make the bars of the others too short to be seen.
    """
    known = sorted(seconds) or [0.0]
    usual = known[len(known) * 9 // 10] * 1.25
    if objective is None:
        return max(60.0, min(usual, median(known) * SCALE_OF_MEDIAN))
    goal = objective.total_seconds()
    return max(60.0, min(max(usual, goal * 1.4), goal * SCALE_OF_OBJECTIVE))
