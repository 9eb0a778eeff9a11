"""The projects that the sweeps of one example watch, and which of their jobs must be found."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any, Literal

from local_stack.event_types import EVENT_TYPES, STARTS
from local_stack.restores import Kind
from local_stack.stack import LocalStack
from local_stack.wire import Call
from reliability.drawn import GROUPS
from reliability.drawn_projects import DrawnProjects, Emitted, Sightless
from reliability.find_judgement import PARTITION, PROJECT, STACK, Bookkept, bookkept
from reliability.world_parts import Job, group_of

_LISTS = {"projects", "events", "flex_clusters", "dedicated_clusters"}

WHOLE_LISTS = 500
"""With pages of so many entries, each list of the model is one page."""

_FULL_PAGES = {"500", "100"}
"""Entries that a listing asks for. A question about known jobs asks for other numbers."""


def is_to_find(call: Call) -> bool:
    """The call is made to find jobs, not to ask about known ones."""
    is_listing = call.operation.endswith("_list") and call.query.get("itemsPerPage") in _FULL_PAGES
    return is_listing or call.operation in _LISTS


def is_bookkeeping(call: Call) -> bool:
    """The call stores or publishes how a project or the stack is seen. Its text may name a job."""
    return any(word in call.body for word in (b'"sweeps"', b"watch-degraded", b"watch-recovered"))


class WatchedProjects:
    """
    The projects in Atlas and how they are seen. `jobs` returns every job of the example.

    `ids` is what the operator configured: no projects, their ids, or "all".
    """

    def __init__(self, stack: LocalStack, jobs: Callable[[], Collection[Job]]) -> None:
        self._stack = stack
        self._jobs = jobs
        self.ids: tuple[str, ...] | Literal["all"] = ()
        self.attempted: set[str] = set()
        """Those that a sweep has tried to list."""
        self.poisoned: set[str] = set()
        self.history = 0
        """So many restores had ended in each cluster long before the example."""
        self._over_before: set[str] = set()
        self._clusters: set[tuple[str, str, Kind]] = set()
        self._sightless: dict[str, Sightless] = {}
        self._is_odd_clock = False
        self._clear_bookkeeping()

    def watch(self, drawn: DrawnProjects) -> None:
        """From now on sweeps watch the projects, which Atlas lists as drawn."""
        self.ids = GROUPS if drawn.watches == "ids" else "all"
        self.history = drawn.history
        behaviour = self._stack.atlas.behaviour
        behaviour.largest_page, behaviour.list_order = drawn.largest_page, drawn.list_order
        for group_id in GROUPS:
            self._stack.atlas.add_project(group_id)

    def close(self) -> None:
        """Leave nothing to the next example."""
        atlas = self._stack.atlas
        for group_id in GROUPS:
            atlas.admit(group_id)
            atlas.add_project(group_id)
            atlas.remove_project(group_id)
        self._clear_bookkeeping()
        behaviour = atlas.behaviour
        behaviour.largest_page, behaviour.list_order = WHOLE_LISTS, "newest first"
        self.say_time(0)
        self.emit("emitted")

    # What happens to projects

    @property
    def are_watched(self) -> bool:
        return bool(self.ids)

    @property
    def are_seen(self) -> bool:
        """Nothing is refused, deleted or hidden. Events may be."""
        return not self._sightless

    def tells_at_once(self, job: Job) -> bool:
        """An event says that the job begins, and marks are of the clock that dates the event."""
        behaviour = self._stack.atlas.behaviour
        has_event = job.kind in STARTS and behaviour.emits_events and bool(behaviour.event_types)
        return has_event and not self._is_odd_clock

    def put_out_of_sight(self, group_id: str, how: Sightless) -> None:
        atlas = self._stack.atlas
        self.bring_back(group_id)
        self._sightless[group_id] = how
        match how:
            case "locked out":
                atlas.lock_out(group_id)
            case "no role for dedicated":
                atlas.lock_out(group_id, "dedicated")
                atlas.lock_out(group_id, "collection")
            case "deleted":
                for job in self._jobs():
                    if job.restore.group_id == group_id:
                        job.vanish()
                        atlas.hide_restore(job.restore)
                atlas.remove_project(group_id)
            case "not listed":
                atlas.hide_project(group_id)

    def bring_back(self, group_id: str) -> None:
        """Admit, list or create the project again. What was in a deleted one is gone."""
        atlas = self._stack.atlas
        if self._sightless.pop(group_id, None) is None:
            return
        atlas.admit(group_id)
        atlas.add_project(group_id)
        atlas.show_project(group_id)
        for group, cluster, kind in self._clusters:
            if group == group_id:
                atlas.add_cluster(group, cluster, kind)

    def bring_all_back(self) -> None:
        for group_id in GROUPS:
            self.bring_back(group_id)

    def began(self, job: Job) -> None:
        """A restore has begun. Its cluster comes back with its project."""
        self._clusters.add((*job.cluster, job.kind))

    def add_cluster(self, group_id: str, cluster: str, kind: Kind) -> None:
        self.bring_back(group_id)
        self._clusters.add((group_id, cluster, kind))
        self._stack.atlas.add_cluster(group_id, cluster, kind)

    def has(self, group_id: str, cluster: str) -> bool:
        """The cluster was not removed, or has come back."""
        return any(one[:2] == (group_id, cluster) for one in self._clusters)

    def remove_cluster(self, group_id: str, cluster: str) -> None:
        """The cluster is gone, and its jobs are."""
        removed = {one for one in self._clusters if one[:2] == (group_id, cluster)}
        self._clusters -= removed
        for job in self._jobs():
            if job.cluster == (group_id, cluster):
                job.vanish()
        if removed and self._sightless.get(group_id) != "deleted":
            self._stack.atlas.remove_cluster(group_id, cluster)

    # What Atlas says

    def emit(self, how: Emitted) -> None:
        """Restores leave events, or none; or no type of event is known, so that none is read."""
        behaviour = self._stack.atlas.behaviour
        behaviour.emits_events = how == "emitted"
        behaviour.event_types = frozenset() if how == "refused" else EVENT_TYPES

    def poison(self, group_id: str, attributes: Mapping[str, Any]) -> None:
        """Somebody writes into the item of a project by hand, if there is one."""
        key = f"{PROJECT}{group_id}"
        if self._stack.get(PARTITION, key) is None:
            return
        self.poisoned.add(group_id)
        names = {f"#{name}": name for name in attributes}
        self._stack.aws.client("dynamodb").update_item(
            TableName=self._stack.table_name,
            Key={"cluster": {"S": PARTITION}, "restoreId": {"S": key}},
            UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in attributes),
            ExpressionAttributeNames=names,
            ExpressionAttributeValues={f":{name}": value for name, value in attributes.items()},
        )

    def emit_start(self, group_id: str, kind: Kind, at: datetime) -> None:
        """The event of a start, before its job or late."""
        if kind in STARTS:
            self._stack.atlas.add_event(group_id, STARTS[kind], at=at)

    def say_time(self, ahead: float) -> None:
        """Atlas's clock is so many seconds ahead."""
        self._is_odd_clock = True
        self._stack.atlas.behaviour.clock_ahead = ahead

    # What must be found

    def heard(self, call: Call) -> None:
        """A sweep tries to list a project: what has ended by then is history."""
        group_id = group_of(call)
        if call.operation != "events" or group_id in self.attempted:
            return
        self.attempted.add(group_id)
        self._over_before |= {
            job.restore.restore_id
            for job in self._jobs()
            if job.restore.group_id == group_id and job.last.terminal
        }

    def must_be_found(self, job: Job) -> bool:
        """It was always visible, and was under way at the first attempt or has begun since."""
        is_new = job.restore.restore_id not in self._over_before
        is_there = not (job.was_out_of_sight or job.deleted)
        return job.restore.group_id in self.attempted and is_new and is_there

    def must_be_shown(self, job: Job, latest: datetime) -> bool:
        """A listing ends behind the mark, so that short pages may leave out an older restore."""
        behaviour = self._stack.atlas.behaviour
        if behaviour.largest_page == WHOLE_LISTS or behaviour.list_order != "newest first":
            return True
        known = self.bookkept(latest).get(job.restore.group_id)
        return known is not None and known.reaches(job.part, job.created_at)

    def bookkept(self, latest: datetime) -> dict[str, Bookkept]:
        """The bookkeeping in the table: by project, the stack's by its name."""
        items = self._items().items()
        return {key.removeprefix(PROJECT): bookkept(item, latest) for key, item in items}

    def _items(self) -> dict[str, dict[str, Any]]:
        return {
            key: item
            for key in (STACK, *(f"{PROJECT}{group_id}" for group_id in GROUPS))
            if (item := self._stack.get(PARTITION, key)) is not None
        }

    def _clear_bookkeeping(self) -> None:
        for key in (STACK, *(f"{PROJECT}{group_id}" for group_id in GROUPS)):
            self._stack.aws.client("dynamodb").delete_item(
                TableName=self._stack.table_name,
                Key={"cluster": {"S": PARTITION}, "restoreId": {"S": key}},
            )
