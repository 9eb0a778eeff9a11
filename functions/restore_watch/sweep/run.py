"""The run that the parts of one sweep share."""

from dataclasses import dataclass
from datetime import datetime

from foundation.clock import Clock
from foundation.deadline import Deadline
from restore_watch.sweep.log import Log
from restore_watch.sweep.memory_of_jobs import JobMemory
from restore_watch.table.open_job import JobKey, OpenJob
from restore_watch.table.project_item import Project
from restore_watch.telemetry.telemetry import Telemetry


@dataclass(frozen=True)
class Run:
    """
    One sweep, which began `at` a moment in UTC. Any thread may use it.

    `succeeded_at`: when the last sweep did, None if nobody knows. `asking`: the last question to
    Atlas ends by this deadline, ENDING_TIME before `ending`. `known`: the open jobs, up to date.
    `projects`: what the table remembers of projects, by id, up to date; empty without a tick.
    """

    is_tick: bool
    at: datetime
    succeeded_at: datetime | None
    asking: Deadline
    ending: Deadline
    clock: Clock
    log: Log
    memory: JobMemory
    known: dict[JobKey, OpenJob]
    projects: dict[str, Project]
    telemetry: Telemetry

    def now(self) -> datetime:
        """Return the time, in UTC."""
        return self.clock.now()

    def open_jobs(self) -> list[OpenJob]:
        """Return the open jobs as they are known now."""
        return list(self.known.values())

    def stored_projects(self) -> list[Project]:
        """Return what is remembered of projects now. A thread that hangs may still add to it."""
        return list(self.projects.values())
