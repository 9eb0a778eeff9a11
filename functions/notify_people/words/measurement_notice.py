"""A restore whose data differ from those of its source → the words about it. Pure."""

from collections.abc import Mapping

from notify_people.change import Change
from notify_people.message import Differing, DifferingFigure, RestoreMeasured
from notify_people.severity_and_paging import of_difference
from notify_people.words.durations_and_moments import microseconds, moment
from notify_people.words.notice import Notice, Step, known, project_fact
from notify_people.words.restore_notice import clusters, with_project
from notify_people.words.restore_steps import project_step


def measurement_notice(measured: RestoreMeasured, console: str, stack: str) -> Notice:
    """Return the notice about a difference. A restore is measured once."""
    severity, paging = of_difference()
    return Notice(
        stack=stack,
        subject=f"measurement/{measured.restore_id}",
        order=microseconds(measured.observed_at),
        thread=measured.restore_id,
        change=Change.VALIDATED,
        event_type="restore-measured",
        what="measurement",
        outcome="differs",
        severity=severity,
        paging=paging,
        title=with_project(f"Restored data differ: {clusters(measured)}", measured),
        detail=_detail(measured),
        facts=known(_facts(measured)),
        steps=(*_advice(measured), project_step(measured, console)),
        at=measured.observed_at,
        source=measured.source,
        keywords=("measurement", "differs", measured.cluster_name),
    )


def _detail(measured: RestoreMeasured) -> str:
    databases = measured.measurement.databases
    return (
        f"By Atlas's own figures, {databases.found:,} of {databases.expected:,} databases have "
        "what the source had at its snapshot."
    )


def _advice(measured: RestoreMeasured) -> tuple[Step, ...]:
    target = measured.target_deployment_item_name or "the target"
    return (
        Step(f"Look at these databases in {target} before anyone relies on its data"),
        Step(
            "Ask first whether an index expired documents, or somebody wrote or deleted since the "
            "restore: each makes a difference too"
        ),
    )


def _facts(measured: RestoreMeasured) -> Mapping[str, str | None]:
    found = measured.measurement
    more = found.databases.expected - found.databases.found - len(found.differing)
    return {
        "Project": project_fact(measured.group_id, measured.project_name),
        "Source cluster": measured.cluster_name,
        "Target cluster": measured.target_deployment_item_name,
        **{f"Database {one.name}": _difference(one) for one in found.differing},
        "Other databases that differ": f"{more:,}" if more > 0 else None,
        "Figures of": moment(found.measured_at),
        "Recorded": moment(measured.observed_at),
        "Restore job": measured.restore_id,
    }


def _difference(database: Differing) -> str:
    if database.is_missing:
        return "missing"
    return "; ".join(map(_figure, database.figures))


def _figure(figure: DifferingFigure) -> str:
    """Return such as `1,088,000 of 2,176,000 documents, maybe documents that ...`."""
    expected = f"{figure.least:,}"
    if figure.most not in {None, figure.least}:
        expected = f"{expected} to {figure.most:,}"
    may_be = f", maybe {figure.may_be}" if figure.may_be else ""
    return f"{figure.found:,} {figure.figure}, expected {expected}{may_be}"
