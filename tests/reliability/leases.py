"""
The lease of sweeps, read from the wire: who took it, who gave it back, and who works without it.

The rules are written here a second time, because a judge must not ask the accused.
"""

import json
import threading
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from local_stack.wire import Call, Phase

LEASE: dict[str, Any] = {"cluster": {"S": "sweeps"}, "restoreId": {"S": "lease"}}
"""The key of its item."""

TICK_LIFE = 110.0
"""Seconds after which a tick is swept no more."""

CLOCKS_APART = 60.0
"""Seconds that a tick may lie in the future."""

PATIENCE = 15.0
"""Seconds for which a sweep waits for another one."""


@dataclass(frozen=True)
class _Event:
    """`until` is None if the lease is given back. `now` is the clock of the invocation."""

    invocation: int
    now: float
    until: float | None
    tick: datetime | None


class LeaseLog:
    """What happened to the lease, in order, and which sweeps read the index without it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._events: list[_Event] = []
        self._unleased: set[int] = set()

    def note(self, call: Call, phase: Phase, invocation: int, tick: datetime | None) -> None:
        """Note a call of a sweep: the lease when its write has taken effect, all else before."""
        is_lease = is_lease_write(call)
        with self._lock:
            if call.operation == "Query" and phase == "before":
                if invocation not in {one.invocation for one in self._events}:
                    self._unleased.add(invocation)
            elif is_lease and phase == "after" and call.status == 200:
                if says_that_a_sweep_waits(call):
                    return
                values = json.loads(call.body).get("ExpressionAttributeValues", {})
                until = values.get(":validUntil", {}).get("N")
                now = values.get(":now", {}).get("N", "0")
                end = None if until is None else float(until)
                self._events.append(_Event(invocation, float(now), end, tick))

    def worked(self, invocation: int) -> bool:
        """The invocation had the lease, whether or not it learnt that."""
        with self._lock:
            return any(one.invocation == invocation and one.until for one in self._events)

    @property
    def last_tick(self) -> datetime | None:
        """The latest tick for which the lease was taken."""
        with self._lock:
            return max((one.tick for one in self._events if one.tick and one.until), default=None)

    def judge(self) -> None:
        """F65, F66, F80 and F84, for all sweeps of an example."""
        assert not self._unleased, "F65: a sweep worked without the lease"
        holder: _Event | None = None
        last_tick: datetime | None = None
        # Two writes may overtake each other on their way here.
        overtaken: set[int] = set()
        for place, one in enumerate(self._events):
            if one.until is None:
                if one.invocation not in overtaken:
                    is_own = holder is not None and holder.invocation == one.invocation
                    assert is_own, "F80: a sweep gave back a lease that it did not hold"
                    holder = None
                continue
            if holder is not None and holder.until is not None and holder.until >= one.now:
                later = self._events[place:]
                given_back = {other.invocation for other in later if other.until is None}
                assert holder.invocation in given_back, "F65: two sweeps had the lease at once"
                overtaken.add(holder.invocation)
            if one.tick is not None:
                assert last_tick is None or one.tick > last_tick, "F84: a tick was swept twice"
                last_tick = one.tick
            holder = one


def is_lease_write(call: Call) -> bool:
    return call.operation == "UpdateItem" and b'"lease"' in call.body


def says_that_a_sweep_waits(call: Call) -> bool:
    """The holder of the lease reads it, and hands its hot jobs over."""
    return is_lease_write(call) and b'":waitingUntil"' in call.body
