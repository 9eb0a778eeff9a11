"""
The names of projects, for the messages about their restores.

Sweeps read the list of projects, and store a name in the item of its project. An environment that
has not read it for long reads it there.
"""

import math
from collections.abc import Callable, Collection
from threading import Lock

from foundation.clock import is_recent
from foundation.deadline import Deadline
from foundation.errors import ApplicationError
from restore_watch.model.forms_of_fields import name_or_null
from restore_watch.table.items import Items
from restore_watch.table.stored_fields import deserialize, project_key

NAMES_KNOWN = 3600.0
"""Seconds for which a name is remembered, or that there is none."""

LOOK_UP_TIME = 1.5
"""Seconds that reading a name may take: a message goes out without one, too."""

FAILED_FOR = 60.0
"""Seconds in which no name is read, after one could not be read."""


class StoredNames(Items):
    """The names in the items of projects."""

    def look_up(self, group_id: str, deadline: Deadline) -> str | None:
        """Return the name of a project, None if it is unknown."""
        item = self._look_up(project_key(group_id), deadline, "name")
        return name_or_null(deserialize(item["name"])) if "name" in item else None


class ProjectNames:
    """
    An environment's memory of the names. Any thread may use it. `now` gives Unix seconds.

    `watched`: the ids of projects that are watched, or "all". The other projects have no items.
    """

    def __init__(
        self, stored: StoredNames, watched: Collection[str], now: Callable[[], float]
    ) -> None:
        self._stored, self._watched, self._now = stored, watched, now
        self._lock = Lock()
        self._names: dict[str, str | None] = {}
        self._names_at = now()
        self._failed_at = -math.inf

    def name_of(self, group_id: str, deadline: Deadline) -> str | None:
        """Return the name of a project, None if it is unknown. The table is read once an hour."""
        if self._watched != "all" and group_id not in self._watched:
            return None
        with self._lock:
            self._forget_old()
            if group_id in self._names:
                return self._names[group_id]
            if is_recent(self._now() - self._failed_at, FAILED_FOR):
                return None
        try:
            name = self._stored.look_up(group_id, deadline.within(LOOK_UP_TIME))
        except ApplicationError:
            self._failed_at = self._now()
            return None
        self.remember(group_id, name)
        return name

    def remember(self, group_id: str, name: str | None) -> None:
        """The list of projects, or the item of a project, shows this name."""
        with self._lock:
            self._names[group_id] = name

    def remember_all(self, names: dict[str, str | None]) -> None:
        """A sweep has read the names in the items of all projects."""
        with self._lock:
            self._names, self._names_at = names, self._now()

    def _forget_old(self) -> None:
        if not is_recent(self._now() - self._names_at, NAMES_KNOWN):
            self._names, self._names_at = {}, self._now()
