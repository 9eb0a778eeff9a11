"""Starts the sweep that follows a new job."""

from foundation.clock import Clock
from foundation.deadline import Deadline
from foundation.service import service
from restore_watch.aws.own_function import OwnFunction
from restore_watch.sweep.parts import SweepOptions
from restore_watch.telemetry.telemetry import Telemetry

FOLLOWING_TIME = 2.0
"""Seconds that a check may take to start a sweep: somebody waits for it, and a tick comes soon."""


@service
class Starter:
    """Starts sweeps. What Lambda does not take, the next tick does."""

    own_function: OwnFunction
    clock: Clock
    telemetry: Telemetry
    options: SweepOptions

    def start(self, deadline: Deadline) -> None:
        """Start the sweep that follows new jobs, which then wait for no tick."""
        if self.options.hot_seconds:
            error = self.own_function.start_sweep(self.clock.now(), deadline.within(FOLLOWING_TIME))
            if error is not None:
                self.telemetry.report_unstarted_sweep(error)
