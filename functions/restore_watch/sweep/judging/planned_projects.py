"""About which projects a sweep was to ask, by its log, and which of them are watched. Pure."""

from collections.abc import Mapping, Sequence

from restore_watch.sweep.log import Planned, Record


def watched_by_plan(records: Mapping[str | None, Sequence[Record]]) -> set[str]:
    """Return the projects that are watched, by the plans in the log of a sweep."""
    watched: set[str] = set()
    for records_of_project in records.values():
        plan = last_plan(records_of_project)
        if plan is not None and plan.is_watched:
            watched.add(plan.group_id)
    return watched


def last_plan(records: Sequence[Record]) -> Planned | None:
    """Return the plan that counts of the records of one project, None if it has no plan."""
    plans = [record for record in records if isinstance(record, Planned)]
    return plans[-1] if plans else None
