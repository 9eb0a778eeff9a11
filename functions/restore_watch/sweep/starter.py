"""Starts sweeps: a tick those of the other workers, and a check the one that follows a new job."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from foundation.clock import Clock
from foundation.deadline import Deadline
from foundation.service import service
from restore_watch.aws.own_function import OwnFunction
from restore_watch.event.actions import Sweep
from restore_watch.model.shares import Worker
from restore_watch.sweep.parts import SweepOptions
from restore_watch.telemetry.telemetry import Telemetry

STARTING_TIME = 5.0
"""Seconds that starting the sweeps of other workers may take."""

FOLLOWING_TIME = 2.0
"""Seconds that a check may take to start sweeps: somebody waits for it, and the next tick comes."""


@service
class Starter:
    """Starts sweeps of workers. What Lambda does not take, the next tick starts again."""

    own_function: OwnFunction
    clock: Clock
    telemetry: Telemetry
    options: SweepOptions

    def start_others(self, sweep: Sweep, deadline: Deadline) -> Mapping[str, int]:
        """Start those of the other workers, if the sweep names none. Return how many, if any."""
        workers = self.options.workers
        if workers == 1 or sweep.worker is not None:
            return {}
        started = self._start(range(1, workers), sweep.tick, deadline.within(STARTING_TIME))
        return {"workers": workers, "started": started}

    def start_for(self, projects: Collection[str], deadline: Deadline) -> None:
        """Start the sweeps that follow new jobs in these projects, which then wait for no tick."""
        workers = self.options.workers
        numbers = (one for one in range(workers) if any(map(Worker(one, workers).has, projects)))
        if self.options.hot_seconds:
            self._start(numbers, None, deadline.within(FOLLOWING_TIME))

    def _start(self, numbers: Iterable[int], tick: datetime | None, deadline: Deadline) -> int:
        """Start the sweeps of these workers. Return how many Lambda has taken."""
        started = 0
        for worker in numbers:
            # An older version of the function knows no workers.
            named = worker if self.options.workers > 1 else None
            error = self.own_function.start_sweep(named, tick, self.clock.now(), deadline)
            if error is None:
                started += 1
            else:
                self.telemetry.not_started(worker, error)
        return started
