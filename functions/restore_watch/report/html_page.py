"""
report.html: one page without a script, which any browser opens and prints. Pure.

A name from Atlas may hold anything. The template escapes every value, no name stands in an
attribute, and control characters are replaced.
"""

import re
from collections.abc import Iterable
from datetime import timedelta
from itertools import groupby
from pathlib import Path

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from restore_watch.report import words
from restore_watch.report.cluster_state import Judged, State
from restore_watch.report.report import Report, Sign, median_seconds
from restore_watch.report.restore_evidence import RestoreEvidence

ROWS = 40
"""Rows of what needs a look, and of restores."""

UNFOLDED = 60
"""Clusters that the page shows without folding those where all is well."""

CLUSTERS = 1_000
"""Clusters that the page shows at all. The files have the others."""

# Control characters, and those that turn the direction of what follows: Unicode, UAX #9.
_CONTROLS = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)


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
    projects: dict[str, list[Judged]] = {}
    for one in clusters[:CLUSTERS]:
        projects.setdefault(one.cluster.group_id, []).append(one)
    names = {"report": report, "words": words, "Sign": Sign, "median_seconds": median_seconds}
    return environment.from_string(source, names).render(
        looks=[list(some) for _, some in groupby(report.to_look_at, _same_look)],
        evidence=sorted(report.evidence, key=_worst_first),
        rows_shown=ROWS,
        projects=projects,
        is_folding=len(clusters) > UNFOLDED,
        left_out=len(clusters[CLUSTERS:]),
        before=_reach((one.job.snapshot_age_seconds for one in restores), objectives.rpo),
        after=_reach(map(report.seconds, restores), objectives.rto),
    )


def _shown(value: object) -> object:
    return value if isinstance(value, Markup) else _CONTROLS.sub("\ufffd", str(value))


def _same_look(one: Judged) -> tuple[object, ...]:
    """Clusters of a project that cannot be read for the same reason share a row."""
    alike = one.unread if one.state is State.CANNOT_TELL else one.cluster.name
    return one.state, one.cluster.group_id, alike


def _worst_first(one: RestoreEvidence) -> tuple[bool, bool, float]:
    """What failed, then what missed an objective, then the newest."""
    is_late = False in {one.facts["rtoMet"], one.facts["rpoMet"]}
    return not one.restore.went_wrong, not is_late, -one.restore.began.timestamp()


def _reach(seconds: Iterable[float | None], objective: timedelta | None) -> float:
    """The seconds to draw: the objective, and most restores. One of days does not hide others."""
    known = sorted(one for one in seconds if one is not None) or [0]
    usual = known[len(known) * 9 // 10] * 1.25
    return max(60.0, usual, objective.total_seconds() * 1.4 if objective else 0)
