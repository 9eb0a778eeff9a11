"""A restore whose data differs from that of its source → the words about it. Pure."""

from collections.abc import Iterator, Mapping

from notify_people.message import DifferingDatabase, DifferingFigure, RestoreMeasured
from notify_people.plain_text import cut
from notify_people.severity_and_paging import severity_and_paging_of_difference
from notify_people.wanted_changes import Change
from notify_people.words.durations_and_moments import microseconds, moment
from notify_people.words.notice import Notice, Step, known, project_fact
from notify_people.words.restore_notice import clusters, with_project
from notify_people.words.what_to_do_next import project_step

SHOWN = 10
"""Databases that are named, which is as many as a measurement names."""

LINE_LIMIT = 220
"""Characters of a database and its figures: ten such lines fit a message of Slack."""


def measurement_notice(measured: RestoreMeasured, console: str, stack: str) -> Notice:
    """
    Return the notice about a measurement that differs.

    A restore is measured once, or again, later, if it was recorded anew.
    """
    severity, paging = severity_and_paging_of_difference()
    return Notice(
        stack=stack,
        about=f"measurement/{measured.restore_id}",
        order=microseconds(measured.observed_at),
        thread=measured.restore_id,
        change=Change.VALIDATED,
        event_type="restore-measured",
        what="restore",
        outcome="with data that differs",
        severity=severity,
        paging=paging,
        title=with_project(f"Restored data differs: {clusters(measured)}", measured),
        detail=_detail(measured),
        facts=known(_facts(measured)),
        steps=(*map(Step, _advice(measured)), project_step(measured, console)),
        at=measured.observed_at,
        source=measured.source,
        keywords=("measurement", "differs", measured.cluster_name),
    )


def _detail(measured: RestoreMeasured) -> str:
    found = measured.measurement
    return (
        f"In {found.differing_databases:,} of {found.databases.expected:,} databases, Atlas counts "
        "other numbers than in the source at its snapshot."
    )


def _facts(measured: RestoreMeasured) -> Mapping[str, str | None]:
    found = measured.measurement
    project, target_project = measured.group_id, measured.target_project_id
    named = found.differing[:SHOWN]
    more = found.differing_databases - len(named)
    return {
        "Project": project_fact(project, measured.project_name),
        "Source cluster": measured.cluster_name,
        "Target cluster": measured.target_deployment_item_name,
        "Target project": target_project if target_project != project else None,
        **{f"Difference {number}": _line(database) for number, database in enumerate(named, 1)},
        "Others that differ": f"{more:,}" if more else None,
        "Counted": moment(found.measured_at),
        "Recorded": moment(measured.observed_at),
        "Restore job": measured.restore_id,
    }


def _line(database: DifferingDatabase) -> str:
    """Return such as `sales (documents: 7 instead of 900)`."""
    figures = "; ".join(map(_figure, database.figures)) or "differs"
    name = database.name or "a name that cannot be shown"
    return cut(f"{name} ({'missing' if database.is_missing else figures})", LINE_LIMIT)


def _figure(figure: DifferingFigure) -> str:
    expected = f"{figure.least:,}"
    if figure.most is not None and figure.most > figure.least:
        expected = f"{expected} to {figure.most:,}"
    return f"{figure.figure}: {figure.found:,} instead of {expected}"


def _advice(measured: RestoreMeasured) -> Iterator[str]:
    """Yield the next steps, the most urgent first."""
    target = measured.target_deployment_item_name or "the target"
    yield f"Look at these databases in {target} before anyone relies on the restored data"
    reasons = " or ".join(_reasons(measured))
    if reasons:
        yield f"Ask whether {target} has changed since the restore: it may be {reasons}"
    yield f"If {target} has not changed since, restore again"


def _reasons(measured: RestoreMeasured) -> list[str]:
    """Return what else may make the differences, each once."""
    figures = [one for database in measured.measurement.differing for one in database.figures]
    return list(dict.fromkeys(figure.may_be for figure in figures if figure.may_be))
