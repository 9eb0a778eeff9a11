"""
The lease of sweeps: one sweep works at a time, even if AWS delivers ticks twice or late.

It is an item of the table under a key that no job can have. It also remembers the last tick, so
that a tick that was delivered again, late or out of order is not swept again. A sweep that finds
the lease held stores that it waits. The holder then gives the lease up once it has done its work.
"""

import math
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Self
from uuid import uuid4

from boto3.dynamodb.conditions import Attr, ConditionBase
from pydantic import StrictStr

from foundation.clock import CLOCKS_APART, utc_text
from foundation.deadline import Deadline
from foundation.errors import ApplicationError
from foundation.outside import FromOutside, IfReadable
from restore_watch.model.forms_of_fields import AHEAD, PastMoment
from restore_watch.table.items import Items, lies_between
from restore_watch.table.stored_fields import StoredNumber, deserialized, sweeps_key
from restore_watch.time_limits import SWEEP_TIME

KEY = sweeps_key("lease")

GRACE = 5.0
"""Seconds after the deadline of an invocation until which its lease is valid."""

PATIENCE = 15.0
"""Seconds for which a sweep waits while another one holds the lease."""

PAUSE = 1.0
"""Seconds between two looks at the lease."""

ENDING = 3.0
"""Seconds that the holder may need to end. It ignores a sweep that will wait for less."""

_NOBODY_WAITS = {"waitingUntil": None, "waitingTick": None}


class _LeaseItem(FromOutside):
    """The attributes. Nothing has to be right."""

    owner: IfReadable[StrictStr]
    waiting_until: IfReadable[StoredNumber]
    waiting_tick: IfReadable[PastMoment]
    last_tick: IfReadable[PastMoment]
    succeeded_at: IfReadable[PastMoment]


def read_success(items: Iterable[Mapping[str, Any]], now: datetime) -> datetime | None:
    """Read when a sweep last succeeded, of items in DynamoDB's types."""
    for item in items:
        if item["restoreId"] == KEY["restoreId"]:
            return _LeaseItem.read(deserialized(item), now).succeeded_at
    return None


@dataclass(frozen=True)
class _Stored:
    """The item as it is stored `at` a moment, in Unix seconds."""

    item: _LeaseItem
    at: float

    @classmethod
    def of(cls, attributes: Mapping[str, Any], at: float) -> Self:
        """Read the item, in DynamoDB's types."""
        now = datetime.fromtimestamp(at, UTC)
        return cls(_LeaseItem.read(deserialized(attributes), now), at)

    @property
    def waits_until(self) -> float:
        """The end of the wait of a sweep, in Unix seconds, 0 if none waits."""
        until = float(self.item.waiting_until or 0)
        return until if self.at <= until <= self.at + AHEAD.total_seconds() else 0.0

    def has_swept(self, tick: datetime | None) -> bool:
        """A sweep for this tick, or a newer tick, has begun."""
        last = self.item.last_tick
        return tick is not None and last is not None and last >= tick

    def is_awaited_by(self, tick: datetime | None) -> bool:
        """A sweep for this tick, or a newer tick, waits already; any sweep, if there is no tick."""
        if tick is None:
            return self.waits_until > 0
        waiting = self.item.waiting_tick if self.waits_until else None
        return waiting is not None and waiting >= tick


def _waits(now: float) -> ConditionBase:
    """The condition that a sweep waits."""
    ahead = math.ceil(now + AHEAD.total_seconds())
    return lies_between("waitingUntil", math.floor(now), ahead)


@dataclass(frozen=True)
class SweepLease(Items):
    """The lease. `now` gives Unix seconds; `sleep` takes seconds."""

    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep

    def acquire(self, tick: datetime | None, deadline: Deadline) -> str | None:
        """
        Return the new owner's name, or None: another sweep works, or the tick was swept already.

        The lease is valid until a little after the deadline. A sweep that dies does not give it
        back; it runs out. The note of a waiting sweep counts for the present holder, and the note
        of a tick for sweeps without a tick: they do the least. A note counts only as long as its
        sweep will go on to wait: a sweep that died stops nothing.
        """
        owner = uuid4().hex
        stored = self._try(owner, tick, deadline)
        if stored.item.owner == owner:
            return owner
        if stored.is_awaited_by(tick):
            return None  # this sweep was delivered again, or another one will do its work
        return self._acquire_later(owner, tick, stored, deadline)

    def _acquire_later(
        self, owner: str, tick: datetime | None, stored: _Stored, deadline: Deadline
    ) -> str | None:
        """Wait for the holder, as long as PATIENCE. Return the owner's name, or None."""
        until = round(stored.at + PATIENCE - ENDING, 6)
        for _ in range(int(PATIENCE / PAUSE)):
            if stored.has_swept(tick):
                return None
            # The note of another waiting sweep may end sooner, or was meant for the last holder.
            if stored.waits_until < until and self.now() < until:
                noted = self._note(stored, tick, until, deadline)
                if tick is None and noted.waits_until not in {0, until}:
                    return None  # another sweep was faster, and will see what this one would
            deadline.require(PAUSE, "wait for the sweep that has the lease")
            self.sleep(PAUSE)
            stored = self._try(owner, tick, deadline)
            if stored.item.owner == owner:
                return owner
        return None

    def is_awaited(self, owner: str, deadline: Deadline) -> bool:
        """Whether another sweep waits for the lease, or has it already."""
        with suppress(ApplicationError):  # the next look may succeed
            stored = self._look(deadline)
            return stored.item.owner != owner or stored.waits_until > 0
        return False

    def release(
        self, owner: str, deadline: Deadline, *, succeeded_at: datetime | None = None
    ) -> None:
        """Give the lease back, unless another sweep has taken it. Store a success."""
        sets: dict[str, Any] = {"owner": None, "validUntil": None}
        if succeeded_at:
            sets["succeededAt"] = utc_text(succeeded_at)
        self._update(KEY, deadline, Attr("owner").eq(owner), sets=sets)

    def last_tick_and_success(self, deadline: Deadline) -> tuple[datetime | None, datetime | None]:
        """Return the newest tick that a sweep has begun, and the last success, in UTC."""
        stored = self._look(deadline)
        return stored.item.last_tick, stored.item.succeeded_at

    def _look(self, deadline: Deadline) -> _Stored:
        return _Stored.of(self._look_up(KEY, deadline, "lastTick"), self.now())

    def _try(self, owner: str, tick: datetime | None, deadline: Deadline) -> _Stored:
        now = self.now()
        latest = now + SWEEP_TIME + GRACE + CLOCKS_APART.total_seconds()
        valid_until = math.ceil(now + deadline.remaining() + GRACE)
        sets: dict[str, Any] = {"owner": owner, "validUntil": valid_until, **_NOBODY_WAITS}
        condition: ConditionBase = ~lies_between("validUntil", math.floor(now), math.ceil(latest))
        if tick:
            ahead = datetime.fromtimestamp(now, UTC) + AHEAD
            sets["lastTick"] = utc_text(tick)
            condition &= ~lies_between("lastTick", utc_text(tick), utc_text(ahead))
        else:
            # In a row, sweeps without a tick would outlast the patience of a sweep with a tick.
            condition &= ~(_waits(now) & Attr("waitingTick").exists())
        stored = self._update(KEY, deadline, condition, sets=sets)
        return _Stored.of(stored, now)

    def _note(
        self, held: _Stored, tick: datetime | None, until: float, deadline: Deadline
    ) -> _Stored:
        """Store for the holder that a sweep waits; without a tick, if no other does."""
        now, holder = self.now(), held.item.owner
        if holder is None:
            return held
        condition: ConditionBase = Attr("owner").eq(holder)
        if tick is None:
            condition &= ~_waits(now)
        # The fraction tells this sweep from others that began in the same second.
        sets = {"waitingUntil": Decimal(str(until)), "waitingTick": tick and utc_text(tick)}
        return _Stored.of(self._update(KEY, deadline, condition, sets=sets), now)
