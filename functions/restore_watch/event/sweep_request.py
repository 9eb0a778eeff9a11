"""A sweep that is asked for. Pure."""

from datetime import datetime
from typing import NamedTuple


class SweepRequest(NamedTuple):
    """
    Follow every open job and, at a tick, find others.

    `tick` is the moment for which the schedule fired, in UTC, if any; `field` is where it stands.
    A check asked for the sweep at the moment `requested_at`.
    """

    tick: datetime | None = None
    field: str = "scheduledTime"
    requested_at: datetime | None = None
