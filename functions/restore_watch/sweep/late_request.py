"""When the request of a sweep comes too late. Pure."""

from datetime import datetime, timedelta

from foundation.clock import CLOCKS_APART
from restore_watch.errors import InvalidEventError
from restore_watch.event.sweep_request import SweepRequest

OLDEST_TICK = timedelta(seconds=110)
"""
An older tick is late, because the next one has come.

EventBridge Scheduler fires at any moment of the minute that a schedule names ("Schedule types",
EventBridge Scheduler User Guide), so a tick may arrive a minute old.
"""

OLDEST_REQUEST = timedelta(seconds=50)
"""
An older request of a check is late: a tick has come, or Lambda repeats a sweep that failed.

Lambda waits a minute before that ("Error handling for asynchronous invocations", AWS Lambda
Developer Guide), and puts what fails again into the failure queue. The ticks report it anyhow.
"""


def is_late(request: SweepRequest, now: datetime) -> bool:
    """Whether a later sweep does this work. Raises InvalidEventError for a future tick."""
    tick, requested_at = request.tick or now, request.requested_at or now
    if tick - now > CLOCKS_APART:
        raise InvalidEventError(request.field, "expected a moment that has come")
    return now - tick > OLDEST_TICK or now - requested_at > OLDEST_REQUEST
