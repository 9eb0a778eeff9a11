"""When a project is listed for its age: events tell of most restores, but not of all. Pure."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from foundation.clock import is_recent
from restore_watch.sweep.finding.memory_of_projects import ProjectMemory
from restore_watch.table.project_item import Project

LISTED_EVERY = timedelta(minutes=15)
"""A project is listed this often without any event: a collection restore has none at its start."""

LISTED_EARLY = timedelta(seconds=15)
"""A listing may come so much early, because sweeps do not begin to the second."""

LISTED_AT_ONCE = 100
"""So many projects, or a share of all if that is more, are listed in a sweep for their age."""

TICKS_TO_LIST_ALL = 14
"""After so many ticks all were listed. With a tick a minute, LISTED_EVERY has one more."""


def is_listing_due(project: Project | None, now: datetime) -> bool:
    """Whether a project is to be listed for its age."""
    if project is None or project.listed_at is None:
        return True
    age, period = now - project.listed_at, LISTED_EVERY - LISTED_EARLY
    return not is_recent(age.total_seconds(), period.total_seconds())


def postponed(
    group_ids: Collection[str], stored: Mapping[str, Project], memory: ProjectMemory, now: datetime
) -> list[str]:
    """
    Return the projects of these that a later sweep lists for their age.

    That spreads the listings of many projects, which all began when the stack was deployed.
    """
    listed = [
        group_id for group_id in group_ids if group_id in stored and stored[group_id].listed_at
    ]
    due = [group_id for group_id in listed if is_listing_due(stored[group_id], now)]
    # They take turns: a project that cannot be listed does not keep others from it.
    due.sort(key=lambda group_id: memory.last_turn(group_id, "listing"))
    at_once = max(LISTED_AT_ONCE, len(group_ids) // TICKS_TO_LIST_ALL)
    return due[at_once:]
