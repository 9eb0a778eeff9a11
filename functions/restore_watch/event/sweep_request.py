"""A sweep that is asked for, and when it comes too late. Pure."""

from datetime import datetime, timedelta
from typing import NamedTuple

from foundation.clock import CLOCKS_APART
from restore_watch.errors import InvalidEventError

TICK_LIFE = timedelta(seconds=110)
"""
A tick is too old then, because the next one has come.

EventBridge Scheduler fires at any moment of the minute that a schedule names ("Schedule types",
EventBridge Scheduler User Guide), so a tick may arrive a minute old.
"""

REQUEST_LIFE = timedelta(seconds=50)
"""
The request of a check is too old then: a tick has come, or Lambda repeats a sweep that failed.

Lambda waits a minute before that ("Error handling for asynchronous invocations", AWS Lambda
Developer Guide), and puts what fails again into the failure queue. The ticks report it anyhow.
"""


class SweepRequest(NamedTuple):
    """
    Follow every open job and, at a tick, find others.

    `tick` is the moment for which the schedule fired, in UTC, if any; `field` is where it stands.
    A check asked for the sweep at the moment `requested_at`.
    """

    tick: datetime | None = None
    field: str = "scheduledTime"
    requested_at: datetime | None = None

    def is_late(self, now: datetime) -> bool:
        """Whether a later sweep does this work. Raises InvalidEventError for a future tick."""
        tick, requested_at = self.tick or now, self.requested_at or now
        if tick - now > CLOCKS_APART:
            raise InvalidEventError(self.field, "expected a moment that has come")
        return now - tick > TICK_LIFE or now - requested_at > REQUEST_LIFE
