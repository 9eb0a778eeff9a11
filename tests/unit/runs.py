"""A sweep's `Run` in which Atlas has never named a limit."""

from datetime import UTC, datetime

from foundation.clock import Clock as UtcClock
from restore_watch.sweep.memory_of_jobs import SweepMemory
from restore_watch.sweep.outcomes import Outcomes
from restore_watch.sweep.rate_limit_pace import Pace
from restore_watch.sweep.run import Run
from restore_watch.sweep.tally import Tally
from restore_watch.table.project_item import Project
from restore_watch.telemetry.telemetry import Telemetry
from unit.scripted_atlas import Clock


def a_run(clock: Clock, telemetry: Telemetry, projects: dict[str, Project] | None = None) -> Run:
    """A run that begins now and has a minute."""

    def now() -> datetime:
        return datetime.fromtimestamp(clock.now, UTC)

    return Run(
        at=now(),
        asking=clock.deadline(),
        ending=clock.deadline(),
        clock=UtcClock(now, clock.sleep),
        pace=Pace(0.5, lambda _bucket, _since: None, since=0.0, waits=lambda _: False),
        tally=Tally(opened=0),
        outcomes=Outcomes(),
        memory=SweepMemory(clock),
        known={},
        projects=projects or {},
        telemetry=telemetry,
    )
